//! Who holds a name. Several accounts may have added it; one of them is verified, and after it let the name go the
//! name stays closed to the others for a while, so that nobody sends in its place the next morning.

use chrono::{NaiveDateTime, TimeDelta};

use super::{ActionResult, Cx};
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::accounts::{self, Account};
use crate::models::domains::{self, Domain};

/// How long a verified domain that was removed stays closed to other accounts.
pub const CLOSED_FOR: TimeDelta = TimeDelta::days(30);

/// Until when a name that another account had verified and removed is closed to `account`.
///
/// # Errors
/// Only the database's.
pub fn closed_until(conn: &mut AnyConnection, cx: &Cx, account: Id, name: &str) -> ActionResult<Option<NaiveDateTime>> {
    let holders = holders(conn, cx, account, name)?;
    let ends = holders.iter().filter_map(|(row, owner)| let_go_at(row, owner.as_ref())).map(|at| at + CLOSED_FOR);
    Ok(ends.filter(|until| *until > cx.at()).max())
}

/// Why `account` cannot hold `name` now, in a sentence; `None` when it can. A row of an account that was deleted too
/// long ago gives the name up.
///
/// # Errors
/// Only the database's.
pub fn obstacle(conn: &mut AnyConnection, cx: &Cx, account: Id, name: &str) -> ActionResult<Option<String>> {
    if let Some(until) = closed_until(conn, cx, account, name)? {
        return Ok(Some(closed(name, until)));
    }
    for (mut row, owner) in holders(conn, cx, account, name)? {
        if let_go_at(&row, owner.as_ref()).is_none() {
            return Ok(Some(format!(
                "Every record is in place, but another account has {name} verified. It can be verified here once that \
                 account removes it, or its own records are gone from DNS."
            )));
        }
        row.verified_at = None;
        row.updated_at = cx.at();
        domains::save(conn, &row)?;
    }
    Ok(None)
}

/// The sentence for a name that is closed.
#[must_use]
pub fn closed(name: &str, until: NaiveDateTime) -> String {
    let days = CLOSED_FOR.num_days();
    format!(
        "Another account sent from {name} and removed it. It stays closed to other accounts for {days} days, until {}.",
        until.format("%-d %B %Y, %H:%M UTC")
    )
}

fn holders(conn: &mut AnyConnection, cx: &Cx, account: Id, name: &str) -> ActionResult<Vec<(Domain, Option<Account>)>> {
    let rows = domains::holders_elsewhere(conn, account, name, (cx.now - CLOSED_FOR).naive_utc())?;
    let mut holders = Vec::with_capacity(rows.len());
    for row in rows {
        let owner = accounts::find_any(conn, row.account_id)?;
        holders.push((row, owner));
    }
    Ok(holders)
}

/// When the row stopped holding the name: removed, or its account was deleted.
fn let_go_at(row: &Domain, owner: Option<&Account>) -> Option<NaiveDateTime> {
    row.deleted_at.or(owner.and_then(|owner| owner.deleted_at))
}
