//! That somebody tried a transport, and what came of it: a connection was opened from this machine.

use serde_json::json;

use super::audit::{self, Record};
use super::{ActionError, ActionResult, Cx};
use crate::domain::conversation::Conversation;
use crate::domain::ids::Id;
use crate::models::transports::Transport;
use crate::models::{AnyConnection, accounts};

/// Writes a test of `transport` down.
///
/// # Errors
/// `NotFound` for a deleted account.
pub fn note_transport_test(
    conn: &mut AnyConnection,
    cx: &Cx,
    parent: Id,
    transport: &Transport,
    to: &str,
    said: &Conversation,
) -> ActionResult<()> {
    let account = accounts::find(conn, parent)?.ok_or(ActionError::NotFound("account"))?;
    let after = json!({ "host": transport.host, "to": to, "taken": said.taken, "answer": said.verdict });
    let record = Record { action: "transport.test", target: transport.name.clone(), before: None, after: Some(after) };
    audit::record(conn, cx, &account, record)
}
