//! The `canopy` binary: parse arguments, call `cli`.

fn main() {}
