//! The end of a program that was told to end: graceful, and bounded. A thread that waits for a database which neither
//! answers nor closes its connections (a frozen server) never comes back, and nothing else may wait for it.

use std::thread;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

/// Requests, conversations and deliveries have 5 seconds each to end, one after the other.
const LONGEST: Duration = Duration::from_secs(20);

/// Ends the process some time after it was told to, should it still be there.
///
/// # Errors
/// When the system takes no handler of signals.
pub fn bound() -> std::io::Result<()> {
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut told = signal(kind)?;
        actix_web::rt::spawn(async move {
            if told.recv().await.is_some() {
                ends_soon();
            }
        });
    }
    Ok(())
}

/// The same, from now on: what follows may keep this thread from hearing of a signal.
pub fn ends_soon() {
    let waits = thread::Builder::new().name("ending".into()).spawn(|| {
        thread::sleep(LONGEST);
        log::error!("something did not end in {LONGEST:?} and is left: nothing that waits for it was promised");
        std::process::exit(1);
    });
    if let Err(error) = waits {
        log::error!("the end has no limit: {error}");
    }
}
