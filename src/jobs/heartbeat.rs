//! Says every few seconds that this node runs, and looks which others do.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::pause;
use crate::actions::{ActionResult, announce_node};
use crate::app::App;
use crate::models::nodes::Node;

const EVERY: Duration = Duration::from_secs(5);

/// Runs until `stop` turns true; then the others know at once that this node is gone.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = beat(&app).await {
            log::warn!("this node could not say that it runs: {error:?}");
        }
        pause(EVERY, &mut stop).await;
    }
    let (id, now) = (app.node.id, app.clock.now());
    if let Err(error) = app.write(move |conn| announce_node::ends(conn, now, id)).await {
        log::warn!("this node could not say that it ends: {error:?}");
    }
}

/// Says it once, and notes this node's place among those that deliver; answers the nodes that run.
///
/// # Errors
/// Only the database's.
pub async fn beat(app: &Arc<App>) -> ActionResult<Vec<Node>> {
    let (node, now) = (app.node.clone(), app.clock.now());
    let live = app.write(move |conn| announce_node::runs(conn, now, &node)).await?;
    let workers: Vec<_> = live.iter().filter(|node| node.has_role("worker")).map(|node| node.id).collect();
    if let Some(place) = workers.iter().position(|id| *id == app.node.id) {
        app.share.set(place, workers.len());
    }
    Ok(live)
}
