//! Adding an address that must not be mailed, and letting one or all of them go.

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::activity::title;
use super::frame::{self, Facts, Frame};
use super::suppressions::{self, AddForm, SuppressionsQuery};
use crate::actions::ActionError;
use crate::actions::create_suppression::{NewSuppression, create_suppression};
use crate::actions::delete_suppressions::{WIPED, delete_suppressions, wipe_suppressions};
use crate::domain::domain_name::DomainName;
use crate::domain::email_address::EmailAddress;
use crate::domain::instants;
use crate::domain::period::midnight;
use crate::domain::role::Permission;
use crate::domain::text::ShortText;
use crate::models::suppressions::EVERY_DOMAIN;
use crate::web::error::PageResult;
use crate::web::format;
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html_with, see_other};
use crate::web::scope::AccountScope;

/// `POST .../suppressions`
pub async fn add(scope: AccountScope, form: Posted<AddForm>) -> PageResult {
    scope.require(Permission::ManageSuppressions)?;
    let form = form.into_inner();
    let (facts, ()) = frame::load(&scope, |_, _, _| Ok(())).await?;
    let new = match read(&form, &facts) {
        Ok(new) => new,
        Err(errors) => return suppressions::page(&scope, SuppressionsQuery::default(), form, errors).await,
    };
    let (cx, account, email) = (scope.acting.cx(), scope.account.id, new.email.clone());
    if let Err(error) = scope.acting.app.write(move |conn| create_suppression(conn, &cx, account, &new)).await {
        let errors = Errors::from_action(error, "email")?;
        return suppressions::page(&scope, SuppressionsQuery::default(), form, errors).await;
    }
    scope.acting.flash(&Flash::new(Tone::Good, format!("{email} is suppressed: nothing is sent there any more.")));
    Ok(see_other(&scope.path("/suppressions")))
}

fn read(form: &AddForm, facts: &Facts) -> Result<NewSuppression, Errors> {
    let mut errors = Errors::none();
    let email = errors.take("email", EmailAddress::parse(&form.email));
    let domain = match form.domain.trim() {
        "" | EVERY_DOMAIN => Some(None),
        name => errors.take("domain", DomainName::parse(name)).map(Some),
    };
    let reason = match form.reason.trim() {
        "" => Some(None),
        text => errors.take("reason", ShortText::parse(text)).map(Some),
    };
    // Until the end of the day that was chosen.
    let day = errors.take("until", instants::day(&form.until)).and_then(|day| day.succ_opt());
    match (email, domain, reason, day) {
        (Some(email), Some(domain), Some(reason), Some(day)) => {
            let expires_at = midnight(facts.tz(), day);
            if expires_at <= facts.now {
                return Err(Errors::one("until", "The last day must not be in the past."));
            }
            Ok(NewSuppression { email, domain, reason, expires_at })
        }
        _ => Err(errors),
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct One {
    email: String,
    domain: String,
}

/// `POST .../suppressions/remove`
pub async fn remove(scope: AccountScope, form: Posted<One>) -> PageResult {
    scope.require(Permission::ManageSuppressions)?;
    let gone = || Flash::new(Tone::Info, "That address was let go already.");
    let flash = match EmailAddress::parse(&form.email) {
        Err(_) => gone(),
        Ok(email) => {
            let (cx, account, domain, shown) =
                (scope.acting.cx(), scope.account.id, form.domain.clone(), email.clone());
            let done =
                scope.acting.app.write(move |conn| delete_suppressions(conn, &cx, account, &email, Some(&domain)));
            match done.await {
                Ok(_) => Flash {
                    detail: "If it bounces again, it is suppressed again.".into(),
                    ..Flash::new(Tone::Good, format!("{shown} can be mailed again."))
                },
                Err(ActionError::NotFound(_)) => gone(),
                Err(error) => return Err(error.into()),
            }
        }
    };
    scope.acting.flash(&flash);
    Ok(see_other(&scope.path("/suppressions")))
}

#[derive(Template)]
#[template(path = "account/suppressions_wipe.html")]
struct WipePage {
    shell: Shell,
    frame: Frame,
    path: String,
    expected: String,
    errors: Errors,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Typed {
    typed: String,
}

/// `GET .../suppressions/wipe`
pub async fn ask_wipe(scope: AccountScope) -> PageResult {
    scope.require(Permission::ManageSuppressions)?;
    wipe_page(&scope, Errors::none()).await
}

async fn wipe_page(scope: &AccountScope, errors: Errors) -> PageResult {
    let (facts, ()) = frame::load(scope, |_, _, _| Ok(())).await?;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = WipePage {
        frame: Frame::new(scope, &facts, "Let all suppressed addresses go")
            .below("Suppressions", scope.path("/suppressions")),
        shell: scope.shell(&title(scope, "Let all suppressed addresses go")),
        path: scope.path("/suppressions"),
        expected: scope.account.name.clone(),
        errors,
    };
    html_with(status, &page)
}

/// `POST .../suppressions/wipe`
pub async fn wipe(scope: AccountScope, form: Posted<Typed>) -> PageResult {
    scope.require(Permission::ManageSuppressions)?;
    if form.typed.trim() != scope.account.name.trim() {
        let errors = Errors::one("typed", format!("Type the name exactly: {}", scope.account.name));
        return wipe_page(&scope, errors).await;
    }
    let (cx, account) = (scope.acting.cx(), scope.account.id);
    let mut removed = 0;
    loop {
        let cx = cx.clone();
        let some = scope.acting.app.write(move |conn| wipe_suppressions(conn, &cx, account, None)).await?;
        removed += some;
        if some < WIPED {
            break;
        }
    }
    let text = format!("{} let go.", format::count(removed as u64, "suppression was", "suppressions were"));
    scope.acting.flash(&Flash::new(Tone::Good, text));
    Ok(see_other(&scope.path("/suppressions")))
}
