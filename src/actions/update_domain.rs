//! Another selector or other subdomains, as long as the domain is not verified: then its records are published and
//! must stay what they are.

use super::create_domain::refuse_shared_labels;
use super::domain_records::States;
use super::{ActionError, ActionResult, Cx, FieldError, domain_change};
use crate::dns::RecordKind;
use crate::domain::dkim_selector::{DEFAULT_SELECTOR, DkimSelector};
use crate::domain::domain_name::SubdomainLabel;
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::domains::{self, Domain};

/// What to change: `None` keeps, `Some(None)` goes back to the default.
#[derive(Clone, Debug, Default)]
pub struct DomainChanges {
    pub selector: Option<Option<DkimSelector>>,
    pub tracking: Option<Option<SubdomainLabel>>,
    pub return_path: Option<Option<SubdomainLabel>>,
    pub subscription: Option<Option<SubdomainLabel>>,
    pub media: Option<Option<SubdomainLabel>>,
}

/// Applies `changes` to a domain of `account`. What is the same already is no change.
///
/// # Errors
/// `NotFound`, `Suspended`; `Invalid` for what is locked, and for two subdomains of one name.
pub fn update_domain(
    conn: &mut AnyConnection,
    cx: &Cx,
    account: Id,
    name: &str,
    changes: &DomainChanges,
) -> ActionResult<Domain> {
    let (account, before) = domain_change::domain(conn, cx, account, name)?;
    let mut after = apply(&before, changes);
    let changed = changed(&before, &after);
    if changed.is_empty() {
        return Ok(before);
    }
    if before.verified_at.is_some() {
        return Err(ActionError::Invalid(changed.iter().map(|(field, _)| locked(&before, field)).collect()));
    }
    refuse_shared_labels(&after)?;
    let mut states = States::of(&before);
    states.blocked = None;
    changed.iter().for_each(|(_, kind)| states.forget(*kind));
    after.record_states = states.stored();
    after.failed_checks = 0;
    after.updated_at = cx.at();
    domains::save(conn, &after)?;
    let (old, new) = (domain_change::shown(&before), domain_change::shown(&after));
    domain_change::note(conn, cx, &account, &after, "domain.update", Some(old), Some(new))?;
    Ok(after)
}

fn apply(before: &Domain, changes: &DomainChanges) -> Domain {
    let mut after = before.clone();
    if let Some(selector) = &changes.selector {
        after.dkim_selector = selector.as_ref().map(|selector| selector.as_str().to_owned());
        after.active_selector = after.dkim_selector.clone().unwrap_or_else(|| DEFAULT_SELECTOR.to_owned());
    }
    let set = |label: &Option<Option<SubdomainLabel>>, column: &mut Option<String>| {
        if let Some(label) = label {
            *column = label.as_ref().map(|label| label.as_str().to_owned());
        }
    };
    set(&changes.tracking, &mut after.tracking_subdomain);
    set(&changes.return_path, &mut after.return_path_subdomain);
    set(&changes.subscription, &mut after.subscription_subdomain);
    set(&changes.media, &mut after.media_subdomain);
    after
}

/// The fields that differ, and the record that each decides.
fn changed(before: &Domain, after: &Domain) -> Vec<(&'static str, RecordKind)> {
    let fields = [
        ("dkim_selector", RecordKind::Dkim, before.dkim_selector != after.dkim_selector),
        ("tracking_subdomain", RecordKind::Tracking, before.tracking_subdomain != after.tracking_subdomain),
        ("return_path_subdomain", RecordKind::ReturnPath, before.return_path_subdomain != after.return_path_subdomain),
        (
            "subscription_subdomain",
            RecordKind::Subscription,
            before.subscription_subdomain != after.subscription_subdomain,
        ),
        ("media_subdomain", RecordKind::Media, before.media_subdomain != after.media_subdomain),
    ];
    fields.into_iter().filter(|(_, _, differs)| *differs).map(|(field, kind, _)| (field, kind)).collect()
}

fn locked(domain: &Domain, field: &str) -> FieldError {
    let message = format!("This is locked since {} was verified: its records are published.", domain.name);
    FieldError { field: field.to_owned(), message }
}
