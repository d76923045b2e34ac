//! Retention of the mailbox: a file lies on one node's disk, so every node clears its own.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::pause;
use crate::actions::{ActionError, ActionResult};
use crate::app::App;
use crate::domain::ids::Id;
use crate::models::messages;

const POLL: Duration = Duration::from_secs(600);

/// Files looked up in one query.
const BATCH: usize = 500;

/// Clears away until `stop` turns true.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let node = Arc::clone(&app);
        let swept = tokio::task::spawn_blocking(move || sweep(&node)).await;
        match swept.unwrap_or_else(|error| Err(ActionError::Internal(error.to_string()))) {
            Ok(0) => {}
            Ok(gone) => log::info!("retention removed {gone} messages from the mailbox"),
            Err(error) => log::error!("the mailbox could not be cleared: {error:?}"),
        }
        pause(POLL, &mut stop).await;
    }
}

/// Removes the files whose message is gone, or whose content is no longer kept; answers how many. Blocks.
///
/// # Errors
/// When disk or database cannot be read.
pub fn sweep(app: &App) -> ActionResult<usize> {
    let disk = |error: std::io::Error| ActionError::Internal(format!("the mailbox: {error}"));
    let now = app.clock.now().naive_utc();
    let mut gone = 0;
    for account in app.mailbox.accounts().map_err(disk)? {
        for ids in app.mailbox.list(account).map_err(disk)?.chunks(BATCH) {
            let rows = app.db.read(|conn| messages::find_many(conn, ids))?;
            let kept: HashSet<Id> = rows.iter().filter(|row| row.retain_until > now).map(|row| row.id).collect();
            for id in ids.iter().filter(|id| !kept.contains(id)) {
                app.mailbox.remove(account, *id).map_err(disk)?;
                gone += 1;
            }
        }
    }
    Ok(gone)
}
