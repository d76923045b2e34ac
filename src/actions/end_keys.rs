//! A deleted account's keys and SMTP credentials, and what names a removed domain in those of its account: the first of
//! them end in the same transaction, and however many there are more in slices after it. None of them is good for
//! anything meanwhile, because the account or the domain is gone.

use super::error::ActionResult;
use super::{ActionError, Cx};
use crate::domain::ids::Id;
use crate::models::{AnyConnection, accounts, api_keys, smtp_credentials};

/// Keys, and credentials, of one transaction.
const SLICE: i64 = 500;

/// Ends some; answers how many keys, and how many credentials.
///
/// # Errors
/// Only the database's.
pub(super) fn end_keys(conn: &mut AnyConnection, cx: &Cx, account: Id) -> ActionResult<(usize, usize)> {
    let keys = api_keys::delete_some(conn, account, cx.at(), SLICE)?;
    let credentials = smtp_credentials::delete_some(conn, account, cx.at(), SLICE)?;
    Ok((keys, credentials))
}

/// Ends some more of an account that is deleted still; answers whether there may be others.
///
/// # Errors
/// Only the database's.
pub(super) fn go_on(conn: &mut AnyConnection, cx: &Cx, account: Id) -> ActionResult<bool> {
    if accounts::find(conn, account)?.is_some() {
        // Who was brought back had none left.
        return Ok(false);
    }
    Ok(end_keys(conn, cx, account)? != (0, 0))
}

/// Takes a removed domain out of some scopes of keys and some SMTP credentials, which are of no use with it already;
/// answers how many of each.
///
/// # Errors
/// Only the database's.
pub(super) fn forget_domain(conn: &mut AnyConnection, domain: Id) -> ActionResult<(usize, usize)> {
    let scopes = api_keys::drop_domain_scopes(conn, domain, SLICE)?;
    Ok((scopes, smtp_credentials::drop_domain(conn, domain, SLICE)?))
}

/// Refuses while a deleted account has some that are good: with it they would come back.
///
/// # Errors
/// `Conflict`; else only the database's.
pub(super) fn none_left(conn: &mut AnyConnection, account: Id) -> ActionResult<()> {
    if api_keys::any(conn, account)? || smtp_credentials::any(conn, account)? {
        let why = "Its keys are still being ended, because it has so many. Try again in a minute.";
        return Err(ActionError::Conflict(why.into()));
    }
    Ok(())
}
