//! Somebody wrote to postmaster or abuse: the letter goes to the operator, by the outbox of system mail; thirty an hour at
//! most, whichever nodes they came to.

use chrono::{DateTime, Utc};

use super::error::ActionResult;
use super::notify;
use super::services::Services;
use crate::domain::returned::operator::Letter;
use crate::emails::Body;
use crate::models::{AnyConnection, operator_letters};

/// The kind of such mails in the outbox: they leave with a null return path.
pub const KIND: &str = "operator";

/// Puts `letter` into the outbox; answers whether there was room for it within the hour. `from` is the sender of its
/// envelope, `peer` who handed it in; neither is proven.
///
/// # Errors
/// Only the database's.
pub fn pass_on_letter(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    operator: &str,
    (from, peer): (&str, &str),
    letter: &Letter,
) -> ActionResult<bool> {
    if !operator_letters::take(conn, now.naive_utc())? {
        return Ok(false);
    }
    let intro =
        format!("{peer} handed this in for postmaster or abuse, as from <{from}>. Headers and text as they came:");
    let body = Body {
        text: format!("{intro}\n\n{}", letter.text),
        html: format!("<p>{}</p><pre>{}</pre>", escaped(&intro), escaped(&letter.text)),
    };
    let subject = format!("For the operator: {}", letter.subject);
    let mail = notify::Letter { about: None, kind: KIND, recipient: operator, subject: &subject, body: &body };
    notify::put(conn, now, services, &mail)?;
    Ok(true)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
