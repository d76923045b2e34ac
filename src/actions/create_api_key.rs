//! A new API key: its secret is shown once, a digest of it is kept.

use secrecy::SecretString;

use super::audit::{self, Record};
use super::key_grant::{self, KeyHolder};
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::domain::ip_allow_list::IpAllowList;
use crate::domain::text::KeyLabel;
use crate::models::AnyConnection;
use crate::models::api_keys::{self, ApiKey, KeyScope};
use crate::secrets::ApiSecret;

/// What a new key is.
pub struct NewApiKey {
    pub label: KeyLabel,
    /// As sent: checked against the account's domains.
    pub scopes: Vec<String>,
    pub allowed: IpAllowList,
}

/// A key just made, with the only sight of its secret.
pub struct CreatedApiKey {
    pub key: ApiKey,
    pub scopes: Vec<KeyScope>,
    pub secret: SecretString,
}

/// Creates a key for `holder`, with no more than the actor may give.
///
/// # Errors
/// As [`KeyHolder::account`], [`key_grant::giver`] and [`key_grant::granted`].
pub fn create_api_key(
    conn: &mut AnyConnection,
    cx: &Cx,
    holder: KeyHolder,
    new: &NewApiKey,
) -> ActionResult<CreatedApiKey> {
    let giver = key_grant::giver(conn, cx, holder, None)?;
    let account = holder.account(conn)?;
    let granted = key_grant::granted(conn, &account, &giver, &new.scopes, None)?;
    giver.refuse_wider(&new.allowed)?;
    let secret = ApiSecret::generate();
    let key = ApiKey {
        id: Id::new(cx.now),
        account_id: account.id,
        label: new.label.as_str().to_owned(),
        public_key: secret.public.clone(),
        secret_digest: secret.digest().to_vec(),
        ip_allow_list: stored(&new.allowed)?,
        created_by: cx.actor.label.clone(),
        last_used_at: None,
        created_at: cx.at(),
        updated_at: cx.at(),
        deleted_at: None,
        maker_id: giver.maker,
    };
    let scopes = key_grant::rows(cx, key.id, &granted, &[]);
    api_keys::insert(conn, &key, &scopes)?;
    let after = Some(key_grant::shown(&key, &scopes));
    let record = Record { action: "api_key.create", target: key.label.clone(), before: None, after };
    audit::record(conn, cx, &account, record)?;
    Ok(CreatedApiKey { key, scopes, secret: secret.secret.into() })
}

/// An allow-list as its column keeps it.
pub(super) fn stored(allowed: &IpAllowList) -> ActionResult<String> {
    serde_json::to_string(&allowed.entries()).map_err(|error| ActionError::Internal(error.to_string()))
}
