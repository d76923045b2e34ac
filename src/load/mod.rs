//! What a node gives at once, to all and to each: memory (`memory.rs`) and places for work that takes long (`places.rs`).
//! One value, which `App` owns. Whoever finds nothing left is told at once, or within seconds, to come again.

mod memory;
mod owner;
mod places;
mod single;

use std::time::Duration;

pub use memory::{Memory, Share};
pub use owner::{Owner, network};
pub use places::{Bounds, Place, Places};
pub use single::Single;

use crate::actions::{ActionError, ActionResult};

/// How long somebody waits for a place.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is held of a text while it is read into values: itself, the values, and what is made of them.
pub const READ: usize = 3;

/// What is held of a stored message while it is shown: itself, its parts, and the page.
pub const SHOWN: usize = 4;

pub struct Load {
    /// Of everything that arrives, until it is dealt with.
    pub memory: Memory,
    /// Passwords: each takes a processor for some 20 ms, and 19 MiB.
    pub hashing: Places,
    /// Large messages and templates, on their way to be accepted.
    pub preparing: Places,
    /// Exports and whatever else reads much of the database at once.
    pub exports: Places,
    /// Looks at the DNS of domains, and tests of transports: they wait for the network.
    pub looks: Places,
    /// The rows of bulk jobs, which nodes do beside serving as well.
    pub jobs: Single,
}

impl Load {
    /// For a node with this many megabytes for what arrives, and this many connections to its database.
    #[must_use]
    pub fn new(megabytes: usize, connections: u32) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let connections = usize::try_from(connections).unwrap_or(usize::MAX);
        let places = |at_once: usize, each: usize, waiting: usize| {
            Places::new(Bounds { at_once: at_once.max(1), each: each.max(1), waiting, patience: PATIENCE })
        };
        Self {
            memory: Memory::new(megabytes),
            hashing: places(cores, cores, 256),
            preparing: places(cores * 4, cores, 1024),
            exports: places((connections / 2).max(2), connections / 8, 64),
            looks: places(64, 16, 256),
            jobs: Single::default(),
        }
    }

    /// Runs `work`, which makes or checks a password, once there is a place for it, off the async threads.
    ///
    /// # Errors
    /// `Unavailable` where too many wait; what `work` answers.
    pub async fn hash<T: Send + 'static>(
        &self,
        owner: Owner,
        work: impl FnOnce() -> ActionResult<T> + Send + 'static,
    ) -> ActionResult<T> {
        off_thread(self.hashing.enter(owner).await?, work).await
    }
}

/// Runs `work` off the async threads, in `place` until its end, though nobody may wait for it any more.
///
/// # Errors
/// What `work` answers.
pub async fn off_thread<T: Send + 'static>(
    place: Place,
    work: impl FnOnce() -> ActionResult<T> + Send + 'static,
) -> ActionResult<T> {
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(place);
        done
    });
    done.await.unwrap_or_else(|error| Err(ActionError::Internal(format!("a task did not finish: {error}"))))
}
