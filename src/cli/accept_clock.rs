//! `canopy accept-clock`: says that this machine's clock is right though it is far beyond the newest billing period.

use std::sync::Arc;

use secrecy::ExposeSecret as _;

use super::CommandResult;
use crate::actions::Cx;
use crate::actions::error::ActionError;
use crate::actions::roll_periods::{accept_clock, far_beyond};
use crate::app::secret_keys;
use crate::clock::Clock;
use crate::config::Config;
use crate::models::{Db, accounts, migrate};

/// Makes the billing periods up to now that were not made while the installation was away. The activity of each account says
/// so.
///
/// # Errors
/// When the schema is not of this version, and the database's.
pub fn run(config: &Config) -> CommandResult {
    let db = Db::open(config.database_url(), 1)?;
    if migrate::pending(&db)? > 0 {
        return Err("the schema is not of this version: run `canopy migrate` first".into());
    }
    let now = Clock::default().now();
    let cx = Cx::system(now, "command line", &Arc::new(secret_keys(config.secret_key.expose_secret())?));
    println!("It is {} by this machine's clock.", now.format("%Y-%m-%d %H:%M UTC"));
    let waiting = db.read(|conn| far_beyond(conn, now))?;
    for (root, ended) in &waiting {
        let account = db.read(|conn| Ok::<_, ActionError>(accounts::find_any(conn, *root)?))?;
        let name = account.map_or_else(|| root.to_string(), |account| account.name);
        let made = db.write(|conn| accept_clock(conn, &cx, *root))?.map_or(0, |caught_up| caught_up.made);
        println!(
            "{name}: the newest period had ended at {} UTC; {made} were made since.",
            ended.format("%Y-%m-%d %H:%M")
        );
    }
    if waiting.is_empty() {
        println!("No billing period waits: nothing was to be done.");
    }
    Ok(())
}
