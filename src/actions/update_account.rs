//! Editing an account's own settings: what it is called, how it tracks, how long it keeps, when it is billed.

use serde_json::{Value, json};

use super::audit::{self, Record};
use super::ensure_period::ensure_period;
use super::refresh_summary::refresh_summary;
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::domain::number::NumberStyle;
use crate::domain::period::BillingAnchor;
use crate::domain::text::{AccountName, ShortText};
use crate::domain::website::Website;
use crate::models::AnyConnection;
use crate::models::accounts::{self, Account};

/// The longest description, in characters.
pub const LONGEST_ABOUT: usize = 2000;

/// What to change; `None` keeps.
#[derive(Default)]
pub struct AccountChanges {
    pub name: Option<AccountName>,
    pub website: Option<Website>,
    /// Any text; may be empty.
    pub about: Option<String>,
    pub track_opens: Option<bool>,
    pub track_clicks: Option<bool>,
    pub reject_bad_recipients: Option<bool>,
    pub reject_mistyped_recipients: Option<bool>,
    /// Days, 1 to 30.
    pub metadata_retention: Option<i64>,
    /// Days, 0 to 30.
    pub data_retention: Option<i64>,
    /// Applies from the next billing period.
    pub anchor: Option<BillingAnchor>,
    /// What clients see instead of the name; `Some(None)` goes back to the name.
    pub brand_name: Option<Option<ShortText>>,
    /// How a parent's people and those of its sub accounts write numbers.
    pub number_style: Option<NumberStyle>,
}

/// Applies `changes`. Where nothing differs, nothing is written.
///
/// # Errors
/// `NotFound` for a deleted account, `Invalid` for a value out of range.
pub fn update_account(
    conn: &mut AnyConnection,
    cx: &Cx,
    account_id: Id,
    changes: &AccountChanges,
) -> ActionResult<Account> {
    accounts::lock(conn, &[], &[account_id])?;
    let before = accounts::find(conn, account_id)?.ok_or(ActionError::NotFound("account"))?;
    let mut after = before.clone();
    apply(&mut after, changes)?;
    let (old, new) = (shown(&before), shown(&after));
    if old == new {
        return Ok(before);
    }
    if before.parent_id.is_none() && anchor(&before) != anchor(&after) {
        // The running period goes by the anchor that it began under, though nobody may have written it down yet.
        ensure_period(conn, account_id, cx.now)?;
    }
    after.updated_at = cx.at();
    accounts::save(conn, &after)?;
    accounts::refresh_search_text(conn, account_id)?;
    refresh_summary(conn, account_id, cx.now)?;
    let record = Record { action: "account.update", target: after.name.clone(), before: Some(old), after: Some(new) };
    audit::record(conn, cx, &after, record)?;
    Ok(after)
}

fn anchor(account: &Account) -> (i32, &str) {
    (account.anchor_day, &account.time_zone)
}

fn apply(account: &mut Account, changes: &AccountChanges) -> ActionResult<()> {
    fn set<T: Copy>(place: &mut T, value: Option<T>) {
        *place = value.unwrap_or(*place);
    }
    if let Some(name) = &changes.name {
        name.as_str().clone_into(&mut account.name);
        account.name_lower = account.name.to_lowercase();
    }
    if let Some(website) = &changes.website {
        website.host().clone_into(&mut account.website);
    }
    if let Some(about) = &changes.about {
        account.about = checked_about(about)?;
    }
    set(&mut account.track_opens, changes.track_opens);
    set(&mut account.track_clicks, changes.track_clicks);
    set(&mut account.reject_bad_recipients, changes.reject_bad_recipients);
    set(&mut account.reject_mistyped_recipients, changes.reject_mistyped_recipients);
    set(&mut account.metadata_retention, days("message_metadata_retention", changes.metadata_retention, 1)?);
    set(&mut account.data_retention, days("message_data_retention", changes.data_retention, 0)?);
    if let Some(anchor) = changes.anchor {
        account.anchor_day = i32::try_from(anchor.day()).unwrap_or(account.anchor_day);
        account.time_zone = anchor.tz().name().to_owned();
    }
    set(&mut account.number_style, changes.number_style);
    if let Some(brand) = &changes.brand_name {
        account.brand_name = brand.as_ref().map(|name| name.as_str().to_owned());
    }
    Ok(())
}

fn checked_about(text: &str) -> ActionResult<String> {
    let text = text.trim().replace("\r\n", "\n");
    if text.chars().count() > LONGEST_ABOUT {
        let message = format!("The description is too long. Use at most {LONGEST_ABOUT} characters.");
        return Err(ActionError::invalid("about", message));
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(ActionError::invalid("about", "The description holds a control character. Remove it."));
    }
    Ok(text)
}

fn days(field: &str, value: Option<i64>, least: i32) -> ActionResult<Option<i32>> {
    let Some(value) = value else { return Ok(None) };
    i32::try_from(value)
        .ok()
        .filter(|days| (least..=30).contains(days))
        .map(Some)
        .ok_or_else(|| ActionError::invalid(field, format!("Choose {least} to 30 days.")))
}

fn shown(account: &Account) -> Value {
    json!({
        "name": account.name, "website": account.website, "about": account.about,
        "track_opens": account.track_opens, "track_clicks": account.track_clicks,
        "reject_bad_recipients": account.reject_bad_recipients,
        "reject_mistyped_recipients": account.reject_mistyped_recipients,
        "message_metadata_retention": account.metadata_retention,
        "message_data_retention": account.data_retention,
        "time_zone": account.time_zone, "anchor_day": account.anchor_day, "brand_name": account.brand_name,
        "number_style": account.number_style.example(),
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn account() -> Account {
        let now = DateTime::UNIX_EPOCH;
        Account::new(Id::new(now), None, "Agency", "agency.test", now.naive_utc())
    }

    #[test]
    fn retention_outside_its_range_is_refused_and_names_its_field() {
        for (metadata, data, field) in [
            (Some(0), None, "message_metadata_retention"),
            (Some(31), None, "message_metadata_retention"),
            (None, Some(-1), "message_data_retention"),
            (None, Some(i64::MAX), "message_data_retention"),
        ] {
            let changes = AccountChanges { metadata_retention: metadata, data_retention: data, ..Default::default() };
            match apply(&mut account(), &changes) {
                Err(ActionError::Invalid(fields)) => assert_eq!(fields[0].field, field),
                other => panic!("{field}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_description_keeps_its_lines_and_nothing_stranger() {
        assert_eq!(checked_about(" one\r\ntwo ").ok().as_deref(), Some("one\ntwo"));
        assert!(checked_about("a\0b").is_err());
        assert!(checked_about(&"x".repeat(LONGEST_ABOUT + 1)).is_err());
    }
}
