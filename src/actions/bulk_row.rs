//! One row of a job: the same actions that a page or a key calls.

use super::bulk_work::{Outcome, Work, hold_of};
use super::create_domain::{NewDomain, SealedKey, Subdomains, create_domain};
use super::create_sub_account::{NewSubAccount, create_sub_account};
use super::lift_suspension::lift_suspension;
use super::suspend_account::suspend_account;
use super::update_sub_account::{Changes, update_sub_account};
use super::{ActionError, ActionResult, Cx, Services};
use crate::domain::cap::MonthlyCap;
use crate::domain::client_import::Client;
use crate::domain::ids::Id;
use crate::domain::number::NumberStyle;
use crate::domain::refusal::Refusal;
use crate::domain::text::Tag;
use crate::models::accounts::{self, Account};
use crate::models::jobs::JobRow;
use crate::models::{AnyConnection, account_tags, part, summaries, suspensions};

/// What the rows of a job share.
pub(super) struct Job<'a> {
    pub cx: Cx,
    pub services: &'a Services,
    pub parent: Id,
    /// How the parent's people write numbers.
    pub numbers: NumberStyle,
    pub work: &'a Work,
}

/// Does a job's work to one row, and says in `outcome` what became of it. `key` is for the row's new domain.
///
/// # Errors
/// As the action that is called.
pub(super) fn run(
    conn: &mut AnyConnection,
    job: &Job<'_>,
    row: &JobRow,
    key: Option<SealedKey>,
    outcome: &mut Outcome,
) -> ActionResult<()> {
    let (cx, parent) = (&job.cx, job.parent);
    if *job.work == Work::Import {
        return import(conn, cx, parent, row, key, outcome);
    }
    let id: Id = row.payload.parse().map_err(|_| ActionError::NotFound("sub account"))?;
    outcome.account = Some(id);
    let account = accounts::find_child(conn, parent, id)?.ok_or(ActionError::NotFound("sub account"))?;
    outcome.name.clone_from(&account.name);
    outcome.said = match job.work {
        Work::Suspend { .. } => suspend(conn, job, &account)?,
        Work::Lift => lift(conn, cx, parent, &account)?,
        Work::Tag { tag } => retag(conn, cx, parent, &account, tag, true)?,
        Work::Untag { tag } => retag(conn, cx, parent, &account, tag, false)?,
        Work::SetCap { cap } => set_cap(conn, job, &account, *cap)?,
        Work::Import => String::new(),
    };
    Ok(())
}

fn suspend(conn: &mut AnyConnection, job: &Job<'_>, account: &Account) -> ActionResult<String> {
    if !suspensions::open(conn, account.id, job.cx.at())?.is_empty() {
        return Ok("Was on hold already; that hold stays.".into());
    }
    let hold = hold_of(job.work).map_err(invalid)?.ok_or(ActionError::NotFound("hold"))?;
    suspend_account(conn, &job.cx, job.services, job.parent, account.id, &hold)?;
    Ok("Suspended.".into())
}

fn lift(conn: &mut AnyConnection, cx: &Cx, parent: Id, account: &Account) -> ActionResult<String> {
    if suspensions::open(conn, account.id, cx.at())?.is_empty() {
        return Ok("Was not on hold.".into());
    }
    lift_suspension(conn, cx, parent, account.id)?;
    Ok("Lifted: it may send.".into())
}

fn retag(
    conn: &mut AnyConnection,
    cx: &Cx,
    parent: Id,
    account: &Account,
    tag: &str,
    add: bool,
) -> ActionResult<String> {
    let mut tags: Vec<String> = account_tags::of_many(conn, &[account.id])?.into_iter().map(|(_, has)| has).collect();
    if tags.iter().any(|has| has == tag) == add {
        return Ok(if add { "Had the tag already." } else { "Did not have the tag." }.into());
    }
    if add {
        tags.push(tag.to_owned());
    } else {
        tags.retain(|has| has != tag);
    }
    let tags = tags.iter().map(|tag| Tag::parse(tag)).collect::<Result<Vec<_>, _>>().map_err(invalid)?;
    update_sub_account(conn, cx, parent, account.id, &Changes { tags: Some(tags), ..Changes::default() })?;
    Ok(if add { "Tagged." } else { "Tag removed." }.into())
}

fn set_cap(conn: &mut AnyConnection, job: &Job<'_>, account: &Account, cap: i64) -> ActionResult<String> {
    if account.monthly_credit == cap {
        return Ok("Had this cap already.".into());
    }
    let cap = MonthlyCap::new(cap).map_err(invalid)?;
    update_sub_account(conn, &job.cx, job.parent, account.id, &Changes { cap: Some(cap), ..Changes::default() })?;
    let was = match account.monthly_credit {
        0 => "it had none".to_owned(),
        was => format!("it was {}", job.numbers.whole(was)),
    };
    Ok(match cap.limit() {
        Some(limit) => format!("Cap set to {}; {was}.", job.numbers.whole(limit)),
        None => format!("Cap removed; {was}."),
    })
}

fn import(
    conn: &mut AnyConnection,
    cx: &Cx,
    parent: Id,
    row: &JobRow,
    key: Option<SealedKey>,
    outcome: &mut Outcome,
) -> ActionResult<()> {
    let client: Client =
        serde_json::from_str(&row.payload).map_err(|error| ActionError::Internal(error.to_string()))?;
    outcome.name.clone_from(&client.name);
    let client = client.parsed(NumberStyle::Point).map_err(invalid)?;
    let domain = client.domain.clone();
    let name = client.name.as_str().to_lowercase();
    let new = NewSubAccount {
        name: client.name,
        website: client.website,
        cap: client.cap,
        external_id: client.external_id,
        tags: Vec::new(),
    };
    let account = create_sub_account(conn, cx, parent, &new)?;
    refuse_second_name(conn, parent, name)?;
    outcome.account = Some(account.id);
    outcome.said = "Created.".into();
    if let (Some(name), Some(key)) = (domain, key) {
        let shown = name.as_str().to_owned();
        let new = NewDomain { name, selector: None, subdomains: Subdomains::default(), key };
        outcome.said = match part(conn, |conn| create_domain(conn, cx, account.id, new)) {
            Ok(_) => format!("Created with {shown}; its records are to be published."),
            Err(error @ (ActionError::Internal(_) | ActionError::Unavailable(_))) => return Err(error),
            Err(error) => format!("Created without {shown}: {error}"),
        };
    }
    Ok(())
}

/// A list that is sent twice must not make every client twice. Asked after the account was made and audited: of two jobs that
/// make the same client at once, on whichever nodes, the later one sees the earlier.
fn refuse_second_name(conn: &mut AnyConnection, parent: Id, name_lower: String) -> ActionResult<()> {
    if summaries::names_taken(conn, parent, &[name_lower])?.len() > 1 {
        return Err(ActionError::Conflict("Another sub account has this name.".into()));
    }
    Ok(())
}

fn invalid(refusal: Refusal) -> ActionError {
    ActionError::invalid("row", refusal.message())
}
