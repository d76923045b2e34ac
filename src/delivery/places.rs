//! The places of a node: which deliveries are under way, and whose they are.

use std::collections::HashMap;
use std::future::Future;

use tokio::task::{Id as TaskId, JoinError, JoinSet};

use crate::actions::claim_deliveries::Claimed;
use crate::domain::ids::Id;

/// Whose a delivery is.
#[derive(Clone, Copy, Debug)]
pub struct Holder {
    pub message: Id,
    pub account: Id,
    pub lease_owner: Id,
}

impl Holder {
    pub fn of(claimed: &Claimed) -> Self {
        Self { message: claimed.message.id, account: claimed.message.account_id, lease_owner: claimed.owner }
    }
}

/// Deliveries under way. Each answers whether somebody was asked to take its message.
pub struct Places {
    most: usize,
    tasks: JoinSet<bool>,
    holders: HashMap<TaskId, Holder>,
}

impl Places {
    pub fn new(most: usize) -> Self {
        Self { most, tasks: JoinSet::new(), holders: HashMap::new() }
    }

    pub fn free(&self) -> usize {
        self.most.saturating_sub(self.tasks.len())
    }

    pub fn busy(&self) -> usize {
        self.tasks.len()
    }

    pub fn holders(&self) -> impl Iterator<Item = &Holder> {
        self.holders.values()
    }

    pub fn begin(&mut self, holder: Holder, delivery: impl Future<Output = bool> + Send + 'static) {
        let task = self.tasks.spawn(delivery);
        self.holders.insert(task.id(), holder);
    }

    /// The accounts of deliveries that ended since they were last asked for, without those that asked nobody.
    pub fn ended(&mut self) -> Vec<Id> {
        let mut left = Vec::new();
        while let Some(done) = self.tasks.try_join_next_with_id() {
            left.extend(self.note(done));
        }
        left
    }

    /// Waits for one delivery to end; `None` when none is under way. Its account is left in `left`, if somebody was asked.
    pub async fn one(&mut self, left: &mut Vec<Id>) -> Option<()> {
        let done = self.tasks.join_next_with_id().await?;
        left.extend(self.note(done));
        Some(())
    }

    fn note(&mut self, done: Result<(TaskId, bool), JoinError>) -> Option<Id> {
        let (id, asked) = match done {
            Ok(done) => done,
            Err(error) => {
                log::error!("a delivery broke off, its lease will run out: {error}");
                (error.id(), false)
            }
        };
        let holder = self.holders.remove(&id)?;
        asked.then_some(holder.account)
    }
}
