//! What a smaller role means for what somebody made: their keys lose the scopes that the role may not hold, in the
//! transaction that makes it smaller; what is left with nothing ends.

use serde_json::Value;

use super::audit::{self, Record};
use super::create_smtp_credential::shown as shown_credential;
use super::{ActionError, ActionResult, Cx, key_grant};
use crate::domain::ids::Id;
use crate::domain::role::{Permission, Role};
use crate::domain::scopes::{Scope, all_static_names};
use crate::models::AnyConnection;
use crate::models::accounts::{self, Account};
use crate::models::api_keys::{self, ApiKey, KeyScope};
use crate::models::key_makers::{self, Member};
use crate::models::smtp_credentials::{self, SmtpCredential};

/// The most that is cut in one transaction, which must not grow with what somebody made.
const MOST: i64 = 500;

/// Why a key or credentials end, as the activity tells it.
const NOTHING_LEFT: &str = "the role of whoever made it may do nothing of what it held";

/// A key, and what a smaller role takes from it.
#[derive(Clone, Debug)]
pub struct Cut {
    pub key: ApiKey,
    pub account: Account,
    had: Vec<KeyScope>,
    kept: Vec<KeyScope>,
}

impl Cut {
    /// The scopes that it loses.
    #[must_use]
    pub fn lost(&self) -> Vec<&str> {
        let kept = |row: &&KeyScope| self.kept.iter().all(|kept| kept.id != row.id);
        self.had.iter().filter(kept).map(|row| row.scope.as_str()).collect()
    }

    /// Whether nothing is left of it.
    #[must_use]
    pub fn ends(&self) -> bool {
        self.kept.is_empty()
    }
}

/// All that a smaller role takes.
#[derive(Clone, Debug, Default)]
pub struct Cuts {
    pub keys: Vec<Cut>,
    /// They hold sending alone, so they end whole.
    pub credentials: Vec<(SmtpCredential, Account)>,
}

impl Cuts {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.credentials.is_empty()
    }
}

/// What `member`'s keys and SMTP credentials would lose if they had `role`.
///
/// # Errors
/// `Conflict` when it is more than one transaction cuts.
pub fn cuts(conn: &mut AnyConnection, member: Member, role: Role) -> ActionResult<Cuts> {
    let beyond: Vec<Scope> = all_static_names()
        .iter()
        .filter_map(|name| Scope::parse(name).ok())
        .filter(|scope| !role.may_hold(scope))
        .collect();
    let keys = key_makers::keys_holding(conn, member, &beyond, MOST + 1)?;
    let sends = role.may(Permission::SendTest);
    let credentials = if sends { Vec::new() } else { key_makers::credentials_of(conn, member, MOST + 1)? };
    if keys.len().max(credentials.len()) as i64 > MOST {
        let message = format!(
            "More than {MOST} keys that they made would lose rights. Remove them instead: what they made passes to you, and \
             you can invite them again in the new role."
        );
        return Err(ActionError::Conflict(message));
    }
    let ids: Vec<Id> = keys.iter().map(|key| key.id).collect();
    let scopes = api_keys::scopes_of(conn, &ids)?;
    let owners = keys.iter().map(|key| key.account_id).chain(credentials.iter().map(|row| row.account_id));
    let known = accounts::find_many(conn, &owners.collect::<Vec<_>>())?;
    let account = |id: Id| known.iter().find(|account| account.id == id).cloned();
    let cut = |key: ApiKey| {
        let had: Vec<KeyScope> = scopes.iter().filter(|row| row.api_key_id == key.id).cloned().collect();
        let may = |row: &&KeyScope| Scope::parse(&row.scope).is_ok_and(|scope| role.may_hold(&scope));
        let kept = had.iter().filter(may).cloned().collect();
        Some(Cut { account: account(key.account_id)?, key, had, kept })
    };
    Ok(Cuts {
        keys: keys.into_iter().filter_map(cut).collect(),
        credentials: credentials.into_iter().filter_map(|row| Some((row.clone(), account(row.account_id)?))).collect(),
    })
}

/// Takes from what `member` made all that `role` may not do. The member's account is locked.
///
/// # Errors
/// As [`cuts`].
pub(super) fn cut_keys(conn: &mut AnyConnection, cx: &Cx, member: Member, role: Role) -> ActionResult<()> {
    let cuts = cuts(conn, member, role)?;
    for cut in &cuts.keys {
        cut_one(conn, cx, cut)?;
    }
    for (credential, account) in &cuts.credentials {
        let domains = smtp_credentials::domains_of(conn, &[credential.id])?;
        smtp_credentials::delete(conn, credential.id, cx.at())?;
        let before = Some(because(shown_credential(credential, &domains)));
        let record = Record { action: "smtp_credential.delete", target: credential.name.clone(), before, after: None };
        audit::record(conn, cx, account, record)?;
    }
    Ok(())
}

fn cut_one(conn: &mut AnyConnection, cx: &Cx, cut: &Cut) -> ActionResult<()> {
    let before = key_grant::shown(&cut.key, &cut.had);
    let record = if cut.ends() {
        api_keys::delete(conn, cut.key.id, cx.at())?;
        Record { action: "api_key.delete", target: cut.key.label.clone(), before: Some(because(before)), after: None }
    } else {
        let mut key = cut.key.clone();
        key.updated_at = cx.at();
        api_keys::save(conn, &key, Some(&cut.kept))?;
        let after = Some(key_grant::shown(&key, &cut.kept));
        Record { action: "api_key.cut", target: key.label, before: Some(before), after }
    };
    audit::record(conn, cx, &cut.account, record)
}

/// What ended, with why.
fn because(mut shown: Value) -> Value {
    shown["why"] = NOTHING_LEFT.into();
    shown
}
