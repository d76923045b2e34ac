//! Telling people by mail: rows in the outbox, written with what caused them; a worker sends them.

use chrono::{DateTime, Utc};

use super::error::{ActionError, ActionResult};
use super::services::Services;
use crate::domain::ids::Id;
use crate::domain::role::{Permission, Role};
use crate::emails::{Action, Body, Notice};
use crate::models::accounts::Account;
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
    put(conn, now, services, &Letter { about, kind, recipient, subject: &notice.subject, body: &body })
}

/// One mail for the outbox, its words written out.
pub struct Letter<'a> {
    pub about: Option<Id>,
    pub kind: &'a str,
    pub recipient: &'a str,
    pub subject: &'a str,
    pub body: &'a Body,
}

/// Puts a mail into the outbox.
///
/// # Errors
/// Only the database's.
pub fn put(conn: &mut AnyConnection, now: DateTime<Utc>, services: &Services, letter: &Letter<'_>) -> ActionResult<()> {
    let json = serde_json::to_vec(letter.body).map_err(|error| ActionError::Internal(error.to_string()))?;
    system_mails::insert(
        conn,
        &SystemMail {
            id: Id::new(now),
            account_id: letter.about,
            kind: letter.kind.into(),
            recipient: letter.recipient.into(),
            subject: letter.subject.into(),
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

/// Tells the parent's members that an account's rate of bounces or complaints is too high. `what` names the rate.
///
/// # Errors
/// Only the database's.
pub fn rate_crossed(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    account: &Account,
    what: &str,
    paragraphs: Vec<String>,
) -> ActionResult<()> {
    let subject = format!("The {what} of {} is too high", account.name);
    let (label, path) = match account.parent_id {
        Some(_) => ("Open the sub account", format!("/sub-accounts/{}", account.id)),
        None => ("Open the account", "/account".into()),
    };
    let notice = Notice {
        brand: "Canopy".into(),
        subject: subject.clone(),
        heading: subject,
        paragraphs,
        action: Some(Action { label: label.into(), url: format!("{}{path}", services.public_url) }),
        footer: "You get this because you may put this account's clients on hold.".into(),
    };
    for recipient in members_who_may(conn, account.root_id(), Permission::Suspend)? {
        send(conn, now, services, Some(account.id), "rate_alert", &recipient, &notice)?;
    }
    Ok(())
}
