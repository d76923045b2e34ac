//! Settings, Transports: how an agency's mail and that of its clients leaves. Only the agency sets it, because a
//! connection is opened from this machine to wherever it says.

pub mod delete;
pub mod form;
pub mod list;
pub mod test;

use crate::config::Config;
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::domain::transport::TransportKind;
use crate::models::transports::{self, Transport};
use crate::web::acting::{self, Acting};
use crate::web::error::PageError;

/// The address of the list.
pub const PAGE: &str = "/settings/transports";

/// Only an agency's own people.
pub(super) fn require(acting: &Acting) -> Result<(), PageError> {
    acting.require(Permission::ManageSettings)?;
    if acting.account.parent_id.is_none() {
        return Ok(());
    }
    Err(acting::refused(acting.grant.as_ref()).saying("Your agency sets how your mail leaves. Ask them."))
}

/// The transport that an address names. Unknown, malformed and other agencies' ids are refused alike.
pub(super) async fn named(acting: &Acting, text: &str) -> Result<Transport, PageError> {
    require(acting)?;
    let id: Id = text.parse().map_err(|_| PageError::not_found())?;
    let parent = acting.account.id;
    let found = acting.app.read(move |conn| Ok(transports::find(conn, parent, id)?)).await?;
    found.ok_or_else(PageError::not_found)
}

/// Where a transport takes mail, in a few words.
#[must_use]
pub fn where_to(row: &Transport) -> String {
    match TransportKind::parse(&row.kind) {
        Ok(TransportKind::Relay) => format!("{}:{}", row.host, row.port),
        Ok(kind) => kind.words().0.to_owned(),
        Err(_) => row.kind.clone(),
    }
}

/// What mail leaves by where nothing is chosen, in words.
#[must_use]
pub fn installations(config: &Config) -> String {
    config.default_transport.in_words()
}
