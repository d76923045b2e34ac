//! What an agency keeps about a client: name, website, its own number, tags; how its mail leaves; deleting it.

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::activity::title;
use super::frame::{self, Frame};
use crate::actions::update_sub_account::{Changes, update_sub_account};
use crate::domain::role::Permission;
use crate::domain::text::{AccountName, ExternalId, Tag};
use crate::domain::website::Website;
use crate::models::{account_tags, transports};
use crate::web::error::{PageError, PageResult};
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html_with, see_other};
use crate::web::scope::AccountScope;

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct SettingsForm {
    name: String,
    website: String,
    external_id: String,
    /// With commas between them.
    tags: String,
}

#[derive(Template)]
#[template(path = "account/settings.html")]
struct SettingsPage {
    shell: Shell,
    frame: Frame,
    base: String,
    id: String,
    form: SettingsForm,
    /// Tags that the agency uses already.
    used_tags: Vec<String>,
    errors: Errors,
    transport: String,
    may_transport: bool,
    may_delete: bool,
}

/// A client's own people have their settings at `/settings`.
fn require(scope: &AccountScope) -> Result<(), PageError> {
    if !scope.is_from_outside() {
        return Err(PageError::not_found());
    }
    scope.require(Permission::EditSubAccounts)
}

/// `GET .../settings`
pub async fn show(scope: AccountScope) -> PageResult {
    require(&scope)?;
    page(&scope, None, Errors::none()).await
}

async fn page(scope: &AccountScope, form: Option<SettingsForm>, errors: Errors) -> PageResult {
    let (facts, (used, all, chosen)) = frame::load(scope, |conn, account, facts| {
        Ok((
            account_tags::used(conn, facts.root.id, 1)?,
            transports::all(conn, facts.root.id)?,
            transports::chosen(conn, account.id)?,
        ))
    })
    .await?;
    let account = &scope.account;
    let filled = || SettingsForm {
        name: account.name.clone(),
        website: account.website.clone(),
        external_id: account.external_id.clone().unwrap_or_default(),
        tags: facts.tags.join(", "),
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = SettingsPage {
        form: form.unwrap_or_else(filled),
        frame: Frame::new(scope, &facts, "Settings"),
        shell: scope.shell(&title(scope, "Settings")),
        base: scope.base.clone(),
        id: account.id.to_string(),
        used_tags: used.into_iter().map(|(tag, _)| tag).take(12).collect(),
        errors,
        transport: all
            .into_iter()
            .find(|row| Some(row.id) == chosen)
            .map_or_else(|| "By your default.".to_owned(), |row| format!("By {}.", row.name)),
        may_transport: scope.may(Permission::ManageSettings),
        may_delete: scope.may(Permission::DeleteSubAccounts),
    };
    html_with(status, &page)
}

/// `POST .../settings`
pub async fn save(scope: AccountScope, form: Posted<SettingsForm>) -> PageResult {
    require(&scope)?;
    let form = form.into_inner();
    let changes = match read(&form) {
        Ok(changes) => changes,
        Err(errors) => return page(&scope, Some(form), errors).await,
    };
    let (cx, parent, child) = (scope.acting.cx(), scope.acting.home.id, scope.account.id);
    let flash = match scope.acting.app.write(move |conn| update_sub_account(conn, &cx, parent, child, &changes)).await {
        Ok(account) => Flash::new(Tone::Good, format!("{} is saved.", account.name)),
        Err(error) => {
            let errors = Errors::from_action(error, "name")?;
            if errors.of("body").is_empty() {
                return page(&scope, Some(form), errors).await;
            }
            Flash::new(Tone::Info, "Nothing was changed, so nothing was saved.")
        }
    };
    scope.acting.flash(&flash);
    Ok(see_other(&scope.path("/settings")))
}

fn read(form: &SettingsForm) -> Result<Changes, Errors> {
    let mut errors = Errors::none();
    let name = errors.take("name", AccountName::parse(&form.name));
    let website = errors.take("website", Website::parse(&form.website));
    let external_id = match form.external_id.trim() {
        "" => Some(None),
        text => errors.take("external_id", ExternalId::parse(text)).map(Some),
    };
    let tags: Result<Vec<Tag>, _> =
        form.tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(Tag::parse).collect();
    let tags = errors.take("tags", tags);
    if errors.is_empty() { Ok(Changes { name, website, cap: None, external_id, tags }) } else { Err(errors) }
}
