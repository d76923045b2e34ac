//! What can be done with a domain: look at its DNS now, change its settings, share its records, remove it.

use actix_web::web::Path;
use serde::Deserialize;

use super::list::label;
use super::show::{self, OfDomain, SettingsForm};
use crate::actions::ActionError;
use crate::actions::delete_domain::delete_domain;
use crate::actions::share_domain::share_domain;
use crate::actions::unshare_domain::unshare_domain;
use crate::actions::update_domain::{DomainChanges, update_domain};
use crate::dns_check;
use crate::domain::dkim_selector::DkimSelector;
use crate::domain::role::Permission;
use crate::models::domains::{self, Domain};
use crate::web::error::{PageError, PageResult};
use crate::web::forms::{Errors, Nothing, Posted};
use crate::web::layout::{Flash, Tone};
use crate::web::page::see_other;
use crate::web::scope::AccountScope;

fn address(scope: &AccountScope, name: &str) -> String {
    scope.path(&format!("/domains/{name}"))
}

/// `POST .../domains/{domain}/check`
pub async fn check(scope: AccountScope, path: Path<OfDomain>, _: Posted<Nothing>) -> PageResult {
    scope.require(Permission::ManageDomains)?;
    let (name, account) = (show::name(&path)?, scope.account.id);
    let wanted = name.clone();
    let find = move |conn: &mut _| domains::find(conn, account, &wanted)?.ok_or(ActionError::NotFound("domain"));
    let before = scope.acting.app.read(find).await?;
    let after = dns_check::run_in_turn(&scope.acting.app, before.account_id, before.id).await?;
    scope.acting.flash(&told(&before, &after));
    Ok(see_other(&address(&scope, &name)))
}

/// What a look found, in one sentence and what comes next.
pub(super) fn told(before: &Domain, after: &Domain) -> Flash {
    let fresh = before.last_check_at != after.last_check_at;
    let (tone, text) = match (before.verified_at.is_some(), after.verified_at.is_some()) {
        (false, true) => (Tone::Good, format!("{} is verified. Mail can be sent from it now.", after.name)),
        _ if !fresh => (
            Tone::Info,
            "We looked less than a minute ago; this is what we found then. Try again in a minute.".to_owned(),
        ),
        (_, true) if after.failed_checks == 0 => {
            (Tone::Good, "We looked just now: every needed record is in place.".to_owned())
        }
        _ => (Tone::Warn, "We looked just now. What is still to be done is said at each record.".to_owned()),
    };
    Flash::new(tone, text)
}

/// `POST .../domains/{domain}/settings`
pub async fn settings(scope: AccountScope, path: Path<OfDomain>, form: Posted<SettingsForm>) -> PageResult {
    scope.require(Permission::ManageDomains)?;
    let (name, form) = (show::name(&path)?, form.into_inner());
    let mut errors = Errors::none();
    let changes = DomainChanges {
        selector: errors.take("dkim_selector", DkimSelector::parse(&form.dkim_selector)),
        tracking: Some(label(&mut errors, "tracking_subdomain", &form.tracking_subdomain)),
        return_path: Some(label(&mut errors, "return_path_subdomain", &form.return_path_subdomain)),
        subscription: Some(label(&mut errors, "subscription_subdomain", &form.subscription_subdomain)),
        media: Some(label(&mut errors, "media_subdomain", &form.media_subdomain)),
    };
    if !errors.is_empty() {
        return show::page(&scope, &name, Some(form), errors).await;
    }
    let (cx, account, wanted) = (scope.acting.cx(), scope.account.id, name.clone());
    match scope.acting.app.write(move |conn| update_domain(conn, &cx, account, &wanted, &changes)).await {
        Ok(_) => {
            scope.acting.flash(&Flash::new(Tone::Good, "Saved. The records below are the ones to publish now."));
            Ok(see_other(&address(&scope, &name)))
        }
        Err(error) => {
            let errors = Errors::from_action(error, "dkim_selector")?;
            show::page(&scope, &name, Some(form), errors).await
        }
    }
}

/// `POST .../domains/{domain}/share`
pub async fn share(scope: AccountScope, path: Path<OfDomain>, _: Posted<Nothing>) -> PageResult {
    scope.require(Permission::ManageDomains)?;
    let (name, app) = (show::name(&path)?, &scope.acting.app);
    let (cx, account, wanted) = (scope.acting.cx(), scope.account.id, name.clone());
    let services = std::sync::Arc::clone(&app.services);
    app.write(move |conn| share_domain(conn, &cx, &services, account, &wanted)).await?;
    scope.acting.flash(&Flash::new(Tone::Good, "The link is made. Whoever has it sees the records, and nothing else."));
    Ok(see_other(&address(&scope, &name)))
}

/// `POST .../domains/{domain}/unshare`
pub async fn unshare(scope: AccountScope, path: Path<OfDomain>, _: Posted<Nothing>) -> PageResult {
    scope.require(Permission::ManageDomains)?;
    let name = show::name(&path)?;
    let (cx, account, wanted) = (scope.acting.cx(), scope.account.id, name.clone());
    scope.acting.app.write(move |conn| unshare_domain(conn, &cx, account, &wanted)).await?;
    scope.acting.flash(&Flash::new(Tone::Good, "The link is ended: it leads nowhere now."));
    Ok(see_other(&address(&scope, &name)))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct DeleteForm {
    confirm: String,
}

/// `POST .../domains/{domain}/delete`
pub async fn delete(scope: AccountScope, path: Path<OfDomain>, form: Posted<DeleteForm>) -> PageResult {
    scope.require(Permission::ManageDomains)?;
    let name = show::name(&path)?;
    if !form.confirm.trim().eq_ignore_ascii_case(&name) {
        let errors = Errors::one("confirm", format!("Type {name} to remove it. Nothing was removed."));
        return show::page(&scope, &name, None, errors).await;
    }
    let (cx, account) = (scope.acting.cx(), scope.account.id);
    let removed = scope.acting.app.write(move |conn| delete_domain(conn, &cx, account, &name)).await;
    let removed = removed.map_err(PageError::from)?;
    let text = format!("{} is removed. What still waited from it is cancelled.", removed.name);
    scope.acting.flash(&Flash::new(Tone::Good, text));
    Ok(see_other(&scope.path("/domains")))
}
