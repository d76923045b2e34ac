//! Bulk changes and imports: rows of jobs that somebody started on a page, done wherever a worker has time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::pause;
use crate::actions::ActionError;
use crate::actions::bulk_run::run_jobs_once;
use crate::app::App;

const POLL: Duration = Duration::from_secs(1);

/// Works until `stop` turns true; a row under way is finished, the rest waits for the next start.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let worker = Arc::clone(&app);
        let done = tokio::task::spawn_blocking(move || run_jobs_once(&worker.db, &worker.cx("jobs"), &worker.services));
        match done.await.unwrap_or_else(|error| Err(ActionError::Internal(error.to_string()))) {
            Ok(0) => pause(POLL, &mut stop).await,
            Ok(_) => {}
            Err(error) => {
                log::error!("a job stopped and is tried again: {error:?}");
                pause(POLL, &mut stop).await;
            }
        }
    }
}
