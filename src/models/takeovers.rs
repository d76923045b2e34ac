//! Domains that came to hold a name: what others who had added it have waiting is to end. Who they are is noted in slices,
//! because any number of accounts may have added a name.

use diesel::prelude::*;
use diesel::sql_types::{Binary, Nullable};

use super::AnyConnection;
use super::kept::kept;
use super::schema::takeovers;
use crate::domain::ids::Id;

#[derive(Clone, Copy, Debug, Queryable, Selectable)]
#[diesel(table_name = takeovers)]
pub struct Takeover {
    /// The one that holds the name.
    pub domain_id: Id,
    /// The last of the others that was seen to; `None` before the first.
    pub after_id: Option<Id>,
}

/// Notes where one stands; from the beginning with no `after`.
pub fn note(conn: &mut AnyConnection, domain: Id, after: Option<Id>) -> QueryResult<()> {
    kept(
        "INSERT INTO takeovers (domain_id, after_id) VALUES ($1, $2) \
         ON CONFLICT (domain_id) DO UPDATE SET after_id = excluded.after_id",
    )
    .bind::<Binary, _>(domain)
    .bind::<Nullable<Binary>, _>(after)
    .execute(conn)
    .map(drop)
}

/// One that has more to come.
pub fn next(conn: &mut AnyConnection) -> QueryResult<Option<Takeover>> {
    takeovers::table.order(takeovers::domain_id).select(Takeover::as_select()).first(conn).optional()
}

/// All of the others were seen to, or the name is held no more.
pub fn end(conn: &mut AnyConnection, domain: Id) -> QueryResult<()> {
    diesel::delete(takeovers::table.find(domain)).execute(conn).map(drop)
}
