//! Who acts, through which account, and when: given to every action, and written into the audit.

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::domain::ids::Id;
use crate::secrets::SecretKeys;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorKind {
    User,
    ApiKey,
    /// The program itself: a worker, the command line, the seed.
    System,
}

impl ActorKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ApiKey => "api_key",
            Self::System => "system",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Actor {
    pub kind: ActorKind,
    pub id: Option<Id>,
    /// How a person recognises the actor: an e-mail address, a key's label, a worker's name.
    pub label: String,
    /// The account that the actor acts from: a parent's member managing a child acts from the parent.
    pub account_id: Option<Id>,
    /// The account being viewed as, when a parent's member acts inside a child.
    pub on_behalf_of: Option<Id>,
    pub address: String,
    pub request_id: String,
}

impl Actor {
    #[must_use]
    pub fn system(label: &str) -> Self {
        Self {
            kind: ActorKind::System,
            id: None,
            label: label.to_owned(),
            account_id: None,
            on_behalf_of: None,
            address: String::new(),
            request_id: String::new(),
        }
    }
}

/// The circumstances of an action.
#[derive(Clone, Debug)]
pub struct Cx {
    pub now: DateTime<Utc>,
    pub actor: Actor,
    /// What signs the entries that the action writes into the audit.
    pub keys: Arc<SecretKeys>,
}

impl Cx {
    #[must_use]
    pub fn system(now: DateTime<Utc>, label: &str, keys: &Arc<SecretKeys>) -> Self {
        Self { now, actor: Actor::system(label), keys: Arc::clone(keys) }
    }

    /// The same for another actor.
    #[must_use]
    pub fn acting(&self, actor: Actor) -> Self {
        Self { now: self.now, actor, keys: Arc::clone(&self.keys) }
    }

    /// The time as rows keep it.
    #[must_use]
    pub fn at(&self) -> NaiveDateTime {
        self.now.naive_utc()
    }
}
