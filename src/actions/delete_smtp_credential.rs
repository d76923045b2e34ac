//! Ending SMTP credentials: from this transaction's commit they are refused, in open sessions too.

use super::audit::{self, Record};
use super::create_smtp_credential::shown;
use super::key_grant::KeyHolder;
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::models::smtp_credentials::{self, SmtpCredential};
use crate::models::{AnyConnection, accounts};

/// Deletes credentials of `holder`; answers them as they were.
///
/// # Errors
/// `NotFound` for another account's, or ones deleted already.
pub fn delete_smtp_credential(
    conn: &mut AnyConnection,
    cx: &Cx,
    holder: KeyHolder,
    id: Id,
) -> ActionResult<SmtpCredential> {
    accounts::lock(conn, &[], &[holder.id()])?;
    let account = holder.account(conn)?;
    let credential = smtp_credentials::find(conn, account.id, id)?.ok_or(ActionError::NotFound("smtp credential"))?;
    let domains = smtp_credentials::domains_of(conn, &[id])?;
    smtp_credentials::delete(conn, id, cx.at())?;
    let before = Some(shown(&credential, &domains));
    let record = Record { action: "smtp_credential.delete", target: credential.name.clone(), before, after: None };
    audit::record(conn, cx, &account, record)?;
    Ok(credential)
}
