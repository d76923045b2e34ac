//! Turns clients into rows: the account and what belongs to it, its ledger, its summary, its part in the story.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::calendar::Calendar;
use super::client::{Client, Part, slug};
use super::random::Random;
use super::story::{Actor, Deed, Story};
use super::traffic::{self, Traffic};
use super::words::{FIRST_NAMES, SURNAMES};
use super::{Ready, Sender, SignIn, Wish, letters};
use crate::actions::refresh_summary::computed;
use crate::actions::{ActionResult, Services};
use crate::domain::hold::HoldKind;
use crate::domain::ids::Id;
use crate::domain::role::Role;
use crate::models::AnyConnection;
use crate::models::accounts::Account;
use crate::models::api_keys::{ApiKey, KeyScope};
use crate::models::bulk::{AccountTag, Rows, UsageDomain, UsageTag};
use crate::models::counters::{Counter, Delta};
use crate::models::domains::Domain;
use crate::models::memberships::Membership;
use crate::models::suspensions::Suspension;
use crate::models::usage::{UsageDay, UsageTotal};
use crate::models::users::User;
use crate::secrets::{ApiSecret, DkimKey, Token, hash_password};

/// DKIM keys made for all seeded domains together: one for each would take 100 ms a client.
const KEYS: usize = 4;

/// What a client's key may do.
const CLIENT_SCOPES: &[&str] = &["messages:send:all", "messages:read:all", "domains:read", "suppressions:read"];

/// A key pair, its private half sealed as domains keep it.
struct Pair {
    sealed: Vec<u8>,
    public: String,
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
    pairs: Vec<Pair>,
    totals: BTreeMap<usize, Delta>,
}

impl<'a> Clerk<'a> {
    pub fn new(services: &Services, wish: Wish, calendar: &'a Calendar, parent: Id) -> Self {
        let made = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..KEYS).map(|_| scope.spawn(DkimKey::generate)).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect::<Vec<_>>()
        });
        let seal = |key: &DkimKey| Pair {
            sealed: services.secrets.seal("dkim", &key.to_pkcs8_der()),
            public: key.public_base64(),
        };
        Self {
            rows: Rows::default(),
            story: Story::new(parent, wish.seed),
            wish,
            calendar,
            parent,
            actors: Vec::new(),
            pairs: made.iter().map(seal).collect(),
            totals: BTreeMap::new(),
        }
    }

    /// Enters a client with everything that is its.
    ///
    /// # Errors
    /// `Internal` when something made up cannot be written down.
    pub fn client(&mut self, mut client: Client) -> ActionResult<Entered> {
        let traffic = Traffic::of(&mut client, self.calendar);
        let account = self.account(&client, &traffic);
        let sender = Sender {
            account_id: client.id,
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
    pub fn finish(mut self, conn: &mut AnyConnection) -> ActionResult<()> {
        for (day, counts) in &self.totals {
            self.rows.usage_totals.push(UsageTotal {
                parent_id: self.parent,
                day: self.calendar.days[*day].text.clone(),
                accepted: counts.accepted,
                delivered: counts.delivered,
                bounced: counts.bounced,
                complained: counts.complained,
            });
        }
        self.rows.write(conn)?;
        self.story.write(conn)
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

    fn domain(&mut self, client: &mut Client, sender: &Sender) {
        let verified = client.part != Part::NoDns;
        let key = client.random.below(self.pairs.len());
        let next = self.calendar.now + TimeDelta::minutes(if verified { client.random.between(15, 600) } else { 0 });
        let mut domain = self.domain_row(sender, client.created_at + TimeDelta::hours(1), key);
        domain.verified_at = verified.then(|| (client.created_at + TimeDelta::hours(30)).naive_utc());
        domain.last_check_at = verified.then(|| (self.calendar.now - TimeDelta::minutes(20)).naive_utc());
        domain.next_check_at = next.naive_utc();
        self.rows.domains.push(domain);
    }

    /// A verified domain whose next look at DNS is soon.
    pub fn domain_row(&self, sender: &Sender, at: DateTime<Utc>, key: usize) -> Domain {
        let pair = &self.pairs[key % self.pairs.len()];
        Domain {
            id: sender.domain_id,
            account_id: sender.account_id,
            name: sender.domain.clone(),
            dkim_selector: None,
            active_selector: "canopy".into(),
            dkim_private_sealed: pair.sealed.clone(),
            dkim_public: pair.public.clone(),
            tracking_subdomain: None,
            return_path_subdomain: None,
            subscription_subdomain: None,
            media_subdomain: None,
            dkim_rotation_interval_days: None,
            dsn_recipient: None,
            record_states: record_states(),
            verified_at: Some(at.naive_utc()),
            last_check_at: Some((self.calendar.now - TimeDelta::minutes(20)).naive_utc()),
            next_check_at: (self.calendar.now + TimeDelta::minutes(10)).naive_utc(),
            failed_checks: 0,
            share_digest: None,
            share_sealed: None,
            created_at: at.naive_utc(),
            updated_at: at.naive_utc(),
            deleted_at: None,
        }
    }

    /// A key of an account; answers its secret.
    pub fn key(
        &mut self,
        label: &str,
        account_id: Id,
        created: DateTime<Utc>,
        scopes: &[impl AsRef<str>],
        random: &mut Random,
    ) -> String {
        let secret = ApiSecret::generate();
        let at = created.naive_utc();
        let id = random.id(created);
        self.rows.api_keys.push(ApiKey {
            id,
            account_id,
            label: format!("{label} website"),
            public_key: secret.public.clone(),
            secret_digest: secret.digest().to_vec(),
            ip_allow_list: "[]".into(),
            created_by: self.actors.first().map_or_else(|| "seed".into(), |actor| actor.email.clone()),
            last_used_at: None,
            created_at: at,
            updated_at: at,
            deleted_at: None,
        });
        self.rows.api_key_scopes.extend(scopes.iter().map(|scope| KeyScope {
            id: random.id(created),
            api_key_id: id,
            scope: scope.as_ref().to_owned(),
            domain_id: None,
            created_at: at,
            updated_at: at,
        }));
        secret.secret
    }

    /// Enters a sender's days and periods; answers the running period's counter.
    pub fn ledger(&mut self, sender: &Sender, traffic: &Traffic) -> Option<Counter> {
        for sent in &traffic.sent {
            let day = &self.calendar.days[sent.day];
            let period_id = self.calendar.periods[day.period].id;
            let counts = sent.counts;
            *self.totals.entry(sent.day).or_default() += counts;
            self.rows.usage_days.push(UsageDay {
                account_id: sender.account_id,
                period_id,
                day: day.text.clone(),
                parent_id: self.parent,
                accepted: counts.accepted,
                delivered: counts.delivered,
                deferred: counts.deferred,
                bounced: counts.bounced,
                failed: counts.failed,
                suppressed: counts.suppressed,
                complained: counts.complained,
            });
            self.rows.usage_domains.push(UsageDomain {
                account_id: sender.account_id,
                period_id,
                day: day.text.clone(),
                domain_id: sender.domain_id,
                accepted: counts.accepted,
            });
            self.rows.usage_tags.push(UsageTag {
                account_id: sender.account_id,
                period_id,
                day: day.text.clone(),
                tag: letters::letter_of(sender, sent.day).tag.into(),
                accepted: counts.accepted,
            });
        }
        self.counters(sender, traffic)
    }

    fn counters(&mut self, sender: &Sender, traffic: &Traffic) -> Option<Counter> {
        let mut running = None;
        for (place, counts) in traffic.by_period(self.calendar).into_iter().enumerate() {
            let sent = traffic.sent.iter().rev().find(|sent| self.calendar.days[sent.day].period == place);
            let Some(sent) = sent else { continue };
            let day = &self.calendar.days[sent.day];
            let last = (day.start + TimeDelta::hours(day.hours)).naive_utc();
            let crossed = |percent: i64| traffic.cap > 0 && counts.accepted * 100 >= traffic.cap * percent;
            let counter = Counter {
                account_id: sender.account_id,
                period_id: self.calendar.periods[place].id,
                parent_id: self.parent,
                accepted: counts.accepted,
                delivered: counts.delivered,
                deferred: counts.deferred,
                bounced: counts.bounced,
                failed: counts.failed,
                suppressed: counts.suppressed,
                complained: counts.complained,
                alerted_80_at: crossed(80).then_some(last),
                alerted_100_at: crossed(100).then_some(last),
                last_activity_at: Some(last),
                dirty: false,
            };
            running = (place == self.calendar.running()).then(|| counter.clone());
            self.rows.counters.push(counter);
        }
        running
    }

    fn summary(&mut self, account: &Account, counter: Option<&Counter>, held: bool) {
        let period = self.calendar.periods[self.calendar.running()].id;
        let mut summary = computed(account, self.parent, period, counter, held);
        summary.domain_count = 1;
        let before = self.rows.counters.iter().rev().find(|counter| counter.account_id == account.id);
        summary.last_activity_at = before.and_then(|counter| counter.last_activity_at);
        self.rows.summaries.push(summary);
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

    /// A client's own member, who sees that account alone.
    pub fn member(&mut self, account: Id, account_name: &str) -> SignIn {
        let mut random = Random::stream(self.wish.seed, "member", account.0.as_u128() as u64);
        let (first, last) = (random.pick(FIRST_NAMES), random.pick(SURNAMES));
        let email = format!("{first}@{}.example", slug(account_name)).to_lowercase();
        let mut sign_in = self.person(account, &format!("{first} {last}"), &email, Role::Administrator, &mut random);
        sign_in.account = Some(account_name.to_owned());
        if let Some(summary) = self.rows.summaries.iter_mut().find(|summary| summary.account_id == account) {
            summary.member_count += 1;
        }
        sign_in
    }

    /// A person with a membership and a fresh password.
    pub fn person(&mut self, account: Id, name: &str, email: &str, role: Role, random: &mut Random) -> SignIn {
        let password: String =
            Token::generate().as_str().chars().filter(char::is_ascii_alphanumeric).take(14).collect();
        let since = self.calendar.ago(120.0);
        let at = since.naive_utc();
        let id = random.id(since);
        self.rows.users.push(User {
            id,
            email: email.into(),
            email_lower: email.to_lowercase(),
            name: name.into(),
            password_hash: Some(hash_password(&password)),
            disabled_at: None,
            last_sign_in_at: None,
            created_at: at,
            updated_at: at,
        });
        self.rows.memberships.push(Membership {
            account_id: account,
            user_id: id,
            role: role.as_str().into(),
            invited_by: None,
            accepted_at: Some(at),
            created_at: at,
            updated_at: at,
        });
        SignIn { email: email.into(), password, role: role.label().into(), account: None }
    }
}

const ABUSE: &str = "One message in six bounced and complaints came in for a bought list of addresses.";

/// Every record in place.
fn record_states() -> String {
    let kinds = crate::dns::RecordKind::ALL;
    let states: BTreeMap<_, _> =
        kinds.map(|kind| (kind.as_str(), json!({ "ok": true, "found": [], "problem": null }))).into();
    json!(states).to_string()
}
