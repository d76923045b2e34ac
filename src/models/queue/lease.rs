//! Who has a message of the queue, and until when. Leases lie beside the queue: taking a message and giving it back
//! change none of the queue's indexes.

use chrono::NaiveDateTime;
use diesel::dsl::exists;
use diesel::expression::BoxableExpression;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Bool, Integer, Timestamp};

use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::kept::{bind, for_rows, load_rows, one_of};
use crate::models::schema::{queue, queue_leases};

/// A message that is being delivered.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = queue_leases)]
pub struct Lease {
    pub message_id: Id,
    pub account_id: Id,
    /// The account it is billed to.
    pub parent_id: Id,
    /// Who has it: one id a claim.
    pub owner: Id,
    /// Then another may have it.
    pub until_at: NaiveDateTime,
    /// The number of the attempt that is under way.
    pub attempt: i32,
}

impl Lease {
    /// Whether nobody has given it back, taken it over or lengthened it since it was `then`.
    #[must_use]
    pub fn is_same(&self, then: &Self) -> bool {
        (self.message_id, self.owner, self.until_at) == (then.message_id, then.owner, then.until_at)
    }
}

type Db = <AnyConnection as Connection>::Backend;

/// Of a row of the queue: a worker has it at `now`.
pub(super) fn taken(now: NaiveDateTime) -> Box<dyn BoxableExpression<queue::table, Db, SqlType = Bool>> {
    let of_row = queue_leases::table.filter(queue_leases::message_id.eq(queue::message_id));
    Box::new(exists(of_row.filter(queue_leases::until_at.gt(now))))
}

/// Takes messages that nobody has any more.
pub fn take_over(conn: &mut AnyConnection, leases: &[Lease]) -> QueryResult<()> {
    let row = |lease: &Lease| {
        vec![
            bind::<Binary>(lease.message_id),
            bind::<Binary>(lease.account_id),
            bind::<Binary>(lease.parent_id),
            bind::<Binary>(lease.owner),
            bind::<Timestamp>(lease.until_at),
            bind::<Integer>(lease.attempt),
        ]
    };
    for_rows(
        conn,
        "INSERT INTO queue_leases (message_id, account_id, parent_id, owner, until_at, attempt)",
        &leases.iter().map(row).collect::<Vec<_>>(),
        "ON CONFLICT (message_id) DO UPDATE SET owner = excluded.owner, until_at = excluded.until_at, \
         attempt = excluded.attempt",
    )
}

/// Locks the leases of `messages` that ran out, so that those who had them finish nothing any more; answers them. One that
/// is being given back or lengthened at this moment is passed over: nobody waits for a lease, so nobody waits in a circle.
pub fn take_lapsed(conn: &mut AnyConnection, messages: &[Id], now: NaiveDateTime) -> QueryResult<Vec<Id>> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let lapsed = queue_leases::table
        .filter(one_of(queue_leases::message_id, messages.to_vec()))
        .filter(queue_leases::until_at.le(now))
        .order(queue_leases::message_id)
        .select(queue_leases::message_id);
    match conn {
        AnyConnection::Pg(conn) => lapsed.for_update().skip_locked().load(conn),
        AnyConnection::Sqlite(_) => lapsed.load(conn),
    }
}

/// Lengthens the leases of attempts that are still under way, given as message and owner.
pub fn renew(conn: &mut AnyConnection, held: &[(Id, Id)], until: NaiveDateTime) -> QueryResult<()> {
    let (messages, owners): (Vec<Id>, Vec<Id>) = held.iter().copied().unzip();
    diesel::update(
        queue_leases::table
            .filter(one_of(queue_leases::message_id, messages))
            .filter(one_of(queue_leases::owner, owners)),
    )
    .set(queue_leases::until_at.eq(until))
    .execute(conn)
    .map(drop)
}

#[derive(QueryableByName)]
struct GivenBack {
    #[diesel(sql_type = Binary)]
    message_id: Id,
    #[diesel(sql_type = Binary)]
    owner: Id,
}

/// Ends leases, given as message and owner; answers those that their owner still had.
pub fn give_back(conn: &mut AnyConnection, held: &[(Id, Id)]) -> QueryResult<Vec<(Id, Id)>> {
    let row = |(message, owner): &(Id, Id)| vec![bind::<Binary>(*message), bind::<Binary>(*owner)];
    let ended: Vec<GivenBack> = load_rows(
        conn,
        "WITH ended (message_id, owner) AS (",
        &held.iter().map(row).collect::<Vec<_>>(),
        ") DELETE FROM queue_leases WHERE (message_id, owner) IN (SELECT message_id, owner FROM ended) \
         RETURNING message_id, owner",
    )?;
    Ok(ended.into_iter().map(|lease| (lease.message_id, lease.owner)).collect())
}

/// Ends the leases of messages that leave the queue, whoever has them.
pub(super) fn forget(conn: &mut AnyConnection, messages: &[Id]) -> QueryResult<()> {
    diesel::delete(queue_leases::table.filter(one_of(queue_leases::message_id, messages.to_vec())))
        .execute(conn)
        .map(drop)
}

/// Until when each of those messages is had that somebody has or had.
pub fn leases_of(conn: &mut AnyConnection, messages: &[Id]) -> QueryResult<Vec<Lease>> {
    queue_leases::table
        .filter(one_of(queue_leases::message_id, messages.to_vec()))
        .select(Lease::as_select())
        .load(conn)
}
