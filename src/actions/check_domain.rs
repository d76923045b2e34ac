//! What a look at DNS means for a domain: verified when every required record is in place and nobody else holds the
//! name; lost only after several looks in a row, over an hour, found a required record wrong. No answer changes nothing.

use chrono::{NaiveDateTime, TimeDelta};
use serde_json::json;

use super::domain_records::{self, States};
use super::services::Services;
use super::{
    ActionError, ActionResult, Cx, copy_suppressions, domain_change, domain_holder, take_over_name, tell_domain_lost,
};
use crate::dns::{CheckResult, DomainSetup};
use crate::domain::ids::Id;
use crate::models::domains::{self, Domain};
use crate::models::{AnyConnection, accounts};

/// A domain is lost after this many looks in a row that found it wrong ...
const FAILURES: i32 = 3;
/// ... and not before it was wrong for this long.
const FAILING_FOR: TimeDelta = TimeDelta::hours(1);

/// A look at DNS, made outside the transaction.
pub struct Looked {
    /// What was looked for.
    pub setup: DomainSetup,
    pub result: CheckResult,
    /// 0 to 1: where in the 15 to 30 minutes the next look falls, so that not all come at once.
    pub jitter: f64,
}

/// Takes over what a look found. One that began before the domain's settings changed says nothing, and is dropped.
///
/// # Errors
/// `NotFound` when the domain is gone.
pub fn check_domain(
    conn: &mut AnyConnection,
    cx: &Cx,
    services: &Services,
    id: Id,
    looked: &Looked,
) -> ActionResult<Domain> {
    let named = live(conn, id)?;
    domains::lock_name(conn, &named.name, named.account_id)?;
    let before = live(conn, id)?;
    if domain_records::setup(&before, &looked.setup.platform) != looked.setup {
        return Ok(before);
    }
    let mut after = before.clone();
    let mut states = States::of(&before);
    states.learn(&looked.result, cx.at());
    if !looked.result.unreachable {
        judge(conn, cx, &mut after, &mut states, looked.result.all_required_ok)?;
    }
    after.record_states = states.stored();
    after.last_check_at = Some(cx.at());
    after.next_check_at = next_look(cx.at(), looked.jitter);
    let changed = before.verified_at.is_some() != after.verified_at.is_some();
    if changed {
        after.updated_at = cx.at();
    }
    domains::save(conn, &after)?;
    if changed {
        note(conn, cx, services, &after)?;
    }
    Ok(after)
}

fn live(conn: &mut AnyConnection, id: Id) -> ActionResult<Domain> {
    let domain = domains::find_by_id(conn, id)?.filter(|domain| domain.deleted_at.is_none());
    domain.ok_or(ActionError::NotFound("domain"))
}

fn judge(
    conn: &mut AnyConnection,
    cx: &Cx,
    domain: &mut Domain,
    states: &mut States,
    in_place: bool,
) -> ActionResult<()> {
    states.blocked = None;
    if in_place {
        domain.failed_checks = 0;
        if domain.verified_at.is_none() {
            states.blocked = match copy_suppressions::obstacle(conn, domain.id)? {
                Some(why) => Some(why),
                None => domain_holder::obstacle(conn, cx, domain.account_id, &domain.name)?,
            };
            domain.verified_at = states.blocked.is_none().then(|| cx.at());
        }
        return Ok(());
    }
    domain.failed_checks = domain.failed_checks.saturating_add(1);
    if is_lost(domain.failed_checks, states.failing_since(), cx.at()) {
        domain.verified_at = None;
    }
    Ok(())
}

fn is_lost(failures: i32, since: Option<NaiveDateTime>, now: NaiveDateTime) -> bool {
    failures >= FAILURES && since.is_some_and(|since| now - since >= FAILING_FOR)
}

/// 15 to 30 minutes from now.
fn next_look(now: NaiveDateTime, jitter: f64) -> NaiveDateTime {
    #[expect(clippy::cast_possible_truncation, reason = "a number of seconds from 0 to 900")]
    let seconds = (jitter.clamp(0.0, 1.0) * 900.0) as i64;
    now + TimeDelta::minutes(15) + TimeDelta::seconds(seconds)
}

/// Writes a change of state down. A loss is told to whoever may mend it, and looks at others who wait for the name come
/// at once.
fn note(conn: &mut AnyConnection, cx: &Cx, services: &Services, domain: &Domain) -> ActionResult<()> {
    let Some(account) = accounts::find_any(conn, domain.account_id)? else { return Ok(()) };
    let verified = domain.verified_at.is_some();
    if verified {
        take_over_name::take_over_name(conn, domain)?;
    } else {
        domains::hasten(conn, &domain.name, cx.at(), domain.account_id)?;
        tell_domain_lost::tell(conn, cx, services, &account, domain)?;
    }
    let action = if verified { "domain.verify" } else { "domain.lose" };
    let state = |verified: bool| Some(json!({ "verified": verified }));
    domain_change::note(conn, cx, &account, domain, action, state(!verified), state(verified))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    fn at(minutes: i64) -> NaiveDateTime {
        (DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)).naive_utc()
    }

    #[test]
    fn a_domain_is_lost_after_three_failures_over_an_hour_and_not_before() {
        assert!(!is_lost(2, Some(at(0)), at(600)));
        assert!(!is_lost(3, Some(at(0)), at(59)));
        assert!(!is_lost(9, None, at(600)));
        assert!(is_lost(3, Some(at(0)), at(60)));
    }

    proptest! {
        #[test]
        fn the_next_look_comes_in_15_to_30_minutes(jitter in any::<f64>()) {
            let wait = next_look(at(0), jitter) - at(0);
            prop_assert!(wait >= TimeDelta::minutes(15) && wait <= TimeDelta::minutes(30));
        }
    }
}
