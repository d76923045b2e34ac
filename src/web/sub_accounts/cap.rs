//! The monthly cap of one sub account: a page, and the small form in a row of the list. "No cap" is a choice of its
//! own: a bare 0 could mean either of two opposite things.

use actix_web::http::StatusCode;
use actix_web::web::{Path as UrlPath, Query};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Path, child};
use crate::actions::ensure_period::running;
use crate::actions::update_sub_account::{Changes, update_sub_account};
use crate::actions::{ActionError, ActionResult, Cx};
use crate::domain::cap::MonthlyCap;
use crate::domain::ids::Id;
use crate::domain::number::NumberStyle;
use crate::domain::proration::Part;
use crate::domain::refusal::Refusal;
use crate::domain::role::Permission;
use crate::models::accounts::Account;
use crate::models::{AnyConnection, accounts, counters};
use crate::web::acting::Acting;
use crate::web::chart::Meter;
use crate::web::error::PageResult;
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html_with, own_path, see_other};

#[derive(Template)]
#[template(path = "sub_accounts/cap.html")]
struct CapPage {
    shell: Shell,
    id: String,
    name: String,
    meter: Meter,
    /// Days, and days of a full one, of a short period: the meter has its part of the cap.
    short: Option<(i32, i32)>,
    typed: String,
    no_cap: bool,
    back: String,
    may_suspend: bool,
    errors: Errors,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Form {
    cap: String,
    /// The box in a row of the list.
    no_cap: String,
    /// The choice on the page: `cap` or `none`.
    cap_kind: String,
    back: String,
}

/// The cap that a link proposes, to be looked at and saved.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Suggested {
    cap: String,
}

/// A cap as people choose it: a number above 0, or none.
///
/// # Errors
/// A sentence that offers both ways out of a 0.
pub fn chosen(text: &str, none: bool, numbers: NumberStyle) -> Result<MonthlyCap, Refusal> {
    if none { Ok(MonthlyCap::NONE) } else { MonthlyCap::parse(text, numbers) }
}

/// "5,000", or "No cap".
pub(super) fn shown(cap: MonthlyCap, numbers: NumberStyle) -> String {
    cap.limit().map_or_else(|| "No cap".to_owned(), |limit| numbers.whole(limit))
}

impl Form {
    /// In a row the box is ticked already where there is no cap: a number typed beside it is meant.
    fn parse(&self, now: i64, numbers: NumberStyle) -> Result<MonthlyCap, Refusal> {
        match self.cap_kind.as_str() {
            "none" => return chosen("", true, numbers),
            "cap" => return chosen(&self.cap, false, numbers),
            _ => {}
        }
        let (none, typed) = (!self.no_cap.is_empty(), !self.cap.trim().is_empty());
        let unchanged = MonthlyCap::parse(&self.cap, numbers).is_ok_and(|cap| cap.value() == now);
        match (none, typed) {
            (true, true) if now != 0 && !unchanged => {
                Err(Refusal::new("A cap and “No cap” are both chosen. Choose one of the two."))
            }
            (true, true) if now == 0 => chosen(&self.cap, false, numbers),
            _ => chosen(&self.cap, none, numbers),
        }
    }
}

/// `GET /sub-accounts/{id}/cap`
pub async fn show(acting: Acting, path: UrlPath<Path>, suggested: Query<Suggested>) -> PageResult {
    let account = child(&acting, &path, Permission::SetCap).await?;
    // A link is written by us: plain digits, or nothing.
    let raised = MonthlyCap::parse(&suggested.cap, NumberStyle::Point).ok().and_then(MonthlyCap::limit);
    let shown = raised.unwrap_or(account.monthly_credit);
    let typed = if shown == 0 { String::new() } else { acting.numbers.whole(shown) };
    let no_cap = shown == 0;
    page(&acting, account, typed, no_cap, String::new(), Errors::none()).await
}

/// `POST /sub-accounts/{id}/cap`
pub async fn submit(acting: Acting, path: UrlPath<Path>, form: Posted<Form>) -> PageResult {
    let account = child(&acting, &path, Permission::SetCap).await?;
    let mut errors = Errors::none();
    let Some(cap) = errors.take("cap", form.parse(account.monthly_credit, acting.numbers)) else {
        let no_cap = form.cap_kind == "none" || !form.no_cap.is_empty();
        return page(&acting, account, form.cap.clone(), no_cap, form.back.clone(), errors).await;
    };
    let (cx, parent, id) = (acting.cx(), acting.account.id, account.id);
    let changed = cap.value() != account.monthly_credit;
    let use_now = acting.app.write(move |conn| set(conn, &cx, (parent, id), changed.then_some(cap))).await?;
    acting.flash(&said(&account, cap, use_now, acting.numbers));
    Ok(see_other(&back(&form.back, &account)))
}

/// Sets the cap where it is another one; answers as [`used`].
fn set(
    conn: &mut AnyConnection,
    cx: &Cx,
    (parent, id): (Id, Id),
    cap: Option<MonthlyCap>,
) -> ActionResult<(i64, Part)> {
    if let Some(wanted) = cap {
        let done = update_sub_account(conn, cx, parent, id, &Changes { cap, ..Changes::default() });
        let is_so = accounts::find_child(conn, parent, id)?.is_some_and(|row| row.monthly_credit == wanted.value());
        match done {
            // Of a double click the first has set it.
            Err(ActionError::Invalid(_)) if is_so => {}
            other => drop(other?),
        }
    }
    used(conn, (parent, id), cx.now)
}

/// What was understood, what it was before, and what it does to this period; with the way back.
fn said(account: &Account, cap: MonthlyCap, (used, part): (i64, Part), numbers: NumberStyle) -> Flash {
    let text = match cap.limit() {
        Some(limit) => format!("The cap of {} is {}.", account.name, numbers.whole(limit)),
        None => format!("{} has no cap.", account.name),
    };
    let was = match account.monthly_credit {
        was if was == cap.value() => "It was so already.".to_owned(),
        0 => "It had no cap.".to_owned(),
        was => format!("It was {}.", numbers.whole(was)),
    };
    let effect = match cap.in_part(part).limit() {
        Some(limit) if used >= limit => {
            format!("{} messages were accepted in this period already: it is at its cap now.", numbers.whole(used))
        }
        _ => "It decides from now on, for this period and the next ones.".to_owned(),
    };
    let before = Some(account.monthly_credit).filter(|was| *was != 0 && *was != cap.value());
    let link = before.map(|was| ("Set it back".into(), format!("/sub-accounts/{}/cap?cap={was}", account.id)));
    Flash { detail: format!("{was} {effect}"), link, ..Flash::new(Tone::Good, text) }
}

/// What is used of the running period, and which part of a full one it is.
fn used(conn: &mut AnyConnection, (parent, id): (Id, Id), now: DateTime<Utc>) -> ActionResult<(i64, Part)> {
    let Some(period) = running(conn, parent, now)? else { return Ok((0, Part::WHOLE)) };
    Ok((counters::used(conn, id, period.id)?, period.part()))
}

/// Where the form came from, or the account.
pub(super) fn back(wanted: &str, account: &Account) -> String {
    if wanted.is_empty() { format!("/sub-accounts/{}", account.id) } else { own_path(wanted).to_owned() }
}

async fn page(
    acting: &Acting,
    account: Account,
    typed: String,
    no_cap: bool,
    back: String,
    errors: Errors,
) -> PageResult {
    let (parent, id, now) = (acting.account.id, account.id, acting.now());
    let (used, part) = acting.app.read(move |conn| used(conn, (parent, id), now)).await?;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let cap = part.cap(account.monthly_credit);
    html_with(
        status,
        &CapPage {
            shell: acting.shell(&format!("Cap of {}", account.name)),
            id: account.id.to_string(),
            name: account.name,
            meter: Meter::new(used.unsigned_abs(), (cap > 0).then_some(cap.unsigned_abs())).written_in(acting.numbers),
            short: part.days(),
            typed,
            no_cap,
            back,
            may_suspend: acting.may(Permission::Suspend),
            errors,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cap::ZERO;

    fn parsed(cap: &str, no_cap: bool, now: i64) -> Result<i64, String> {
        let form =
            Form { cap: cap.into(), no_cap: if no_cap { "on".into() } else { String::new() }, ..Form::default() };
        form.parse(now, NumberStyle::Point).map(MonthlyCap::value).map_err(String::from)
    }

    #[test]
    fn no_cap_is_chosen_and_never_typed() {
        assert_eq!(parsed("0", false, 50), Err(ZERO.into()));
        assert_eq!(parsed("0", false, 0), Err(ZERO.into()));
        assert_eq!(parsed("50", true, 50), Ok(0));
        assert_eq!(parsed("", true, 50), Ok(0));
        assert!(parsed("", false, 50).is_err());
    }

    #[test]
    fn a_number_typed_beside_the_box_that_was_ticked_already_is_meant() {
        assert_eq!(parsed("5,000", true, 0), Ok(5_000));
        assert!(parsed("60", true, 50).is_err());
        assert_eq!(parsed("60", false, 50), Ok(60));
    }
}
