//! Making and editing an API key: label, what it may do, from where. The secret of a new one is shown once.

use std::fmt::Write as _;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::activity::title;
use super::credentials::{KeyPath, holder};
use super::frame::{self, Facts, Frame};
use super::key_scopes::{self, Choices};
use crate::actions::ActionError;
use crate::actions::create_api_key::{NewApiKey, create_api_key};
use crate::actions::form_once::first_time;
use crate::actions::update_api_key::{KeyChanges, update_api_key};
use crate::domain::ids::Id;
use crate::domain::ip_allow_list::IpAllowList;
use crate::domain::role::Permission;
use crate::domain::text::KeyLabel;
use crate::models::{api_keys, domains};
use crate::web::error::PageResult;
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html, html_with, see_other};
use crate::web::scope::AccountScope;

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct KeyForm {
    /// Of the form: sent again, it makes nothing.
    once: String,
    label: String,
    scopes: Vec<String>,
    /// Addresses or blocks, one a line.
    allow: String,
}

#[derive(Template)]
#[template(path = "account/key_form.html")]
struct FormPage {
    shell: Shell,
    frame: Frame,
    path: String,
    /// Empty for a new key.
    key: String,
    form: KeyForm,
    groups: Vec<Choices>,
    errors: Errors,
}

#[derive(Template)]
#[template(path = "account/key_created.html")]
struct CreatedPage {
    shell: Shell,
    frame: Frame,
    path: String,
    label: String,
    secret: String,
    file: String,
    curl: String,
    can_send: bool,
}

struct Wanted {
    label: KeyLabel,
    scopes: Vec<String>,
    allowed: IpAllowList,
}

fn read(form: &KeyForm) -> Result<Wanted, Errors> {
    let mut errors = Errors::none();
    let label = errors.take("label", KeyLabel::parse(&form.label));
    let lines: Vec<&str> = form.allow.split(['\n', ',', ' ']).map(str::trim).filter(|line| !line.is_empty()).collect();
    let allowed = errors.take("allow", IpAllowList::parse(&lines));
    if form.scopes.is_empty() {
        errors.add("scopes", "Choose at least one thing that the key may do.");
    }
    match (label, allowed) {
        (Some(label), Some(allowed)) if errors.is_empty() => Ok(Wanted { label, scopes: form.scopes.clone(), allowed }),
        _ => Err(errors),
    }
}

async fn page(scope: &AccountScope, key: Option<Id>, form: KeyForm, errors: Errors) -> PageResult {
    let (facts, names) = frame::load(scope, |conn, account, _| Ok(domains::names(conn, account.id)?)).await?;
    let names: Vec<String> = names.into_iter().map(|(_, name)| name).collect();
    let heading = if key.is_some() { "Edit an API key" } else { "New API key" };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = FormPage {
        frame: Frame::new(scope, &facts, heading).below("API keys", scope.path("/credentials")),
        shell: scope.shell(&title(scope, heading)),
        path: scope.path("/credentials"),
        key: key.map(|id| id.to_string()).unwrap_or_default(),
        groups: key_scopes::choices(&form.scopes, &names, scope.acting.role, scope.account.parent_id.is_none()),
        form,
        errors,
    };
    html_with(status, &page)
}

/// `GET .../credentials/new`
pub async fn new(scope: AccountScope) -> PageResult {
    scope.require(Permission::ManageKeys)?;
    page(
        &scope,
        None,
        KeyForm { once: scope.new_form(), scopes: key_scopes::usual(), ..KeyForm::default() },
        Errors::none(),
    )
    .await
}

/// `POST .../credentials/new`: answers with the secret, so that it is in no address and no session.
pub async fn create(scope: AccountScope, form: Posted<KeyForm>) -> PageResult {
    scope.require(Permission::ManageKeys)?;
    let form = form.into_inner();
    let wanted = match read(&form) {
        Ok(wanted) => wanted,
        Err(errors) => return page(&scope, None, form, errors).await,
    };
    let (cx, holder) = (scope.acting.cx(), holder(&scope));
    let new = NewApiKey { label: wanted.label, scopes: wanted.scopes, allowed: wanted.allowed };
    let (account, once) = (scope.account.id, scope.form_once(&form.once));
    let made = scope.acting.app.write(move |conn| match first_time(conn, &cx, account, "key", once)? {
        true => create_api_key(conn, &cx, holder, &new).map(Some),
        false => Ok(None),
    });
    let created = match made.await {
        Ok(Some(created)) => created,
        Ok(None) => return Ok(made_already(&scope, "This key was made already.")),
        Err(error) => return page(&scope, None, form, Errors::from_action(error, "label")?).await,
    };
    let (facts, names) = frame::load(&scope, |conn, account, _| Ok(domains::all(conn, account.id)?)).await?;
    let secret = created.secret.expose_secret().to_owned();
    let from = names
        .iter()
        .find(|row| row.verified_at.is_some())
        .or(names.first())
        .map_or("your-domain.example", |row| row.name.as_str());
    html(&CreatedPage {
        frame: Frame::new(&scope, &facts, "The key is made").below("API keys", scope.path("/credentials")),
        shell: scope.shell(&title(&scope, "The key is made")),
        path: scope.path("/credentials"),
        curl: curl(&scope, &facts, &secret, from),
        can_send: created.scopes.iter().any(|row| row.scope.starts_with("messages:send")),
        file: format!("canopy-key-{}.txt", created.key.id),
        label: created.key.label,
        secret,
    })
}

/// Back to the list: a form that was sent before made what it asked for, and its secret was shown.
pub(super) fn made_already(scope: &AccountScope, what: &str) -> HttpResponse {
    let detail = "A secret is shown once. If you did not copy it, delete what was made and make another.";
    scope.acting.flash(&Flash { detail: detail.into(), ..Flash::new(Tone::Info, what) });
    see_other(&scope.path("/credentials"))
}

/// A request to paste: to the sandbox, because a key is often made before the domain is verified.
fn curl(scope: &AccountScope, facts: &Facts, secret: &str, domain: &str) -> String {
    let (url, account) = (&scope.acting.app.config.public_url, scope.account.id);
    let mut text =
        format!("curl {url}/v2/accounts/{account}/messages \\\n  -H \"Authorization: Bearer {secret}\" \\\n");
    let body = serde_json::json!({
        "from": { "email": format!("hello@{domain}") },
        "recipients": [{ "email": scope.acting.user.email }],
        "subject": format!("Hello from {}", facts.agency()),
        "text_content": "It works.",
        "sandbox": true,
    });
    // A quote in a name would end the shell's own.
    let body = body.to_string().replace('\'', "\\u0027");
    // Writing into a String does not fail.
    let _ = write!(text, "  -H \"Content-Type: application/json\" \\\n  -d '{body}'");
    text
}

/// `GET .../credentials/{key}`
pub async fn edit(scope: AccountScope, path: Path<KeyPath>) -> PageResult {
    scope.require(Permission::ManageKeys)?;
    let id = path.read()?;
    let (_, (key, scopes)) = frame::load(&scope, move |conn, account, _| {
        let key = api_keys::find(conn, account.id, id)?.ok_or(ActionError::NotFound("api key"))?;
        Ok((key, api_keys::scopes_of(conn, &[id])?))
    })
    .await?;
    let allowed = key.allowed();
    let scopes = scopes.into_iter().map(|row| row.scope).collect();
    page(
        &scope,
        Some(id),
        KeyForm { label: key.label, scopes, allow: allowed.join("\n"), ..KeyForm::default() },
        Errors::none(),
    )
    .await
}

/// `POST .../credentials/{key}`
pub async fn update(scope: AccountScope, path: Path<KeyPath>, form: Posted<KeyForm>) -> PageResult {
    scope.require(Permission::ManageKeys)?;
    let (id, form) = (path.read()?, form.into_inner());
    let wanted = match read(&form) {
        Ok(wanted) => wanted,
        Err(errors) => return page(&scope, Some(id), form, errors).await,
    };
    let changes = KeyChanges { label: Some(wanted.label), scopes: Some(wanted.scopes), allowed: Some(wanted.allowed) };
    let (cx, holder) = (scope.acting.cx(), holder(&scope));
    let done = scope.acting.app.write(move |conn| update_api_key(conn, &cx, holder, id, &changes));
    let flash = match done.await {
        Ok((key, _)) => Flash::new(Tone::Good, format!("The key “{}” is saved.", key.label)),
        Err(error) => {
            let errors = Errors::from_action(error, "label")?;
            if errors.of("body").is_empty() {
                return page(&scope, Some(id), form, errors).await;
            }
            Flash::new(Tone::Info, "Nothing was changed, so nothing was saved.")
        }
    };
    scope.acting.flash(&flash);
    Ok(see_other(&scope.path("/credentials")))
}
