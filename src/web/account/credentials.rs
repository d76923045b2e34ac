//! The API keys of an account: what each may do, from where, and when it was last used; and its SMTP credentials. Their
//! secrets are not kept.

use std::collections::HashMap;

use actix_web::web::Path;
use askama::Template;
use serde::Deserialize;

use super::activity::title;
use super::doers::veiled;
use super::frame::{self, Facts, Frame};
use super::{key_scopes, smtp_credentials as smtp};
use crate::actions::ActionError;
use crate::actions::delete_api_key::delete_api_key;
use crate::actions::key_grant::KeyHolder;
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::models::api_keys::{self, ApiKey};
use crate::models::smtp_credentials;
use crate::web::error::{PageError, PageResult};
use crate::web::format::When;
use crate::web::forms::{Nothing, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html, see_other};
use crate::web::scope::AccountScope;

/// More keys than anybody keeps apart.
const SHOWN: i64 = 200;
/// Characters of a public key by which one is told from another; more of it only fills lines.
const BEGINNING: usize = 20;

/// A key of the list.
pub struct Row {
    id: String,
    label: String,
    public_key: String,
    may: String,
    from: String,
    last_used: Option<When>,
    created: When,
    by: String,
}

#[derive(Template)]
#[template(path = "account/credentials.html")]
struct CredentialsPage {
    shell: Shell,
    frame: Frame,
    path: String,
    rows: Vec<Row>,
    smtp: Vec<smtp::Row>,
    may_manage: bool,
    held: bool,
}

#[derive(Template)]
#[template(path = "account/key_delete.html")]
struct DeletePage {
    shell: Shell,
    frame: Frame,
    path: String,
    label: String,
    last_used: Option<When>,
}

#[derive(Deserialize)]
pub struct KeyPath {
    key: String,
}

impl KeyPath {
    /// # Errors
    /// 404 for what is no id.
    pub fn read(&self) -> Result<Id, PageError> {
        self.key.parse().map_err(|_| PageError::not_found())
    }
}

/// Whose keys they are to an action: the own ones, or those of a child that its parent manages.
#[must_use]
pub fn holder(scope: &AccountScope) -> KeyHolder {
    if scope.is_from_outside() {
        KeyHolder::Child { parent: scope.acting.home.id, child: scope.account.id }
    } else {
        KeyHolder::Own(scope.account.id)
    }
}

/// `GET .../credentials`
pub async fn list(scope: AccountScope) -> PageResult {
    scope.require(Permission::ViewKeys)?;
    let inside = scope.is_from_inside();
    let (facts, (mut keys, scopes, mut credentials, domains, veiled)) =
        frame::load(&scope, move |conn, account, facts| {
            let keys = api_keys::page(conn, account.id, None, false, SHOWN)?;
            let ids: Vec<Id> = keys.iter().map(|key| key.id).collect();
            let mut scopes: HashMap<Id, Vec<String>> = HashMap::new();
            for row in api_keys::scopes_of(conn, &ids)? {
                scopes.entry(row.api_key_id).or_default().push(row.scope);
            }
            let credentials = smtp_credentials::page(conn, account.id, None, (None, false), SHOWN)?;
            let ids: Vec<Id> = credentials.iter().map(|row| row.id).collect();
            let domains = smtp_credentials::domains_of(conn, &ids)?;
            let by = keys.iter().map(|key| &key.created_by).chain(credentials.iter().map(|row| &row.created_by));
            let veiled = if inside { veiled(conn, account, facts.agency(), by.cloned())? } else { HashMap::new() };
            Ok((keys, scopes, credentials, domains, veiled))
        })
        .await?;

    let by = keys.iter_mut().map(|key| &mut key.created_by);
    for by in by.chain(credentials.iter_mut().map(|row| &mut row.created_by)) {
        if let Some(shown) = veiled.get(by) {
            by.clone_from(shown);
        }
    }
    let none = Vec::new();
    let rows = keys.iter().map(|key| row(key, scopes.get(&key.id).unwrap_or(&none), &facts)).collect();
    html(&CredentialsPage {
        frame: Frame::new(&scope, &facts, "API keys"),
        shell: scope.shell(&title(&scope, "API keys")),
        path: scope.path("/credentials"),
        rows,
        smtp: smtp::rows(&credentials, &domains, &facts),
        may_manage: scope.may(Permission::ManageKeys),
        held: !facts.holds.is_empty() || facts.parent_held,
    })
}

fn row(key: &ApiKey, scopes: &[String], facts: &Facts) -> Row {
    let allowed = key.allowed();
    Row {
        id: key.id.to_string(),
        label: key.label.clone(),
        public_key: key.public_key.chars().take(BEGINNING).collect(),
        may: key_scopes::summary(scopes),
        from: match allowed.as_slice() {
            [] => "Anywhere".to_owned(),
            [one] => one.clone(),
            [one, rest @ ..] => format!("{one} and {} more", rest.len()),
        },
        last_used: key.last_used_at.map(|at| facts.when(at)),
        created: facts.when(key.created_at),
        by: key.created_by.clone(),
    }
}

/// `GET .../credentials/{key}/delete`
pub async fn ask_delete(scope: AccountScope, path: Path<KeyPath>) -> PageResult {
    scope.require(Permission::ManageKeys)?;
    let id = path.read()?;
    let (facts, key) = frame::load(&scope, move |conn, account, _| {
        api_keys::find(conn, account.id, id)?.ok_or(ActionError::NotFound("api key"))
    })
    .await?;
    html(&DeletePage {
        frame: Frame::new(&scope, &facts, "Delete an API key").below("API keys", scope.path("/credentials")),
        shell: scope.shell(&title(&scope, "Delete an API key")),
        path: scope.path("/credentials"),
        last_used: key.last_used_at.map(|at| facts.when(at)),
        label: key.label,
    })
}

/// `POST .../credentials/{key}/delete`
pub async fn delete(scope: AccountScope, path: Path<KeyPath>, _: Posted<Nothing>) -> PageResult {
    scope.require(Permission::ManageKeys)?;
    let (id, cx, holder) = (path.read()?, scope.acting.cx(), holder(&scope));
    let key = scope.acting.app.write(move |conn| delete_api_key(conn, &cx, holder, id)).await?;
    scope.acting.flash(&Flash {
        detail: "Whatever still uses it is refused from now on.".into(),
        ..Flash::new(Tone::Good, format!("The key “{}” is deleted.", key.label))
    });
    Ok(see_other(&scope.path("/credentials")))
}
