//! Which of the agency's transports an account's mail leaves by: a client's choice, or the agency's own default.

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::activity::title;
use super::frame::{self, Frame};
use crate::actions::ActionError;
use crate::actions::choose_transport::choose_transport;
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::domain::standing::Standing;
use crate::models::transports::{self, Transport};
use crate::web::acting;
use crate::web::error::{PageError, PageResult};
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html_with, see_other};
use crate::web::scope::AccountScope;
use crate::web::settings::transports::{installations, where_to};

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct ChoiceForm {
    /// Empty goes back to what it uses without a choice.
    transport: String,
}

#[derive(Template)]
#[template(path = "account/transport.html")]
struct TransportPage {
    shell: Shell,
    frame: Frame,
    path: String,
    /// What it uses without a choice: label and explanation.
    without: (&'static str, String),
    /// Id, name, and where it leads to.
    options: Vec<(String, String, String)>,
    chosen: String,
    errors: Errors,
    test: Option<String>,
}

/// Only an agency, for itself or for its client.
fn require(scope: &AccountScope) -> Result<(), PageError> {
    scope.require(Permission::ManageSettings)?;
    if matches!(scope.standing, Standing::Parent | Standing::Member) {
        return Ok(());
    }
    Err(acting::refused(scope.acting.grant.as_ref()).saying("Your agency sets how your mail leaves. Ask them."))
}

/// `GET .../transport`
pub async fn show(scope: AccountScope) -> PageResult {
    require(&scope)?;
    page(&scope, None, Errors::none()).await
}

async fn page(scope: &AccountScope, form: Option<ChoiceForm>, errors: Errors) -> PageResult {
    let (facts, (all, chosen, default)) = frame::load(scope, |conn, account, facts| {
        let all = transports::all(conn, facts.root.id)?;
        Ok((all, transports::chosen(conn, account.id)?, transports::chosen(conn, facts.root.id)?))
    })
    .await?;
    let default = all.iter().find(|row| Some(row.id) == default).filter(|_| scope.is_from_outside());
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = TransportPage {
        frame: Frame::new(scope, &facts, "Transport"),
        shell: scope.shell(&title(scope, "Transport")),
        path: scope.path("/transport"),
        without: without(scope, default),
        options: all.iter().map(|row| (row.id.to_string(), row.name.clone(), where_to(row))).collect(),
        chosen: form.map_or_else(|| chosen.map(|id| id.to_string()).unwrap_or_default(), |form| form.transport),
        errors,
        test: scope.may(Permission::SendTest).then(|| "/account/test".to_owned()),
    };
    html_with(status, &page)
}

fn without(scope: &AccountScope, default: Option<&Transport>) -> (&'static str, String) {
    let installations = || format!("Through {}.", installations(&scope.acting.app.config));
    match default {
        _ if !scope.is_from_outside() => ("This installation's", installations()),
        Some(row) => ("Your default", format!("{}: {}", row.name, where_to(row))),
        None => ("Your default", format!("None is set. {}", installations())),
    }
}

/// `POST .../transport`
pub async fn choose(scope: AccountScope, form: Posted<ChoiceForm>) -> PageResult {
    require(&scope)?;
    let form = form.into_inner();
    let transport: Option<Id> = match form.transport.trim() {
        "" => None,
        text => match text.parse() {
            Ok(id) => Some(id),
            Err(_) => return unknown(&scope, form).await,
        },
    };
    let (cx, parent, account) = (scope.acting.cx(), scope.account.root_id(), scope.account.id);
    match scope.acting.app.write(move |conn| choose_transport(conn, &cx, parent, account, transport)).await {
        Ok(row) => {
            let by = row.map_or_else(|| "what it uses without a choice".to_owned(), |row| row.name);
            let text = format!("Mail of {} leaves by {by} from now on.", scope.account.name);
            scope.acting.flash(&Flash::new(Tone::Good, text));
            Ok(see_other(&scope.path("/transport")))
        }
        Err(ActionError::NotFound("transport")) => unknown(&scope, form).await,
        Err(error) => Err(error.into()),
    }
}

async fn unknown(scope: &AccountScope, form: ChoiceForm) -> PageResult {
    page(scope, Some(form), Errors::one("transport", "Choose one of the transports listed here.")).await
}
