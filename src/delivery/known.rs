//! What the database knows about several messages that are about to leave, in one reading.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::actions::{ActionError, ActionResult};
use crate::domain::ids::Id;
use crate::models::domains::Domain;
use crate::models::messages::{self, Attachment, Content, Message};
use crate::models::transports::{self, Transport};
use crate::models::{AnyConnection, accounts, domains, suspensions};

/// Everything about those messages.
pub struct Known {
    /// The accounts from which something may leave.
    free: HashSet<Id>,
    contents: HashMap<Id, Content>,
    /// By request.
    attachments: HashMap<Id, Vec<Attachment>>,
    domains: HashMap<Id, Domain>,
    /// By the account that uses it.
    transports: HashMap<Id, Transport>,
}

/// Everything about one of them.
pub struct About<'a> {
    pub content: &'a Content,
    pub attachments: &'a [Attachment],
    pub domain: &'a Domain,
    pub transport: Option<&'a Transport>,
}

impl Known {
    /// Reads what there is to know about `messages` now.
    ///
    /// # Errors
    /// Only the database's.
    pub fn read(conn: &mut AnyConnection, messages: &[Message], now: DateTime<Utc>) -> ActionResult<Self> {
        let each = |of: fn(&Message) -> Id| -> Vec<Id> {
            messages.iter().map(of).collect::<HashSet<_>>().into_iter().collect()
        };
        let accounts = accounts::find_many(conn, &each(|message| message.account_id))?;
        let family: HashSet<Id> =
            accounts.iter().flat_map(|account| [Some(account.id), account.parent_id]).flatten().collect();
        let held = suspensions::held(conn, &family.into_iter().collect::<Vec<_>>(), now.naive_utc())?;
        let stopped = |id: Id| held.contains(&id);
        let free = accounts.iter().filter(|account| {
            account.deleted_at.is_none() && !stopped(account.id) && !account.parent_id.is_some_and(stopped)
        });
        let free = free.map(|account| account.id).collect();
        let contents = messages::contents_of(conn, &each(|message| message.content_id))?;
        let requests: HashSet<Id> = contents.iter().map(|content| content.request_id).collect();
        let mut attachments: HashMap<Id, Vec<Attachment>> = HashMap::new();
        for file in messages::attachments_of(conn, &requests.into_iter().collect::<Vec<_>>())? {
            attachments.entry(file.request_id).or_default().push(file);
        }
        let domains = domains::find_many(conn, &each(|message| message.domain_id))?;
        let choosers: Vec<(Id, Option<Id>)> = accounts.iter().map(|account| (account.id, account.parent_id)).collect();
        Ok(Self {
            free,
            contents: contents.into_iter().map(|content| (content.id, content)).collect(),
            attachments,
            domains: domains.into_iter().map(|domain| (domain.id, domain)).collect(),
            transports: transports::effective_of(conn, &choosers)?,
        })
    }

    /// Its domain was removed from the account while it waited: it is not sent, whoever's the name is by now.
    pub fn lost_its_domain(&self, message: &Message) -> bool {
        self.domains.get(&message.domain_id).is_some_and(|domain| domain.deleted_at.is_some())
    }

    /// What is known about `message`; `None` when nothing of its account may leave.
    ///
    /// # Errors
    /// `Internal` with what is missing.
    pub fn of(&self, message: &Message) -> ActionResult<Option<About<'_>>> {
        if !self.free.contains(&message.account_id) {
            return Ok(None);
        }
        let content = self.contents.get(&message.content_id);
        let content =
            content.ok_or_else(|| ActionError::Internal("what the message said is no longer stored".into()))?;
        Ok(Some(About {
            content,
            attachments: self.attachments.get(&content.request_id).map_or(&[], Vec::as_slice),
            domain: self.domains.get(&message.domain_id).ok_or(ActionError::NotFound("sending domain"))?,
            transport: self.transports.get(&message.account_id),
        }))
    }
}
