//! What a worker node does beside serving: deliver, work on bulk jobs, send system mail, look at DNS, and, on one node at a time, keep house.
//! Everything runs on threads of its own, so that a busy queue does not slow the dashboard.

mod audit_heads;
mod bulk;
mod days;
mod dns;
pub mod heartbeat;
mod leader;
mod mailbox;
mod recall;
mod slice_size;
mod system_mail;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use crate::app::App;
use crate::delivery::worker;

pub use days::{Departure, make_ahead};
pub use leader::{LEASE as LEADER_LEASE, Leader};
pub use mailbox::sweep as sweep_mailbox;
pub use system_mail::send_due;

/// The running workers of a node.
pub struct Workers {
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Workers {
    /// Starts them.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start(app: &Arc<App>) -> std::io::Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("worker").enable_all().build()?;
        let (stop, stopped) = watch::channel(false);
        let app = Arc::clone(app);
        let thread = std::thread::Builder::new().name("workers".into()).spawn(move || {
            runtime.block_on(async {
                tokio::join!(
                    bulk::run(Arc::clone(&app), stopped.clone()),
                    mailbox::run(Arc::clone(&app), stopped.clone()),
                    dns::run(Arc::clone(&app), stopped.clone()),
                    worker::run(Arc::clone(&app), stopped.clone()),
                    system_mail::run(Arc::clone(&app), stopped.clone()),
                    leader::run(Arc::clone(&app), stopped),
                )
            });
            // Deliveries that did not end in their grace are given up with their threads.
            runtime.shutdown_timeout(Duration::from_millis(100));
        })?;
        Ok(Self { stop, thread })
    }

    /// Ends them: what is under way gets five seconds. Blocks.
    pub fn stop(self) {
        self.stop.send_replace(true);
        if self.thread.join().is_err() {
            log::error!("the workers did not end well");
        }
    }
}

/// Sleeps for `time`, or until the node stops.
async fn pause(time: Duration, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        // A sender that is gone means the same as one that said stop.
        _ = stop.wait_for(|stop| *stop) => {}
    }
}
