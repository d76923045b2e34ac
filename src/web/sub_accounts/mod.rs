//! Sub accounts: the list and what is done to one or many of them. One file a verb; every one of them is a page that
//! works without script.

pub mod bulk;
mod bulk_cap;
pub mod cap;
mod columns;
pub mod create;
mod create_steps;
pub mod delete;
pub mod export;
pub mod import;
pub mod lift;
pub mod limits;
pub mod list;
pub mod now;
mod params;
pub mod row;
mod summary;
pub mod suspend;
pub mod undelete;
pub mod views;

use super::acting::Acting;
use super::error::PageError;
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::models::accounts::{self, Account};

/// The id in the address.
#[derive(serde::Deserialize)]
pub struct Path {
    pub id: String,
}

/// The live sub account that a page acts on.
async fn child(acting: &Acting, path: &Path, permission: Permission) -> Result<Account, PageError> {
    acting.require(permission)?;
    let id: Id = path.id.parse().map_err(|_| PageError::not_found())?;
    let parent = acting.account.id;
    let found = acting.app.read(move |conn| Ok(accounts::find_child(conn, parent, id)?)).await?;
    found.ok_or_else(PageError::not_found)
}
