//! Telling the parent's members that a share of a cap is used.

use chrono::{DateTime, Utc};

use super::error::ActionResult;
use super::notify::{members_who_may, send};
use super::services::Services;
use crate::domain::ids::Id;
use crate::domain::limits::AtCap;
use crate::domain::money::grouped;
use crate::domain::role::Permission;
use crate::emails::{Action, Notice};
use crate::models::AnyConnection;
use crate::models::accounts::Account;

/// A share of a monthly cap that was crossed.
pub struct Crossing {
    pub percent: i32,
    pub cap: i64,
    pub used: i64,
    pub resets_at: DateTime<Utc>,
    pub at_cap: AtCap,
}

/// Tells whoever may set the caps of a sub account.
///
/// # Errors
/// Only the database's.
pub fn of_account(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    account: &Account,
    crossing: &Crossing,
) -> ActionResult<()> {
    let name = &account.name;
    let subject = match crossing.percent {
        100 => format!("{name} has reached its monthly cap"),
        percent => format!("{name} has used {percent} % of its monthly cap"),
    };
    let resets = crossing.resets_at.format("%-d %B %Y, %H:%M UTC");
    let next = match (crossing.at_cap, crossing.percent >= 100) {
        (AtCap::Reject, false) => format!("At the cap new messages are refused until it resets on {resets}."),
        (AtCap::Reject, true) => {
            format!("New messages are refused until it resets on {resets}. Raise the cap to let it send on.")
        }
        (AtCap::Hold, false) => format!("At the cap new messages are held until it resets on {resets}."),
        (AtCap::Hold, true) => {
            format!("New messages are held until it resets on {resets}. Raise the cap to release them.")
        }
        (AtCap::Overage, false) => "Beyond the cap it sends on, and what it sends is billed.".to_owned(),
        (AtCap::Overage, true) => format!("It sends on and what it sends is billed. The cap resets on {resets}."),
    };
    let path = format!("/sub-accounts/{}", account.id);
    let used = format!("{} of {} messages are used in this billing period.", shown(crossing.used), shown(crossing.cap));
    let notice = notice(services, subject, vec![used, next], ("Open the sub account", &path));
    tell(conn, now, services, account.id, account.root_id(), &notice)
}

/// Tells the same people that a share of what all accounts may send together is used: percent, cap and use.
///
/// # Errors
/// Only the database's.
pub fn of_pool(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    parent: &Account,
    (percent, cap, used): (i32, i64, i64),
    resets_at: DateTime<Utc>,
) -> ActionResult<()> {
    let resets = resets_at.format("%-d %B %Y, %H:%M UTC");
    let (subject, next) = match percent {
        100.. => (
            "All accounts together have reached the pool cap".to_owned(),
            format!("No account can send until the period ends on {resets}. Raise the pool cap to go on."),
        ),
        _ => (
            format!("All accounts together have used {percent} % of the pool cap"),
            format!("At the cap no account can send until the period ends on {resets}."),
        ),
    };
    let used = format!("{} of {} messages are used in this billing period.", shown(used), shown(cap));
    let notice = notice(services, subject, vec![used, next], ("Open the settings", "/settings"));
    tell(conn, now, services, parent.id, parent.id, &notice)
}

fn shown(count: i64) -> String {
    grouped(count.unsigned_abs())
}

fn notice(services: &Services, subject: String, paragraphs: Vec<String>, (label, path): (&str, &str)) -> Notice {
    Notice {
        brand: "Canopy".into(),
        heading: subject.clone(),
        subject,
        paragraphs,
        action: Some(Action { label: label.into(), url: format!("{}{path}", services.public_url) }),
        footer: "You get this because you may set caps of this account's clients.".into(),
    }
}

fn tell(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    about: Id,
    parent: Id,
    notice: &Notice,
) -> ActionResult<()> {
    for recipient in members_who_may(conn, parent, Permission::SetCap)? {
        send(conn, now, services, Some(about), "cap_alert", &recipient, notice)?;
    }
    Ok(())
}
