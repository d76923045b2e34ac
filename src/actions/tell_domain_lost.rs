//! Telling people that a domain stopped sending: the client's own members and the agency's, whoever may mend it.

use super::domain_records::States;
use super::services::Services;
use super::{ActionResult, Cx, notify};
use crate::dns::RecordKind;
use crate::domain::role::Permission;
use crate::emails::{Action, Notice};
use crate::models::AnyConnection;
use crate::models::accounts::{self, Account};
use crate::models::domains::Domain;

/// Writes one mail for each member, of the account and of its parent, who may manage its domains.
///
/// # Errors
/// Only the database's.
pub(super) fn tell(
    conn: &mut AnyConnection,
    cx: &Cx,
    services: &Services,
    account: &Account,
    domain: &Domain,
) -> ActionResult<()> {
    let agency = match account.parent_id {
        Some(parent) => accounts::find_any(conn, parent)?.map(|row| row.brand_name.unwrap_or(row.name)),
        None => None,
    };
    let own = notice(services, agency, domain, format!("/account/domains/{}", domain.name), "this account");
    let mut told = Vec::new();
    for reader in notify::members_who_may(conn, account.id, Permission::ManageDomains)? {
        notify::send(conn, cx.now, services, Some(account.id), "domain_lost", &reader, &own)?;
        told.push(reader);
    }
    let Some(parent) = account.parent_id else { return Ok(()) };
    let path = format!("/sub-accounts/{}/domains/{}", account.id, domain.name);
    let ours = notice(services, None, domain, path, &account.name);
    for reader in notify::members_who_may(conn, parent, Permission::ManageDomains)? {
        if !told.contains(&reader) {
            notify::send(conn, cx.now, services, Some(account.id), "domain_lost", &reader, &ours)?;
        }
    }
    Ok(())
}

fn notice(services: &Services, brand: Option<String>, domain: &Domain, path: String, whose: &str) -> Notice {
    let subject = format!("{} has stopped sending: its DNS records are missing", domain.name);
    let mut paragraphs = vec![
        format!(
            "Records that {} needs to send for {whose} were wrong or missing for more than an hour, so new messages \
             from it are refused.",
            domain.name
        ),
        "Publish them again: the domain sends on with the next look, within half an hour, or at once when you check \
         it yourself."
            .to_owned(),
    ];
    paragraphs.extend(problems(domain));
    Notice {
        brand: brand.unwrap_or_else(|| "Canopy".into()),
        heading: subject.clone(),
        subject,
        paragraphs,
        action: Some(Action { label: "Open the domain".into(), url: format!("{}{path}", services.public_url) }),
        footer: format!("You get this because you may change the domains of {whose}."),
    }
}

/// What is wrong with each record that is needed.
fn problems(domain: &Domain) -> Vec<String> {
    let states = States::of(domain);
    let required = RecordKind::ALL.into_iter().filter(|kind| kind.is_required());
    required.filter_map(|kind| states.get(kind)?.problem.clone()).collect()
}
