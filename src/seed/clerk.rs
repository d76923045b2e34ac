//! Turns clients into rows: the account and what belongs to it, its ledger, its summary, its part in the story.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::calendar::Calendar;
use super::client::{Client, Part};
use super::story::{Actor, Deed, Story};
use super::traffic::{self, Traffic};
use super::{Ready, Sender, Wish, letters};
use crate::actions::create_domain::DKIM_CONTEXT;
use crate::actions::{ActionResult, Services};
use crate::domain::hold::HoldKind;
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::accounts::Account;
use crate::models::bulk::{AccountTag, Rows};
use crate::models::counters::Delta;
use crate::models::suspensions::Suspension;
use crate::models::usage::UsageTotal;
use crate::secrets::{DkimKey, SecretKeys};

/// DKIM keys made for all seeded domains together: one for each would take 100 ms a client.
const KEYS: usize = 4;

/// What a client's key may do.
const CLIENT_SCOPES: &[&str] = &["messages:send:all", "messages:read:all", "domains:read", "suppressions:read"];

/// A key pair, its private half sealed as domains keep it.
pub(super) struct Pair {
    pub(super) sealed: Vec<u8>,
    pub(super) public: String,
}

/// A client that was entered.
pub struct Entered {
    pub account_id: Id,
    /// Set for the one that is to send from.
    pub ready: Option<Ready>,
}

/// Who writes everything down.
pub struct Clerk<'a> {
    pub rows: Rows,
    pub story: Story,
    pub wish: Wish,
    pub calendar: &'a Calendar,
    pub parent: Id,
    /// Who acts in the story.
    pub actors: Vec<Actor>,
    /// The transport that is not the default.
    pub(super) gentle: Option<Id>,
    pub(super) pairs: Vec<Pair>,
    pub(super) totals: BTreeMap<usize, Delta>,
}

impl<'a> Clerk<'a> {
    pub fn new(services: &Services, wish: Wish, calendar: &'a Calendar, parent: Id) -> Self {
        let made = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..KEYS).map(|_| scope.spawn(DkimKey::generate)).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, DkimKey>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            threads.into_iter().map(join).collect::<Vec<_>>()
        });
        let seal = |key: &DkimKey| Pair {
            sealed: services.secrets.seal(DKIM_CONTEXT, &key.to_pkcs8_der()),
            public: key.public_base64(),
        };
        Self {
            rows: Rows::default(),
            story: Story::new(parent, wish.seed),
            wish,
            calendar,
            parent,
            actors: Vec::new(),
            gentle: None,
            pairs: made.iter().map(seal).collect(),
            totals: BTreeMap::new(),
        }
    }

    /// Enters a client with everything that is its.
    ///
    /// # Errors
    /// `Internal` when something made up cannot be written down.
    pub fn client(&mut self, mut client: Client) -> ActionResult<Entered> {
        let mut traffic = Traffic::of(&mut client, self.calendar);
        if matches!(client.part, Part::Ready | Part::NearCap) {
            let most = client.random.between(9, 22);
            traffic.put_off(self.calendar, self.wish.kept_days(), most);
        }
        let account = self.account(&client, &traffic);
        let sender = Sender {
            account_id: client.id,
            parent_id: self.parent,
            domain_id: client.random.id(client.created_at),
            name: client.name.clone(),
            domain: client.domain.clone(),
            sector: client.sector,
            kept_days: self.wish.kept_days(),
        };
        self.domain(&mut client, &sender);
        let secret = self.key(&client.name, client.id, client.created_at, CLIENT_SCOPES, &mut client.random);
        if let (Part::Deleted, Some(key)) = (client.part, self.rows.api_keys.last_mut()) {
            key.deleted_at = account.deleted_at;
        }
        let last = self.ledger(&sender, &traffic);
        letters::write(&mut self.rows, &sender, &traffic, self.calendar, &mut client.random)?;
        let held = client.part == Part::Abusive;
        if held {
            self.suspend(&mut client);
        }
        self.summary(&account, last.as_ref(), held);
        self.tell(&client, &account, &traffic);
        match client.part {
            Part::AtCap => self.hold_at_cap(&client),
            Part::NearCap => self.choose_way(&client),
            _ => {}
        }
        self.rows.accounts.push(account);
        let ready = (client.part == Part::Ready).then(|| Ready {
            id: client.id,
            name: client.name.clone(),
            api_key: secret,
            domain: client.domain.clone(),
        });
        Ok(Entered { account_id: client.id, ready })
    }

    /// Writes what is left: the parent's days, then the story.
    ///
    /// # Errors
    /// Only the database's.
    pub fn finish(mut self, conn: &mut AnyConnection, keys: &SecretKeys) -> ActionResult<()> {
        for (day, counts) in &self.totals {
            self.rows.usage_totals.push(UsageTotal {
                parent_id: self.parent,
                day: self.calendar.days[*day].text.clone(),
                period_id: self.calendar.periods[self.calendar.days[*day].period].id,
                accepted: counts.accepted,
                delivered: counts.delivered,
                bounced: counts.bounced,
                complained: counts.complained,
            });
        }
        self.rows.write(conn)?;
        self.story.write(conn, keys)
    }

    fn account(&mut self, client: &Client, traffic: &Traffic) -> Account {
        let at = client.created_at.naive_utc();
        let mut account = Account::new(client.id, Some(self.parent), &client.name, &client.domain, at);
        account.external_id = Some(client.external_id.clone());
        account.monthly_credit = traffic.cap;
        account.metadata_retention = self.wish.kept_days();
        account.data_retention = letters::SAID_DAYS.min(account.metadata_retention);
        account.search_text = [
            account.name_lower.clone(),
            client.domain.clone(),
            client.external_id.to_lowercase(),
            client.domain.clone(),
            client.id.to_string(),
        ]
        .join(" ");
        if client.part == Part::Deleted {
            account.deleted_at = Some(self.calendar.ago(traffic::DELETED_DAYS_AGO).naive_utc());
        }
        let tags = client.tags.iter();
        self.rows.account_tags.extend(tags.map(|tag| AccountTag {
            account_id: client.id,
            tag: (*tag).into(),
            parent_id: self.parent,
        }));
        account
    }

    fn suspend(&mut self, client: &mut Client) {
        let at = self.calendar.ago(traffic::STOPPED_DAYS_AGO - 0.6);
        let by = self.actors.get(1).map_or_else(|| "worker".into(), |actor| actor.email.clone());
        self.rows.suspensions.push(Suspension {
            id: client.random.id(at),
            account_id: client.id,
            kind: HoldKind::Abuse.as_str().into(),
            reason: ABUSE.into(),
            customer_text: "Please tell us where your list comes from. We will lift the hold once it is clean.".into(),
            created_by: by,
            created_at: at.naive_utc(),
            until_at: None,
            lifted_by: None,
            lifted_at: None,
        });
        let after = json!({ "kind": HoldKind::Abuse.as_str(), "reason": ABUSE, "until": null });
        self.deed(1, at, client.id, "sub_account.suspend", &client.name, None, Some(after));
    }

    fn tell(&mut self, client: &Client, account: &Account, traffic: &Traffic) {
        let (id, name, at) = (client.id, client.name.as_str(), client.created_at);
        let after = json!({ "name": name, "website": account.website, "monthly_credit": traffic.cap });
        self.deed(0, at, id, "sub_account.create", name, None, Some(after));
        if client.part == Part::Rare {
            return;
        }
        let hours = |hours| at + TimeDelta::hours(hours);
        self.deed(0, hours(1), id, "domain.create", &client.domain, None, None);
        if client.part != Part::NoDns {
            let state = |verified: bool| Some(json!({ "verified": verified }));
            self.deed(usize::MAX, hours(30), id, "domain.verify", &client.domain, state(false), state(true));
        }
        if matches!(client.part, Part::NearCap | Part::AtCap) {
            let (before, after) =
                (json!({ "monthly_credit": traffic.cap / 2 }), json!({ "monthly_credit": traffic.cap }));
            self.deed(0, self.calendar.ago(40.0), id, "sub_account.set_cap", name, Some(before), Some(after));
        }
        if client.part == Part::Deleted {
            let at = self.calendar.ago(traffic::DELETED_DAYS_AGO);
            self.deed(0, at, id, "sub_account.delete", name, Some(json!({ "name": name })), None);
        }
    }

    /// Remembers a deed of the agency's person in place `who`, of the program itself where there is none.
    #[expect(clippy::too_many_arguments, reason = "the columns of one audit entry")]
    pub fn deed(
        &mut self,
        who: usize,
        at: DateTime<Utc>,
        account_id: Id,
        action: &'static str,
        target: &str,
        before: Option<serde_json::Value>,
        after: Option<serde_json::Value>,
    ) {
        let by = self.actors.get(who).cloned();
        self.story.tell(Deed { at, account_id, action, target: target.into(), before, after, by });
    }
}

const ABUSE: &str = "One message in six bounced and complaints came in for a bought list of addresses.";
