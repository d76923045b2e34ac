//! `canopy migrate`: the schema, brought up to this version.

use super::CommandResult;
use crate::config::Config;
use crate::models::{Db, migrate};

pub fn run(config: &Config) -> CommandResult {
    let db = Db::open(config.database_url(), 1)?;
    let ran = migrate::up(&db)?;
    if ran.is_empty() {
        println!("The database is up to date.");
    }
    for name in ran {
        println!("Ran migration {name}.");
    }
    Ok(())
}
