//! Looking at a domain's DNS: asked outside any transaction, then taken over by an action. One way for the API, the
//! dashboard, the page without sign-in and the recheck in the background.

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use futures_util::{StreamExt as _, stream};

use crate::actions::check_domain::{Looked, check_domain};
use crate::actions::{ActionError, ActionResult, domain_records};
use crate::app::App;
use crate::dns;
use crate::domain::clocks::farthest;
use crate::domain::ids::Id;
use crate::load::Owner;
use crate::models::domains::{self, Domain};

/// A look is not repeated within this time: the last one answers.
pub const FRESH_FOR: TimeDelta = TimeDelta::seconds(60);

/// How long a due look belongs to the node that took it.
const LEASE: TimeDelta = TimeDelta::minutes(5);

/// No look is put off for longer than this.
const LONGEST: TimeDelta = TimeDelta::days(1);

/// Domains of the background looked at side by side.
const AT_ONCE: usize = 8;

/// As [`run`], once there is a place for the account whose domain it is: one that asks about hundreds at once keeps
/// nobody else waiting.
///
/// # Errors
/// As [`run`], and `Unavailable` where too many wait.
pub async fn run_in_turn(app: &Arc<App>, account: Id, id: Id) -> ActionResult<Domain> {
    let _place = app.load.looks.enter(Owner::Account(account)).await?;
    run(app, id).await
}

/// Looks at a domain's DNS and answers the domain as it is then; as it is already within a minute of the last look.
///
/// # Errors
/// `NotFound` when the domain is gone.
async fn run(app: &Arc<App>, id: Id) -> ActionResult<Domain> {
    let now = app.clock.now();
    let (at, fresh_since) = (now.naive_utc(), (now - FRESH_FOR).naive_utc());
    let claimed = app.write(move |conn| Ok(domains::claim_look(conn, id, at, fresh_since)?)).await?;
    let found = app.read(move |conn| Ok(domains::find_by_id(conn, id)?)).await?;
    let domain = found.filter(|domain| domain.deleted_at.is_none()).ok_or(ActionError::NotFound("domain"))?;
    if !claimed {
        return Ok(domain);
    }
    let setup = domain_records::setup(&domain, &app.config.platform);
    let result = dns::check(&app.dns, &setup).await;
    let looked = Looked { setup, result, jitter: rand::random() };
    let cx = app.cx("DNS check");
    let services = Arc::clone(&app.services);
    app.write(move |conn| check_domain(conn, &cx, &services, id, &looked)).await
}

/// Looks at up to `limit` domains whose time has come; answers how many this node took.
///
/// # Errors
/// Only the database's, before the first look. What fails for one domain is logged.
pub async fn recheck_due(app: &Arc<App>, limit: i64) -> ActionResult<usize> {
    let now = app.clock.now();
    let due = app.read(move |conn| Ok(domains::due(conn, due_at(now), limit)?)).await?;
    let looks = stream::iter(due).map(|domain| async move {
        let taken = recheck(app, domain.id).await;
        taken.unwrap_or_else(|error| {
            log::warn!("the DNS of {} could not be checked: {error:?}", domain.name);
            false
        })
    });
    Ok(looks.buffer_unordered(AT_ONCE).filter(|taken| std::future::ready(*taken)).count().await)
}

async fn recheck(app: &Arc<App>, id: Id) -> ActionResult<bool> {
    let now = app.clock.now();
    let until = (now + LEASE).naive_utc();
    let taken = app.write(move |conn| Ok(domains::lease_due(conn, id, due_at(now), until)?)).await?;
    if taken {
        run(app, id).await?;
    }
    Ok(taken)
}

/// Until when a look is due at `now`, and after when.
fn due_at(now: DateTime<Utc>) -> (NaiveDateTime, NaiveDateTime) {
    (now.naive_utc(), farthest(now.naive_utc(), LONGEST))
}
