//! A named transport, and which one a sub account uses: beside the contract.

use serde::Serialize;
use utoipa::ToSchema;

use super::time;
use crate::domain::ids::Id;
use crate::models::transports;

#[derive(Debug, Serialize, ToSchema)]
pub struct Transport {
    #[schema(inline)]
    object: Kind,
    #[schema(value_type = uuid::Uuid)]
    id: Id,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    #[schema(value_type = uuid::Uuid)]
    account_id: Id,
    name: String,
    /// `relay`, `direct` or `mailbox`.
    kind: String,
    /// Of a relay, as are port, username and password; null otherwise.
    host: Option<String>,
    port: Option<i32>,
    /// `none`, `opportunistic`, `required` or `implicit`; null for a mailbox.
    tls: Option<String>,
    /// Null signs in nowhere.
    username: Option<String>,
    /// Whether a password is kept. It is never shown.
    has_password: bool,
    /// The address that connections come from; null leaves it to the machine.
    source_ip: Option<String>,
    /// The name given in EHLO; null is the node's.
    helo: Option<String>,
    /// At once on each node; 0 is no limit.
    max_connections: i32,
    /// On each node; 0 is no limit.
    messages_per_second: i32,
    /// Whether accounts without a choice of their own use it.
    default: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Transport,
}

impl Transport {
    #[must_use]
    pub fn new(row: &transports::Transport, default: Option<Id>) -> Self {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self {
            object: Kind::Transport,
            id: row.id,
            created_at: time(row.created_at),
            updated_at: time(row.updated_at),
            account_id: row.account_id,
            name: row.name.clone(),
            kind: row.kind.clone(),
            host: given(&row.host),
            port: (row.port != 0).then_some(row.port),
            tls: (row.kind != "mailbox").then(|| row.tls.clone()),
            username: given(&row.username),
            has_password: row.password_sealed.is_some(),
            source_ip: given(&row.source_ip),
            helo: given(&row.helo),
            max_connections: row.max_connections,
            messages_per_second: row.messages_per_second,
            default: default == Some(row.id),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SubAccountTransport {
    #[schema(inline)]
    object: ChoiceKind,
    #[schema(value_type = uuid::Uuid)]
    sub_account_id: Id,
    /// What was chosen for it; null uses the default.
    #[schema(value_type = Option<uuid::Uuid>)]
    transport_id: Option<Id>,
    /// What its mail leaves by: the choice, else the default; null is what the installation is set up with.
    #[schema(value_type = Option<uuid::Uuid>)]
    effective_transport_id: Option<Id>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ChoiceKind {
    SubAccountTransport,
}

impl SubAccountTransport {
    #[must_use]
    pub fn new(sub_account_id: Id, transport_id: Option<Id>, effective_transport_id: Option<Id>) -> Self {
        Self { object: ChoiceKind::SubAccountTransport, sub_account_id, transport_id, effective_transport_id }
    }
}
