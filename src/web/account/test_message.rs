//! A test message to oneself, from a verified domain: accepted, counted, signed and delivered like any other.

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::activity::title;
use super::frame::{self, Frame};
use crate::actions::accept_message::Outcome;
use crate::actions::{ActionError, ActionResult};
use crate::domain::message::draft::Draft;
use crate::domain::message::input::{AddressInput, CommonInput, MessageInput, RecipientInput};
use crate::domain::role::Permission;
use crate::models::domains;
use crate::web::error::{PageError, PageResult};
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html_with, see_other};
use crate::web::scope::AccountScope;

#[derive(Template)]
#[template(path = "account/test_message.html")]
struct TestPage {
    shell: Shell,
    frame: Frame,
    path: String,
    base: String,
    to: String,
    domains: Vec<(String, String)>,
    domain: String,
    errors: Errors,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct TestForm {
    domain: String,
}

/// `GET .../test`
pub async fn show(scope: AccountScope) -> PageResult {
    scope.require(Permission::SendTest)?;
    page(&scope, String::new(), Errors::none()).await
}

async fn page(scope: &AccountScope, domain: String, errors: Errors) -> PageResult {
    let (facts, all) = frame::load(scope, |conn, account, _| Ok(domains::all(conn, account.id)?)).await?;
    let verified = all.into_iter().filter(|row| row.verified_at.is_some());
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = TestPage {
        frame: Frame::new(scope, &facts, "Send a test").below("Messages", scope.path("/messages")),
        shell: scope.shell(&title(scope, "Send a test")),
        path: scope.path("/test"),
        base: scope.base.clone(),
        to: scope.acting.user.email.clone(),
        domains: verified.map(|row| (row.name.clone(), format!("test@{}", row.name))).collect(),
        domain,
        errors,
    };
    html_with(status, &page)
}

/// `POST .../test`
pub async fn send(scope: AccountScope, form: Posted<TestForm>) -> PageResult {
    scope.require(Permission::SendTest)?;
    let domain = form.domain.trim().to_owned();
    let (account, name) = (scope.account.id, domain.clone());
    let verified = scope
        .acting
        .app
        .read(move |conn| Ok(domains::find(conn, account, &name)?.is_some_and(|row| row.verified_at.is_some())));
    if !verified.await? {
        let errors = Errors::one("domain", "Choose one of the account's verified domains.");
        return page(&scope, domain, errors).await;
    }
    match accept(&scope, &domain).await {
        Ok(id) => {
            let text = format!("The test message to {} is accepted.", scope.acting.user.email);
            let detail = "This page tells what becomes of it: reload it in a moment.".into();
            scope.acting.flash(&Flash { detail, ..Flash::new(Tone::Good, text) });
            Ok(see_other(&scope.path(&format!("/messages/{id}"))))
        }
        Err(error @ (ActionError::Internal(_) | ActionError::Unavailable(_))) => Err(error.into()),
        Err(error) => {
            let why = PageError::from(error).what.unwrap_or_else(|| "It was refused.".into());
            page(&scope, domain, Errors::one("domain", why)).await
        }
    }
}

async fn accept(scope: &AccountScope, domain: &str) -> ActionResult<crate::domain::ids::Id> {
    let draft = Draft::from_message(input(scope, domain), scope.acting.now())
        .map_err(|refusal| ActionError::invalid("domain", refusal.message()))?;
    let account = scope.account.id;
    let prepared = scope.acting.app.renderers.prepare(account, draft).await?;
    let accepted = scope.acting.app.committer.accept(prepared).await?;
    match accepted.entries.into_iter().next().map(|entry| entry.outcome) {
        Some(Outcome::Queued { id } | Outcome::Scheduled { id }) => Ok(id),
        Some(Outcome::Refused { reason }) => Err(ActionError::invalid("domain", reason)),
        None => Err(ActionError::Internal("nothing was accepted".into())),
    }
}

fn input(scope: &AccountScope, domain: &str) -> MessageInput {
    let text = |text: &str| Some(text.to_owned());
    // Templates are rendered: names that hold braces would be taken for them, so they stay out of the text.
    let body =
        format!("This is a test message from {domain}.\n\nIf you read it, its transport and its signature work.\n");
    MessageInput {
        from: Some(AddressInput { email: Some(format!("test@{domain}")), name: None }),
        recipients: Some(vec![RecipientInput { email: text(&scope.acting.user.email), ..RecipientInput::default() }]),
        substitutions: None,
        common: CommonInput {
            subject: Some(format!("Test message from {domain}")),
            text_content: Some(body),
            tags: Some(vec!["test".into()]),
            ..CommonInput::default()
        },
    }
}
