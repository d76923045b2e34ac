//! How an account's mail leaves: the smarthost of its agency, or one of its own. Only the agency sets it, because a
//! connection is opened from this machine to wherever it says.

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::activity::title;
use super::frame::{self, Frame};
use crate::actions::set_transport::{NewRelay, RelayHost, TLS_MODES, reset_transport, set_transport};
use crate::config::Transport as Default_;
use crate::domain::role::Permission;
use crate::domain::standing::Standing;
use crate::models::transports::{self, Transport};
use crate::web::acting;
use crate::web::error::{PageError, PageResult};
use crate::web::forms::{Errors, Nothing, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html_with, see_other};
use crate::web::scope::AccountScope;

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct RelayForm {
    host: String,
    port: String,
    tls: String,
    username: String,
    password: String,
}

#[derive(Template)]
#[template(path = "account/transport.html")]
struct TransportPage {
    shell: Shell,
    frame: Frame,
    path: String,
    /// What it uses without one of its own, in words.
    otherwise: String,
    has_own: bool,
    has_password: bool,
    form: RelayForm,
    modes: Vec<(&'static str, &'static str, &'static str)>,
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

async fn page(scope: &AccountScope, form: Option<RelayForm>, errors: Errors) -> PageResult {
    let (facts, (own, parents)) = frame::load(scope, |conn, account, _| {
        let parents = match account.parent_id {
            Some(parent) => transports::find(conn, parent)?,
            None => None,
        };
        Ok((transports::find(conn, account.id)?, parents))
    })
    .await?;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = TransportPage {
        frame: Frame::new(scope, &facts, "Transport"),
        shell: scope.shell(&title(scope, "Transport")),
        path: scope.path("/transport"),
        otherwise: otherwise(scope, parents.as_ref()),
        has_own: own.is_some(),
        has_password: own.as_ref().is_some_and(|row| row.password_sealed.is_some()),
        form: form.unwrap_or_else(|| own.as_ref().map_or_else(fresh, filled)),
        modes: TLS_MODES.to_vec(),
        errors,
        test: scope.may(Permission::SendTest).then(|| "/account/test".to_owned()),
    };
    html_with(status, &page)
}

fn fresh() -> RelayForm {
    RelayForm { port: "587".into(), tls: "starttls".into(), ..RelayForm::default() }
}

fn filled(row: &Transport) -> RelayForm {
    RelayForm {
        host: row.host.clone(),
        port: row.port.to_string(),
        tls: row.tls.clone(),
        username: row.username.clone(),
        password: String::new(),
    }
}

fn otherwise(scope: &AccountScope, parents: Option<&Transport>) -> String {
    match (parents, &scope.acting.app.config.default_transport) {
        (Some(row), _) => format!("your own transport, {}:{}", row.host, row.port),
        (None, Default_::Smtp(relay)) => format!("this installation's, {}:{}", relay.host, relay.port),
        (None, Default_::Mailbox) => "the mailbox on this machine: nothing leaves it".to_owned(),
    }
}

/// `POST .../transport`
pub async fn save(scope: AccountScope, form: Posted<RelayForm>) -> PageResult {
    require(&scope)?;
    let form = form.into_inner();
    let new = match read(&form) {
        Ok(new) => new,
        Err(errors) => return page(&scope, Some(form), errors).await,
    };
    let (cx, account, services) = (scope.acting.cx(), scope.account.id, scope.acting.app.services.clone());
    match scope.acting.app.write(move |conn| set_transport(conn, &cx, &services, account, &new)).await {
        Ok(row) => {
            let text = format!("Mail of {} leaves through {}:{} from now on.", scope.account.name, row.host, row.port);
            scope.acting.flash(&Flash::new(Tone::Good, text));
            Ok(see_other(&scope.path("/transport")))
        }
        Err(error) => page(&scope, Some(form), Errors::from_action(error, "host")?).await,
    }
}

fn read(form: &RelayForm) -> Result<NewRelay, Errors> {
    let mut errors = Errors::none();
    let host = errors.take("host", RelayHost::parse(&form.host));
    let port = form.port.trim().parse::<u16>().ok().filter(|port| *port > 0);
    if port.is_none() {
        errors.add("port", "Enter a port from 1 to 65535, most often 587.");
    }
    let username = form.username.trim();
    if username.len() > 255 || username.contains(char::is_control) || form.password.len() > 1024 {
        errors.add("username", "The user name or password is too long, or holds a control character.");
    }
    match (host, port) {
        (Some(host), Some(port)) if errors.is_empty() => Ok(NewRelay {
            host,
            port,
            tls: form.tls.clone(),
            username: username.to_owned(),
            password: Some(form.password.clone()).filter(|password| !password.is_empty()),
        }),
        _ => Err(errors),
    }
}

/// `POST .../transport/reset`
pub async fn reset(scope: AccountScope, _: Posted<Nothing>) -> PageResult {
    require(&scope)?;
    let (cx, account) = (scope.acting.cx(), scope.account.id);
    scope.acting.app.write(move |conn| reset_transport(conn, &cx, account)).await?;
    scope.acting.flash(&Flash::new(Tone::Good, "The own transport is removed. Mail leaves the usual way again."));
    Ok(see_other(&scope.path("/transport")))
}
