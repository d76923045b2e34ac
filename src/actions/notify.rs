//! Telling people by mail: rows in the outbox, written with what caused them; a worker sends them.

use chrono::{DateTime, Utc};

use super::error::{ActionError, ActionResult};
use super::services::Services;
use crate::domain::ids::Id;
use crate::domain::role::{Permission, Role};
use crate::emails::{Body, Notice};
use crate::models::system_mails::{self, SystemMail};
use crate::models::{AnyConnection, memberships};

const CONTEXT: &str = "system_mail";

/// Puts one notice for one reader into the outbox.
///
/// # Errors
/// Only the database's, and a template that cannot be written out.
pub fn send(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    about: Option<Id>,
    kind: &str,
    recipient: &str,
    notice: &Notice,
) -> ActionResult<()> {
    let body = notice.render().map_err(|error| ActionError::Internal(error.to_string()))?;
    let json = serde_json::to_vec(&body).map_err(|error| ActionError::Internal(error.to_string()))?;
    system_mails::insert(
        conn,
        &SystemMail {
            id: Id::new(now),
            account_id: about,
            kind: kind.into(),
            recipient: recipient.into(),
            subject: notice.subject.clone(),
            body_sealed: services.secrets.seal(CONTEXT, &json),
            created_at: now.naive_utc(),
            due_at: now.naive_utc(),
            leased_until: None,
            attempts: 0,
            last_error: String::new(),
        },
    )?;
    Ok(())
}

/// The text of a mail of the outbox.
///
/// # Errors
/// `Internal` when it was sealed with a key this node does not have.
pub fn open(services: &Services, mail: &SystemMail) -> ActionResult<Body> {
    let json =
        services.secrets.open(CONTEXT, &mail.body_sealed).map_err(|error| ActionError::Internal(error.to_string()))?;
    serde_json::from_slice(&json).map_err(|error| ActionError::Internal(error.to_string()))
}

/// The addresses of an account's accepted members who may do `permission`.
///
/// # Errors
/// Only the database's.
pub fn members_who_may(conn: &mut AnyConnection, account: Id, permission: Permission) -> ActionResult<Vec<String>> {
    let members = memberships::of_account(conn, account)?;
    Ok(members
        .into_iter()
        .filter(|(membership, user)| membership.accepted_at.is_some() && user.disabled_at.is_none())
        .filter(|(membership, _)| Role::parse(&membership.role).is_ok_and(|role| role.may(permission)))
        .map(|(_, user)| user.email)
        .collect())
}
