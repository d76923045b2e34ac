//! What stands above every page of an account: whose it is, how it stands and why, what can be done, the tabs.

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;

use super::span::Span;
use crate::actions::accept_message::limits_of;
use crate::actions::ensure_period::{expected, running};
use crate::actions::{ActionError, ActionResult};
use crate::domain::cap::{CapState, MonthlyCap};
use crate::domain::hold::{AccountState, HoldKind};
use crate::domain::ids::Id;
use crate::domain::limits::AtCap;
use crate::domain::role::Permission;
use crate::models::accounts::{self, Account};
use crate::models::suspensions::{self, Suspension};
use crate::models::{AnyConnection, account_tags, counters, domains, limits};
use crate::web::error::PageError;
use crate::web::format::{self, When};
use crate::web::scope::AccountScope;

/// What is known of an account whichever of its pages is open.
pub struct Facts {
    /// The account that is billed: its agency, or itself.
    pub root: Account,
    /// Its own open holds, oldest first.
    pub holds: Vec<Suspension>,
    pub parent_held: bool,
    pub tags: Vec<String>,
    pub period: Span,
    /// Accepted in the period.
    pub used: i64,
    pub at_cap: AtCap,
    pub domains: usize,
    pub unverified: Vec<String>,
    pub now: DateTime<Utc>,
}

impl Facts {
    fn read(conn: &mut AnyConnection, account: &Account, now: DateTime<Utc>) -> ActionResult<Self> {
        let root = accounts::find_any(conn, account.root_id())?.ok_or(ActionError::NotFound("account"))?;
        let at = now.naive_utc();
        let parents: Vec<Id> = account.parent_id.into_iter().collect();
        let period = match running(conn, root.id, now)? {
            Some(row) => Span::of(&row),
            None => Span::expected(&expected(conn, &root, now)?),
        };
        let used = match period.id {
            Some(id) => counters::used(conn, account.id, id)?,
            None => 0,
        };
        let all = domains::all(conn, account.id)?;
        Ok(Self {
            holds: suspensions::open(conn, account.id, at)?,
            parent_held: !suspensions::held(conn, &parents, at)?.is_empty(),
            tags: account_tags::of_many(conn, &[account.id])?.into_iter().map(|(_, tag)| tag).collect(),
            used,
            at_cap: limits_of(limits::find(conn, account.id)?.as_ref())?.at_cap,
            domains: all.len(),
            unverified: all.into_iter().filter(|row| row.verified_at.is_none()).map(|row| row.name).collect(),
            period,
            root,
            now,
        })
    }

    /// The zone in which days and times are told.
    #[must_use]
    pub fn tz(&self) -> Tz {
        self.period.tz
    }

    #[must_use]
    pub fn when(&self, at: NaiveDateTime) -> When {
        When::new(at, self.now.naive_utc(), self.tz())
    }

    #[must_use]
    pub fn state(&self, account: &Account) -> AccountState {
        AccountState::derive(account.deleted_at.is_some(), !self.holds.is_empty(), self.parent_held)
    }

    #[must_use]
    pub fn cap_state(&self, account: &Account) -> CapState {
        CapState::of(self.monthly_cap(account), self.used)
    }

    /// The monthly cap of an account as it is in force in the period: a short one has its part. `None` without a cap.
    #[must_use]
    pub fn cap(&self, account: &Account) -> Option<i64> {
        self.monthly_cap(account).limit()
    }

    fn monthly_cap(&self, account: &Account) -> MonthlyCap {
        MonthlyCap::new(account.monthly_credit).unwrap_or(MonthlyCap::NONE).in_part(self.period.part)
    }

    /// The name the agency goes by.
    #[must_use]
    pub fn agency(&self) -> &str {
        self.root.brand_name.as_deref().unwrap_or(&self.root.name)
    }
}

/// Reads what the frame needs and what the page needs at once.
///
/// # Errors
/// Those of `work`, and the database's.
pub async fn load<T: Send + 'static>(
    scope: &AccountScope,
    work: impl FnOnce(&mut AnyConnection, &Account, &Facts) -> ActionResult<T> + Send + 'static,
) -> Result<(Facts, T), PageError> {
    let (account, now) = (scope.account.clone(), scope.acting.now());
    Ok(scope.acting.app.read(move |conn| both(conn, account, now, work)).await?)
}

/// The same for a file of much, once there is a place for it.
///
/// # Errors
/// As [`load`], and 503 where too many wait.
pub async fn load_much<T: Send + 'static>(
    scope: &AccountScope,
    work: impl FnOnce(&mut AnyConnection, &Account, &Facts) -> ActionResult<T> + Send + 'static,
) -> Result<(Facts, T), PageError> {
    let (account, now, owner) = (scope.account.clone(), scope.acting.now(), scope.acting.owner());
    Ok(scope.acting.app.read_much(owner, move |conn| both(conn, account, now, work)).await?)
}

fn both<T>(
    conn: &mut AnyConnection,
    account: Account,
    now: DateTime<Utc>,
    work: impl FnOnce(&mut AnyConnection, &Account, &Facts) -> ActionResult<T>,
) -> ActionResult<(Facts, T)> {
    let facts = Facts::read(conn, &account, now)?;
    let page = work(conn, &account, &facts)?;
    Ok((facts, page))
}

/// A tab and what waits behind it.
pub struct FrameTab {
    pub label: &'static str,
    pub href: String,
    pub current: bool,
    /// 0 shows none.
    pub waiting: u64,
}

/// A link that looks like a button.
pub struct Action {
    pub label: &'static str,
    pub href: String,
    pub icon: &'static str,
    pub kind: &'static str,
}

/// The frame of a page about an account.
pub struct Frame {
    /// An agency looks at its client: the list is one step up.
    pub outside: bool,
    /// Steps up from here: label and address.
    pub crumbs: Vec<(String, String)>,
    pub heading: String,
    /// Class and word of `ui::state`; `None` where nothing is to be said.
    pub state: Option<(&'static str, &'static str)>,
    /// Why it is so, in a few words.
    pub why: String,
    pub since: Option<When>,
    pub about: Vec<String>,
    pub tags: Vec<String>,
    pub actions: Vec<Action>,
    pub tabs: Vec<FrameTab>,
}

impl Frame {
    /// `title` heads the page where the account's name does not: for its own members.
    #[must_use]
    pub fn new(scope: &AccountScope, facts: &Facts, title: &str) -> Self {
        let (account, outside) = (&scope.account, scope.is_from_outside());
        let hold = facts.holds.first();
        let list = outside.then(|| ("Sub accounts".to_owned(), "/sub-accounts".to_owned()));
        Self {
            outside,
            crumbs: list.into_iter().collect(),
            heading: if outside { account.name.clone() } else { scope.section().unwrap_or(title).to_owned() },
            state: state(account, facts, outside).filter(|_| scope.section().is_none()),
            why: if outside { why(facts) } else { String::new() },
            since: hold.map(|hold| facts.when(hold.created_at)),
            about: if outside { about(account, facts) } else { Vec::new() },
            tags: if outside { facts.tags.clone() } else { Vec::new() },
            actions: if outside { actions(scope, hold.is_some()) } else { Vec::new() },
            tabs: tabs(scope, facts),
        }
    }

    /// A page below a tab: the tab is one step up.
    #[must_use]
    pub fn below(mut self, label: &str, href: String) -> Self {
        if self.outside {
            self.crumbs
                .push((self.heading.clone(), href.rsplit_once('/').map_or_else(String::new, |(base, _)| base.into())));
        }
        self.crumbs.push((label.to_owned(), href));
        self
    }
}

fn state(account: &Account, facts: &Facts, outside: bool) -> Option<(&'static str, &'static str)> {
    let state = facts.state(account);
    let cap = facts.cap_state(account);
    match (state, cap) {
        (AccountState::Deleted, _) => Some(("off", state.label())),
        (AccountState::Suspended, _) => Some(("held", state.label())),
        (AccountState::ParentSuspended, _) => {
            Some(("held", if outside { "Your account is on hold" } else { "On hold" }))
        }
        (AccountState::Active, CapState::At | CapState::Near) => {
            Some((if cap == CapState::At { "full" } else { "near" }, cap.label()))
        }
        (AccountState::Active, _) if facts.domains == facts.unverified.len() => Some(("wait", "No verified domain")),
        (AccountState::Active, _) => outside.then_some(("active", state.label())),
    }
}

fn why(facts: &Facts) -> String {
    let Some(hold) = facts.holds.first() else { return String::new() };
    let kind = HoldKind::parse(&hold.kind).map_or("Manual", HoldKind::label);
    let reason: String = hold.reason.lines().next().unwrap_or_default().chars().take(120).collect();
    format!("{kind}: {reason}")
}

fn about(account: &Account, facts: &Facts) -> Vec<String> {
    let since = format::local_date(account.created_at, facts.tz()).format("since %B %Y").to_string();
    let id = account.external_id.as_ref().map(|id| format!("No. {id}"));
    [Some(account.website.clone()).filter(|website| !website.is_empty()), id, Some(since)]
        .into_iter()
        .flatten()
        .collect()
}

fn actions(scope: &AccountScope, held: bool) -> Vec<Action> {
    let action = |label, rest: &str, icon, kind| Action { label, href: scope.path(rest), icon, kind };
    let hold = if held {
        action("Lift hold…", "/lift", "play", "go")
    } else {
        action("Suspend…", "/suspend", "pause", "stop")
    };
    [
        (Permission::ViewAs, action("View as…", "/view-as", "eye", "")),
        (Permission::SetCap, action("Edit cap", "/cap", "pencil", "")),
        (Permission::Suspend, hold),
    ]
    .into_iter()
    .filter_map(|(permission, action)| scope.may(permission).then_some(action))
    .collect()
}

fn tabs(scope: &AccountScope, facts: &Facts) -> Vec<FrameTab> {
    let waiting = |label: &str| if label == "Domains" { facts.unverified.len() as u64 } else { 0 };
    let tab = |tab: crate::web::scope::Tab| FrameTab {
        waiting: waiting(tab.label),
        label: tab.label,
        href: tab.href,
        current: tab.current,
    };
    scope.tabs().into_iter().map(tab).collect()
}

/// A count of the database as charts and formats take it.
#[must_use]
pub fn whole(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
