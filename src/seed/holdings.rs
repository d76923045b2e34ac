//! What belongs to an account: its domain, its key, its people.

use chrono::{DateTime, TimeDelta, Utc};

use super::clerk::Clerk;
use super::client::{Client, Part, slug};
use super::names::{FIRST_NAMES, SURNAMES};
use super::random::Random;
use super::{Sender, SignIn};
use crate::actions::domain_records::States;
use crate::dns::{CheckResult, RecordKind, RecordState};
use crate::domain::dkim_selector::DEFAULT_SELECTOR;
use crate::domain::ids::Id;
use crate::domain::role::Role;
use crate::models::api_keys::{ApiKey, KeyScope};
use crate::models::domains::Domain;
use crate::models::memberships::Membership;
use crate::models::users::User;
use crate::secrets::{ApiSecret, Token, hash_password};

impl Clerk<'_> {
    pub(super) fn domain(&mut self, client: &mut Client, sender: &Sender) {
        let verified = client.part != Part::NoDns;
        let key = client.random.below(self.pairs.len());
        let next =
            self.calendar.now + TimeDelta::minutes(if verified { client.random.between(12 * 60, 36 * 60) } else { 0 });
        let mut domain = self.domain_row(sender, client.created_at + TimeDelta::hours(1), key);
        if !verified {
            domain.record_states = States::default().stored();
        }
        domain.verified_at = verified.then(|| (client.created_at + TimeDelta::hours(30)).naive_utc());
        domain.last_check_at = verified.then(|| (self.calendar.now - TimeDelta::minutes(20)).naive_utc());
        domain.next_check_at = next.naive_utc();
        self.rows.domains.push(domain);
    }

    /// A verified domain.
    pub fn domain_row(&self, sender: &Sender, at: DateTime<Utc>, key: usize) -> Domain {
        let pair = &self.pairs[key % self.pairs.len()];
        Domain {
            id: sender.domain_id,
            account_id: sender.account_id,
            name: sender.domain.clone(),
            dkim_selector: None,
            active_selector: DEFAULT_SELECTOR.into(),
            dkim_private_sealed: pair.sealed.clone(),
            dkim_public: pair.public.clone(),
            tracking_subdomain: None,
            return_path_subdomain: None,
            subscription_subdomain: None,
            media_subdomain: None,
            dkim_rotation_interval_days: None,
            dsn_recipient: None,
            record_states: record_states(at),
            verified_at: Some(at.naive_utc()),
            last_check_at: Some((self.calendar.now - TimeDelta::minutes(20)).naive_utc()),
            next_check_at: (self.calendar.now + TimeDelta::hours(12)).naive_utc(),
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
            maker_id: None,
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

/// Every record in place since `at`.
fn record_states(at: DateTime<Utc>) -> String {
    let good = RecordState { ok: true, found: Vec::new(), problem: None, unreachable: false };
    let records = RecordKind::ALL.map(|kind| (kind, good.clone())).into();
    let mut states = States::default();
    states.learn(&CheckResult { records, all_required_ok: true, unreachable: false }, at.naive_utc());
    states.stored()
}
