//! Refusals that need no transaction of their own: counted in memory and written about once a second, so that nobody
//! who is refused costs a write. A process that is killed loses those of its last second.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::actions::receive_report::count_refusals;
use crate::app::App;
use crate::domain::returned::InboundRefusal;
use crate::metrics::Metrics;

const WRITTEN: Duration = Duration::from_secs(1);

/// What was refused since it was last written.
pub struct Counted {
    refused: Mutex<BTreeMap<InboundRefusal, i64>>,
    metrics: Arc<Metrics>,
}

impl Counted {
    pub fn new(metrics: &Arc<Metrics>) -> Self {
        Self { refused: Mutex::default(), metrics: Arc::clone(metrics) }
    }

    pub fn add(&self, refusal: InboundRefusal) {
        self.metrics.serving.refused(refusal);
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner).entry(refusal).or_default() += 1;
    }

    /// Writes once a second until `stop` turns true. [`Counted::write`] is called once more at the very end.
    pub async fn run(&self, app: &Arc<App>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            tokio::select! {
                () = tokio::time::sleep(WRITTEN) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
            self.write(app).await;
        }
    }

    /// Writes what there is; what could not be written is written later.
    pub async fn write(&self, app: &Arc<App>) {
        let refused = std::mem::take(&mut *self.refused.lock().unwrap_or_else(PoisonError::into_inner));
        if refused.is_empty() {
            return;
        }
        let (now, written) = (app.clock.now(), refused.clone());
        if let Err(error) = app.write(move |conn| count_refusals(conn, now, &written)).await {
            log::error!("refusals at the inbound listener could not be counted yet: {error:?}");
            let mut held = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            for (refusal, count) in refused {
                *held.entry(refusal).or_default() += count;
            }
        }
    }
}
