//! SMTP credentials beside the API keys: made, shown once with all that a mail program asks for, and ended.

use std::fmt::Write as _;

use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::activity::title;
use super::credentials::holder;
use super::frame::{self, Facts, Frame};
use super::key_form::made_already;
use crate::actions::ActionError;
use crate::actions::create_smtp_credential::{CreatedSmtpCredential, NewSmtpCredential, create_smtp_credential};
use crate::actions::delete_smtp_credential::delete_smtp_credential;
use crate::actions::form_once::first_time;
use crate::config::Config;
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::domain::text::CredentialName;
use crate::models::smtp_credentials::{CredentialDomain, SmtpCredential};
use crate::models::{domains, smtp_credentials};
use crate::web::error::{PageError, PageResult};
use crate::web::format::When;
use crate::web::forms::{Errors, Nothing, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html, html_with, see_other};
use crate::web::scope::AccountScope;

/// The port that mail programs look for first (RFC 6409).
const USUAL: u16 = 587;

/// Credentials of the list.
pub struct Row {
    pub id: String,
    pub name: String,
    pub username: String,
    pub from: String,
    pub sandbox: bool,
    pub created: When,
    pub by: String,
}

/// The rows of the list.
#[must_use]
pub fn rows(credentials: &[SmtpCredential], domains: &[CredentialDomain], facts: &Facts) -> Vec<Row> {
    let row = |credential: &SmtpCredential| {
        let mut bound = domains.iter().filter(|row| row.credential_id == credential.id).map(|row| row.domain.as_str());
        Row {
            id: credential.id.to_string(),
            name: credential.name.clone(),
            username: credential.username.clone(),
            from: match (credential.is_global, bound.next(), bound.count()) {
                (true, ..) => "Every domain".to_owned(),
                (false, None, _) => "No domain any more".to_owned(),
                (false, Some(one), 0) => one.to_owned(),
                (false, Some(one), more) => format!("{one} and {more} more"),
            },
            sandbox: credential.sandbox,
            created: facts.when(credential.created_at),
            by: credential.created_by.clone(),
        }
    };
    credentials.iter().map(row).collect()
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct SmtpForm {
    /// Of the form: sent again, it makes nothing.
    once: String,
    name: String,
    /// `some` is for those of `domains` alone.
    reach: String,
    domains: Vec<String>,
    sandbox: Option<String>,
}

#[derive(Template)]
#[template(path = "account/smtp_form.html")]
struct FormPage {
    shell: Shell,
    frame: Frame,
    path: String,
    form: SmtpForm,
    /// The account's domains, and whether each is chosen.
    choices: Vec<(String, bool)>,
    errors: Errors,
}

#[derive(Template)]
#[template(path = "account/smtp_created.html")]
struct CreatedPage {
    shell: Shell,
    frame: Frame,
    path: String,
    name: String,
    password: String,
    /// Everything that a mail program asks for.
    settings: String,
    sandbox: bool,
    /// Whether this installation takes mail over SMTP.
    listens: bool,
}

#[derive(Template)]
#[template(path = "account/smtp_delete.html")]
struct DeletePage {
    shell: Shell,
    frame: Frame,
    path: String,
    name: String,
    username: String,
}

#[derive(Deserialize)]
pub struct CredentialPath {
    credential: String,
}

impl CredentialPath {
    fn read(&self) -> Result<Id, PageError> {
        self.credential.parse().map_err(|_| PageError::not_found())
    }
}

fn read(form: &SmtpForm) -> Result<NewSmtpCredential, Errors> {
    let mut errors = Errors::none();
    let name = errors.take("name", CredentialName::parse(&form.name));
    let some = form.reach == "some";
    if some && form.domains.is_empty() {
        errors.add("domains", "Choose at least one domain.");
    }
    match name {
        Some(name) if errors.is_empty() => {
            let domains = some.then(|| form.domains.clone());
            Ok(NewSmtpCredential { name, sandbox: form.sandbox.is_some(), domains })
        }
        _ => Err(errors),
    }
}

async fn page(scope: &AccountScope, form: SmtpForm, errors: Errors) -> PageResult {
    let (facts, names) = frame::load(scope, |conn, account, _| Ok(domains::names(conn, account.id)?)).await?;
    let heading = "New SMTP credentials";
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let choice = |(_, name): (Id, String)| {
        let chosen = form.domains.contains(&name);
        (name, chosen)
    };
    let page = FormPage {
        frame: Frame::new(scope, &facts, heading).below("API keys", scope.path("/credentials")),
        shell: scope.shell(&title(scope, heading)),
        path: scope.path("/credentials"),
        choices: names.into_iter().map(choice).collect(),
        form,
        errors,
    };
    html_with(status, &page)
}

/// `GET .../credentials/smtp/new`
pub async fn new(scope: AccountScope) -> PageResult {
    scope.require(Permission::ManageKeys)?;
    page(&scope, SmtpForm { once: scope.new_form(), ..SmtpForm::default() }, Errors::none()).await
}

/// `POST .../credentials/smtp/new`: answers with the password, so that it is in no address and no session.
pub async fn create(scope: AccountScope, form: Posted<SmtpForm>) -> PageResult {
    scope.require(Permission::ManageKeys)?;
    let form = form.into_inner();
    let new = match read(&form) {
        Ok(new) => new,
        Err(errors) => return page(&scope, form, errors).await,
    };
    let (cx, holder) = (scope.acting.cx(), holder(&scope));
    let (account, once) = (scope.account.id, scope.form_once(&form.once));
    let made = scope.acting.app.write(move |conn| match first_time(conn, &cx, account, "smtp", once)? {
        true => create_smtp_credential(conn, &cx, holder, &new).map(Some),
        false => Ok(None),
    });
    let created = match made.await {
        Ok(Some(created)) => created,
        Ok(None) => return Ok(made_already(&scope, "These credentials were made already.")),
        Err(error) => return page(&scope, form, Errors::from_action(error, "name")?).await,
    };
    let (facts, ()) = frame::load(&scope, |_, _, _| Ok(())).await?;
    let heading = "The credentials are made";
    let config = &scope.acting.app.config;
    html(&CreatedPage {
        frame: Frame::new(&scope, &facts, heading).below("API keys", scope.path("/credentials")),
        shell: scope.shell(&title(&scope, heading)),
        path: scope.path("/credentials"),
        settings: settings(config, &created),
        listens: !config.submission_listen.is_empty(),
        sandbox: created.credential.sandbox,
        password: created.password.expose_secret().to_owned(),
        name: created.credential.name,
    })
}

/// Host, port, security, name and password, one a line.
fn settings(config: &Config, created: &CreatedSmtpCredential) -> String {
    let mut ports: Vec<u16> = config.submission_listen.iter().map(std::net::SocketAddr::port).collect();
    ports.sort_by_key(|port| (*port != USUAL, *port));
    ports.dedup();
    let mut text = format!("Host: {}\n", config.host_name);
    let (first, others) = ports.split_first().unwrap_or((&USUAL, &[]));
    // Writing into a String does not fail.
    let _ = write!(text, "Port: {first}");
    for (index, port) in others.iter().enumerate() {
        let _ = write!(text, "{}{port}", if index == 0 { " or " } else { ", " });
    }
    let (user, password) = (&created.credential.username, created.password.expose_secret());
    let _ = write!(text, "\nSecurity: STARTTLS\nUsername: {user}\nPassword: {password}");
    text
}

/// `GET .../credentials/smtp/{credential}/delete`
pub async fn ask_delete(scope: AccountScope, path: Path<CredentialPath>) -> PageResult {
    scope.require(Permission::ManageKeys)?;
    let id = path.read()?;
    let (facts, credential) = frame::load(&scope, move |conn, account, _| {
        smtp_credentials::find(conn, account.id, id)?.ok_or(ActionError::NotFound("smtp credential"))
    })
    .await?;
    let heading = "Delete SMTP credentials";
    html(&DeletePage {
        frame: Frame::new(&scope, &facts, heading).below("API keys", scope.path("/credentials")),
        shell: scope.shell(&title(&scope, heading)),
        path: scope.path("/credentials"),
        name: credential.name,
        username: credential.username,
    })
}

/// `POST .../credentials/smtp/{credential}/delete`
pub async fn delete(scope: AccountScope, path: Path<CredentialPath>, _: Posted<Nothing>) -> PageResult {
    scope.require(Permission::ManageKeys)?;
    let (id, cx, holder) = (path.read()?, scope.acting.cx(), holder(&scope));
    let gone = scope.acting.app.write(move |conn| delete_smtp_credential(conn, &cx, holder, id)).await?;
    scope.acting.flash(&Flash {
        detail: "Whatever still signs in by them is refused from now on.".into(),
        ..Flash::new(Tone::Good, format!("The SMTP credentials “{}” are deleted.", gone.name))
    });
    Ok(see_other(&scope.path("/credentials")))
}
