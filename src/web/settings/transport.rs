//! Settings, Transport: how an agency's mail leaves, and a message to oneself that shows whether it does.

use actix_web::http::StatusCode;
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use crate::actions::accept_message::Outcome;
use crate::actions::prepare_message::prepare_message;
use crate::actions::set_transport::{NewTransport, set_transport};
use crate::actions::{ActionError, ActionResult};
use crate::config;
use crate::domain::message::draft::Draft;
use crate::domain::role::Permission;
use crate::domain::smarthost::{Smarthost, Tls, parse_host, parse_port, parse_username};
use crate::models::transports::{self, Transport};
use crate::models::{AnyConnection, domains};
use crate::web::acting::Acting;
use crate::web::error::{PageError, PageResult};
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::navigation;
use crate::web::page::{html_with, see_other};
use crate::web::scope::Tab;

const PAGE: &str = "/settings/transport";

#[derive(Template)]
#[template(path = "settings/transport.html")]
struct TransportPage {
    shell: Shell,
    tabs: Vec<Tab>,
    form: TransportForm,
    errors: Errors,
    modes: Vec<(&'static str, &'static str)>,
    /// How mail leaves without a choice of one's own.
    default: String,
    /// A password is stored.
    has_password: bool,
    /// Verified domains that a test can be sent from.
    domains: Vec<(String, String)>,
    to: String,
    may_test: bool,
}

/// The form. The password is never shown again: `Debug` is not derived, and nothing fills it in.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct TransportForm {
    /// `default`, `mailbox` or `smtp`.
    kind: String,
    host: String,
    port: String,
    tls: String,
    username: String,
    password: String,
}

impl TransportForm {
    fn of(row: Option<&Transport>) -> Self {
        let Some(row) = row else {
            let (port, tls) = ("587".to_owned(), Tls::StartTls.as_str().to_owned());
            return Self { kind: "default".into(), port, tls, ..Self::default() };
        };
        Self {
            kind: row.kind.clone(),
            host: row.host.clone(),
            port: if row.port == 0 { "587".to_owned() } else { row.port.to_string() },
            tls: if row.kind == "smtp" { row.tls.clone() } else { Tls::StartTls.as_str().to_owned() },
            username: row.username.clone(),
            password: String::new(),
        }
    }

    fn parsed(&self) -> Result<NewTransport, Errors> {
        match self.kind.as_str() {
            "default" => return Ok(NewTransport::Default),
            "mailbox" => return Ok(NewTransport::Mailbox),
            "smtp" => {}
            _ => return Err(Errors::one("kind", "Choose how mail leaves.")),
        }
        let mut errors = Errors::none();
        let host = errors.take("host", parse_host(&self.host));
        let port = errors.take("port", parse_port(&self.port));
        let tls = errors.take("tls", Tls::parse(&self.tls));
        let username = errors.take("username", parse_username(&self.username));
        let (Some(host), Some(port), Some(tls), Some(username)) = (host, port, tls, username) else {
            return Err(errors);
        };
        let password = Some(self.password.as_str()).filter(|password| !password.is_empty());
        let password = password.map(|password| SecretString::from(password.to_owned()));
        Ok(NewTransport::Smtp { smarthost: Smarthost { host, port, tls, username }, password })
    }
}

fn allowed(acting: &Acting) -> Result<(), PageError> {
    acting.require(Permission::ManageSettings)?;
    // A client's transport is chosen by its agency, on the client's own page.
    if acting.account.parent_id.is_some() { Err(PageError::not_found()) } else { Ok(()) }
}

/// `GET /settings/transport`
pub async fn show(acting: Acting) -> PageResult {
    allowed(&acting)?;
    page(&acting, None, Errors::none()).await
}

/// `POST /settings/transport`
pub async fn submit(acting: Acting, form: Posted<TransportForm>) -> PageResult {
    allowed(&acting)?;
    let form = form.into_inner();
    let new = match form.parsed() {
        Ok(new) => new,
        Err(errors) => return page(&acting, Some(form), errors).await,
    };
    let (cx, services, account) = (acting.cx(), acting.app.services.clone(), acting.account.id);
    if let Err(error) = acting.app.write(move |conn| set_transport(conn, &cx, &services, account, &new)).await {
        let errors = Errors::from_action(error, "kind")?;
        return page(&acting, Some(form), errors).await;
    }
    acting.flash(&Flash {
        detail: "It holds from the next delivery on. Send a test message to see that it works.".into(),
        ..Flash::new(Tone::Good, "The transport is saved.")
    });
    Ok(see_other(PAGE))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct TestForm {
    /// The domain to send from.
    domain: String,
}

/// `POST /settings/transport/test`: one ordinary message, accepted, counted and delivered like any other.
pub async fn test(acting: Acting, form: Posted<TestForm>) -> PageResult {
    allowed(&acting)?;
    acting.require(Permission::SendTest)?;
    let domain = Some(form.domain.trim().to_lowercase());
    let (account, wanted) = (acting.account.id, domain.unwrap_or_default());
    let name = wanted.clone();
    let verified = acting.app.read(move |conn| Ok(domains::find(conn, account, &name)?)).await?;
    if verified.is_none_or(|domain| domain.verified_at.is_none()) {
        let errors = Errors::one("domain", "Choose one of your verified domains.");
        return page(&acting, None, errors).await;
    }
    let draft = draft(&acting, &wanted)?;
    let prepared = tokio::task::spawn_blocking(move || prepare_message(account, draft)).await;
    let prepared = prepared.map_err(|error| ActionError::Internal(error.to_string()))??;
    let accepted = acting.app.committer.accept(prepared).await?;
    match accepted.entries.into_iter().next().map(|entry| entry.outcome) {
        Some(Outcome::Queued { id } | Outcome::Scheduled { id }) => {
            acting.flash(&Flash::new(
                Tone::Good,
                format!(
                    "The test message to {} is accepted. Its story is below; reload in a moment.",
                    acting.user.email
                ),
            ));
            Ok(see_other(&format!("/account/messages/{id}")))
        }
        Some(Outcome::Refused { reason }) => {
            acting.flash(&Flash { detail: reason, ..Flash::new(Tone::Bad, "The test message was refused.") });
            Ok(see_other(PAGE))
        }
        None => Err(PageError::new(500)),
    }
}

fn draft(acting: &Acting, domain: &str) -> Result<Draft, PageError> {
    let name = &acting.account.name;
    let input = json!({
        "from": { "email": format!("test@{domain}"), "name": name },
        "recipients": [{ "email": acting.user.email, "name": acting.user.name }],
        "subject": "Test message",
        "text_content": format!("This message shows that mail of {name} leaves and arrives.\n\nIt was sent from Settings, Transport."),
        "tags": ["test"],
    });
    let input = serde_json::from_value(input).map_err(|error| ActionError::Internal(error.to_string()))?;
    let draft = Draft::from_message(input, acting.now());
    Ok(draft.map_err(|refusal| ActionError::Conflict(refusal.message().to_owned()))?)
}

async fn page(acting: &Acting, form: Option<TransportForm>, errors: Errors) -> PageResult {
    let account = acting.account.id;
    let read = move |conn: &mut AnyConnection| -> ActionResult<_> {
        let domains = domains::all(conn, account)?.into_iter().filter(|domain| domain.verified_at.is_some());
        let domains: Vec<(String, String)> = domains.map(|domain| (domain.name.clone(), domain.name)).collect();
        Ok((transports::find(conn, account)?, domains))
    };
    let (row, domains) = acting.app.read(read).await?;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    html_with(
        status,
        &TransportPage {
            tabs: navigation::settings(acting),
            shell: acting.shell("Transport"),
            form: form.unwrap_or_else(|| TransportForm::of(row.as_ref())),
            errors,
            modes: Tls::all().map(|tls| (tls.as_str(), tls.label())).to_vec(),
            default: default(&acting.app.config.default_transport),
            has_password: row.is_some_and(|row| row.password_sealed.is_some()),
            domains,
            to: acting.user.email.clone(),
            may_test: acting.may(Permission::SendTest),
        },
    )
}

fn default(transport: &config::Transport) -> String {
    match transport {
        config::Transport::Mailbox => "This installation keeps mail in its mailbox: nothing leaves the machine.".into(),
        config::Transport::Smtp(relay) => format!("This installation hands mail to {}:{}.", relay.host, relay.port),
    }
}
