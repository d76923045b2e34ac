//! The `canopy` binary: parse arguments, call `cli`.

fn main() -> std::process::ExitCode {
    canopy::cli::main()
}
