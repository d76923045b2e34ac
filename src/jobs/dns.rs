//! Looks at the DNS of domains whose time has come. Every worker node does: a look is leased to one of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::pause;
use crate::app::App;
use crate::dns_check;

const POLL: Duration = Duration::from_secs(5);

/// Domains taken in one round.
const BATCH: i64 = 64;

/// Looks until `stop` turns true. A look under way is given up then: its domain comes up again when the lease ends.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut stopped = stop.clone();
    while !*stop.borrow() {
        let looked = tokio::select! {
            looked = dns_check::recheck_due(&app, BATCH) => looked,
            _ = stopped.wait_for(|stop| *stop) => return,
        };
        if let Err(error) = looked {
            log::error!("domains could not be rechecked: {error:?}");
        }
        pause(POLL, &mut stop).await;
    }
}
