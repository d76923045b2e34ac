//! The nodes that run over this database. Each says so every few seconds.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Text, Timestamp};

use super::AnyConnection;
use super::schema::nodes;
use crate::domain::ids::Id;

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = nodes)]
pub struct Node {
    pub id: Id,
    /// With commas: `web`, `worker`, `mx`.
    pub roles: String,
    pub host_name: String,
    pub started_at: NaiveDateTime,
    pub seen_at: NaiveDateTime,
}

impl Node {
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.split(',').any(|one| one == role)
    }
}

/// Says that a node runs.
pub fn seen(conn: &mut AnyConnection, node: &Node) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO nodes (id, roles, host_name, started_at, seen_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
    )
    .bind::<Binary, _>(node.id)
    .bind::<Text, _>(&node.roles)
    .bind::<Text, _>(&node.host_name)
    .bind::<Timestamp, _>(node.started_at)
    .bind::<Timestamp, _>(node.seen_at)
    .execute(conn)
    .map(drop)
}

/// The nodes that were seen after `since` and not after `until`, by id. There are never many.
pub fn live(conn: &mut AnyConnection, since: NaiveDateTime, until: NaiveDateTime) -> QueryResult<Vec<Node>> {
    let seen = nodes::seen_at.gt(since).and(nodes::seen_at.le(until));
    nodes::table.filter(seen).order(nodes::id).select(Node::as_select()).load(conn)
}

/// Forgets a node that ends, and those that were not seen since `before`.
pub fn forget(conn: &mut AnyConnection, node: Option<Id>, before: NaiveDateTime) -> QueryResult<()> {
    let gone = nodes::table.filter(nodes::seen_at.lt(before));
    diesel::delete(gone).execute(conn)?;
    if let Some(node) = node {
        diesel::delete(nodes::table.find(node)).execute(conn)?;
    }
    Ok(())
}
