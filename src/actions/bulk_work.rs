//! What a job does to each of its rows, and as whom: the payload of a job, in a form that survives a restart.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::suspend_account::Hold;
use super::{Actor, ActorKind, Cx};
use crate::domain::hold::HoldKind;
use crate::domain::ids::Id;
use crate::domain::refusal::Refusal;
use crate::domain::role::Permission;
use crate::domain::text::SuspendReason;

/// One thing done to many accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Work {
    Suspend {
        kind: String,
        reason: String,
        customer_text: String,
        until: Option<DateTime<Utc>>,
        tell_client: bool,
        tell_members: bool,
    },
    Lift,
    Tag {
        tag: String,
    },
    Untag {
        tag: String,
    },
    SetCap {
        /// 0 is no cap.
        cap: i64,
    },
    /// Each row is a client to create.
    Import,
}

impl Work {
    /// The form of a hold that a job keeps.
    #[must_use]
    pub fn suspend(hold: &Hold) -> Self {
        Self::Suspend {
            kind: hold.kind.as_str().into(),
            reason: hold.reason.as_str().into(),
            customer_text: hold.customer_text.clone(),
            until: hold.until,
            tell_client: hold.tell_client,
            tell_members: hold.tell_members,
        }
    }

    /// What whoever starts it must be allowed to do, and still be when each of its rows is done.
    #[must_use]
    pub const fn takes(&self) -> Permission {
        match self {
            Self::Suspend { .. } | Self::Lift => Permission::Suspend,
            Self::Tag { .. } | Self::Untag { .. } => Permission::EditSubAccounts,
            Self::SetCap { .. } => Permission::SetCap,
            Self::Import => Permission::CreateSubAccounts,
        }
    }

    /// The stored word for a job of this kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Suspend { .. } => "suspend",
            Self::Lift => "lift",
            Self::Tag { .. } => "tag",
            Self::Untag { .. } => "untag",
            Self::SetCap { .. } => "set_cap",
            Self::Import => "import",
        }
    }
}

/// The hold of a suspending job.
///
/// # Errors
/// Never for what [`Work::suspend`] made.
pub fn hold_of(work: &Work) -> Result<Option<Hold>, Refusal> {
    let Work::Suspend { kind, reason, customer_text, until, tell_client, tell_members } = work else { return Ok(None) };
    Ok(Some(Hold {
        kind: HoldKind::parse(kind)?,
        reason: SuspendReason::parse(reason)?,
        customer_text: customer_text.clone(),
        until: *until,
        tell_client: *tell_client,
        tell_members: *tell_members,
    }))
}

/// The payload of a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Payload {
    pub work: Work,
    actor_id: Option<Id>,
    actor_label: String,
    address: String,
    request_id: String,
}

impl Payload {
    #[must_use]
    pub fn new(work: Work, cx: &Cx) -> Self {
        Self {
            work,
            actor_id: cx.actor.id,
            actor_label: cx.actor.label.clone(),
            address: cx.actor.address.clone(),
            request_id: cx.actor.request_id.clone(),
        }
    }

    /// Who started it; nobody where the program did.
    #[must_use]
    pub const fn starter(&self) -> Option<Id> {
        self.actor_id
    }

    /// The circumstances of a row: now, and as whoever started the job.
    #[must_use]
    pub fn cx(&self, cx: &Cx, account: Id) -> Cx {
        let actor = Actor {
            kind: if self.actor_id.is_some() { ActorKind::User } else { ActorKind::System },
            id: self.actor_id,
            label: self.actor_label.clone(),
            account_id: Some(account),
            on_behalf_of: None,
            address: self.address.clone(),
            request_id: self.request_id.clone(),
        };
        cx.acting(actor)
    }
}

/// What became of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The account's name, as it was.
    #[serde(default)]
    pub name: String,
    /// A sentence.
    #[serde(default)]
    pub said: String,
    /// The account it is about, where there is one.
    #[serde(default)]
    pub account: Option<Id>,
}
