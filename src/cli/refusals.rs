//! `canopy refusals`: what came to the inbound listener in the last thirty days and changed nothing.

use chrono::TimeDelta;

use super::CommandResult;
use crate::actions::error::ActionError;
use crate::clock::Clock;
use crate::config::Config;
use crate::models::{Db, returned};

const SHOWN: TimeDelta = TimeDelta::days(30);

/// Prints a line for each day and reason, the newest day first.
///
/// # Errors
/// When the database cannot be read.
pub fn run(config: &Config) -> CommandResult {
    let db = Db::open(config.database_url(), 1)?;
    let since = (Clock::default().now() - SHOWN).format("%Y-%m-%d").to_string();
    let rows = db.read(|conn| Ok::<_, ActionError>(returned::refused_since(conn, &since)?))?;
    if rows.is_empty() {
        println!("Nothing was refused since {since}.");
    }
    for (day, reason, count) in rows {
        println!("{day}  {reason:<10}  {count}");
    }
    Ok(())
}
