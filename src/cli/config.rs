//! `canopy config`: what this node would run with.

use super::CommandResult;
use crate::config::{Config, Settings};

/// Prints every option with its meaning, and says when one cannot be used.
pub fn run(settings: &Settings) -> CommandResult {
    print!("{}", settings.printed());
    Config::from_settings(settings)?;
    Ok(())
}
