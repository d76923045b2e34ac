//! The command line: each command builds what it needs and hands over.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Settings};

mod accept_clock;
mod account;
mod check;
mod config;
mod demo;
mod migrate;
mod quiet;
mod refusals;
pub mod serve;
mod user;
mod verify_audit;

#[derive(Parser)]
#[command(
    name = "canopy",
    version,
    about = "Email for everyone you send for: isolated sub accounts, one bill, one dashboard."
)]
struct Arguments {
    /// A TOML file with options; `CANOPY_*` variables win over it.
    #[arg(long, global = true, env = "CANOPY_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves dashboard and API, and delivers mail.
    Serve,
    /// Serves a believable agency from a database of its own, to look around in.
    Demo(demo::Arguments),
    /// Brings the database's schema up to this version.
    Migrate,
    /// Prints the effective configuration, secrets masked.
    Config,
    /// Looks whether database, names, ways out and the machine are in order; exit code 1 when something fails.
    Check(check::Arguments),
    /// Closes the billing periods up to now, after the installation was away for more than 62 days.
    AcceptClock,
    /// Manages parent accounts.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Manages people.
    #[command(subcommand)]
    User(UserCommand),
    /// Checks that no audit entry was changed, dropped or cut; exit code 1 when one was.
    VerifyAudit(verify_audit::Arguments),
    /// Prints what came to the inbound listener in the last thirty days and changed nothing.
    Refusals,
}

#[derive(Subcommand)]
enum AccountCommand {
    /// Adds a parent account.
    Add(account::Add),
}

#[derive(Subcommand)]
enum UserCommand {
    /// Adds a person to an account.
    Add(user::Add),
}

/// Why a command failed, in a sentence for whoever typed it.
pub type CommandResult = Result<(), Box<dyn std::error::Error>>;

/// Parses the arguments and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    quiet::init();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("canopy: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> CommandResult {
    let settings = Settings::load(arguments.config.as_deref())?;
    match arguments.command {
        Command::Serve => serve::run(Config::from_settings(&settings)?),
        Command::Demo(wanted) => demo::run(settings, &wanted),
        Command::Migrate => migrate::run(&Config::from_settings(&settings)?),
        Command::Config => config::run(&settings),
        Command::Check(wanted) => check::run(&settings, &wanted),
        Command::AcceptClock => accept_clock::run(&Config::from_settings(&settings)?),
        Command::Account(AccountCommand::Add(add)) => account::add(&Config::from_settings(&settings)?, &add),
        Command::User(UserCommand::Add(add)) => user::add(&Config::from_settings(&settings)?, &add),
        Command::Refusals => refusals::run(&Config::from_settings(&settings)?),
        Command::VerifyAudit(arguments) => verify_audit::run(&Config::from_settings(&settings)?, &arguments),
    }
}
