//! New SMTP credentials: the password is shown once, a digest of it is kept.

use secrecy::SecretString;
use serde_json::{Value, json};

use super::audit::{self, Record};
use super::key_grant::{self, KeyHolder};
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::domain::text::CredentialName;
use crate::models::smtp_credentials::{self, CredentialDomain, SmtpCredential};
use crate::models::{AnyConnection, domains};
use crate::secrets::SmtpSecret;

/// What new credentials are.
pub struct NewSmtpCredential {
    pub name: CredentialName,
    /// Everything sent by them stays in the sandbox.
    pub sandbox: bool,
    /// The domains that they may send from; every one of the account, later ones included, without.
    pub domains: Option<Vec<String>>,
}

/// Credentials just made, with the only sight of their password.
pub struct CreatedSmtpCredential {
    pub credential: SmtpCredential,
    pub domains: Vec<CredentialDomain>,
    pub password: SecretString,
}

/// Creates credentials for `holder`.
///
/// # Errors
/// As [`KeyHolder::account`] and [`key_grant::giver`]; `Forbidden` for a role that may not send and for a key that is bound
/// to networks; `Invalid` for no domain at all, or one that the account does not have.
pub fn create_smtp_credential(
    conn: &mut AnyConnection,
    cx: &Cx,
    holder: KeyHolder,
    new: &NewSmtpCredential,
) -> ActionResult<CreatedSmtpCredential> {
    let giver = key_grant::giver(conn, cx, holder, None)?;
    giver.require(Permission::SendTest)?;
    if giver.is_bound_to_networks() {
        let message = "this key is bound to networks, which SMTP credentials cannot be, so it cannot make any";
        return Err(ActionError::Forbidden(message.into()));
    }
    let account = holder.account(conn)?;
    let secret = SmtpSecret::generate();
    let credential = SmtpCredential {
        id: Id::new(cx.now),
        account_id: account.id,
        name: new.name.as_str().to_owned(),
        username: secret.username.clone(),
        password_digest: secret.digest().to_vec(),
        sandbox: new.sandbox,
        is_global: new.domains.is_none(),
        created_by: cx.actor.label.clone(),
        created_at: cx.at(),
        updated_at: cx.at(),
        deleted_at: None,
        maker_id: giver.maker,
    };
    let domains = bound_to(conn, &credential, new.domains.as_deref())?;
    smtp_credentials::insert(conn, &credential, &domains)?;
    let after = Some(shown(&credential, &domains));
    let record = Record { action: "smtp_credential.create", target: credential.name.clone(), before: None, after };
    audit::record(conn, cx, &account, record)?;
    Ok(CreatedSmtpCredential { credential, domains, password: secret.password.into() })
}

fn bound_to(
    conn: &mut AnyConnection,
    credential: &SmtpCredential,
    wanted: Option<&[String]>,
) -> ActionResult<Vec<CredentialDomain>> {
    let Some(wanted) = wanted else { return Ok(Vec::new()) };
    let owned = domains::names(conn, credential.account_id)?;
    let mut rows: Vec<CredentialDomain> = Vec::with_capacity(wanted.len());
    for name in wanted {
        let (domain_id, domain) = owned.iter().find(|(_, owned)| owned == name).cloned().ok_or_else(|| {
            let shown: String = name.chars().filter(|letter| !letter.is_control()).take(80).collect();
            ActionError::invalid("domains", format!("{shown} is not a domain of this account."))
        })?;
        if rows.iter().all(|row| row.domain_id != domain_id) {
            rows.push(CredentialDomain { credential_id: credential.id, domain_id, domain });
        }
    }
    if rows.is_empty() {
        return Err(ActionError::invalid("domains", "Name at least one domain."));
    }
    rows.sort_by(|one, other| one.domain.cmp(&other.domain));
    Ok(rows)
}

/// Credentials as the audit shows them: never with their password.
pub(super) fn shown(credential: &SmtpCredential, domains: &[CredentialDomain]) -> Value {
    let domains: Vec<&str> = domains.iter().map(|row| row.domain.as_str()).collect();
    json!({ "name": credential.name, "username": credential.username, "sandbox": credential.sandbox,
            "scope": if credential.is_global { "global" } else { "scoped" }, "domains": domains })
}
