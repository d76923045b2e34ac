//! Keeping what the list shows under a name, and renaming, sharing or deleting what was kept.

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use askama::Template;
use serde::Deserialize;

use super::{keeper, named, opened};
use crate::actions::create_saved_view::{NewView, create_saved_view};
use crate::actions::update_saved_view::{ViewChanges, update_saved_view};
use crate::domain::role::Permission;
use crate::domain::text::ViewName;
use crate::models::saved_views::SavedView;
use crate::web::acting::{self, Acting};
use crate::web::error::{PageError, PageResult};
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html_with, see_other};
use crate::web::sub_accounts::params::Params;

#[derive(Template)]
#[template(path = "sub_accounts/view_form.html")]
struct FormPage {
    shell: Shell,
    /// The view that is changed, with its id; `None` for a new one.
    kept: Option<(String, String)>,
    form: Form,
    shows: String,
    /// Back to the list as it was.
    back: String,
    /// May the person say who sees it?
    shares: bool,
    errors: Errors,
}

/// What is typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    name: String,
    /// `on` shares it.
    shared: String,
    /// What it shows.
    query: String,
}

impl Form {
    fn is_shared(&self) -> bool {
        !self.shared.is_empty()
    }
}

/// `GET /sub-accounts/views/new`: the rest of its address is the list's. A name may be proposed.
pub async fn new(acting: Acting, params: Query<Params>, proposed: Query<Form>) -> PageResult {
    acting.require(Permission::ViewSubAccounts)?;
    let form = Form { query: params.saved(), ..proposed.into_inner() };
    page(&acting, None, form, Errors::none())
}

/// `POST /sub-accounts/views/new`
pub async fn create(acting: Acting, form: Posted<Form>) -> PageResult {
    acting.require(Permission::ViewSubAccounts)?;
    let mut form = form.into_inner();
    form.query = Params::of_saved(&form.query).saved();
    let mut errors = Errors::none();
    let Some(name) = errors.take("name", ViewName::parse(&form.name)) else {
        return page(&acting, None, form, errors);
    };
    let new = NewView { name, shared: form.is_shared(), query: form.query.clone() };
    let (cx, keeper) = (acting.cx(), keeper(&acting));
    let created = acting.app.write(move |conn| create_saved_view(conn, &cx, keeper, &new)).await;
    match created {
        Ok(view) => Ok(done(&acting, &view, "is saved")),
        Err(error) => page(&acting, None, form, Errors::from_action(error, "name")?),
    }
}

fn done(acting: &Acting, view: &SavedView, what: &str) -> actix_web::HttpResponse {
    let detail = "It is in the menu of views beside the filters.".to_owned();
    acting.flash(&Flash { detail, ..Flash::new(Tone::Good, format!("The view “{}” {what}.", view.name)) });
    see_other(&opened(view, acting.may(Permission::ViewCost)).href())
}

/// `GET /sub-accounts/views/{view}`
pub async fn edit(acting: Acting, path: Path<String>) -> PageResult {
    let view = changeable(&acting, &path).await?;
    let form = Form {
        name: view.name.clone(),
        shared: if view.shared { "on".into() } else { String::new() },
        query: view.query.clone(),
    };
    page(&acting, Some(&view), form, Errors::none())
}

/// `POST /sub-accounts/views/{view}`
pub async fn update(acting: Acting, path: Path<String>, form: Posted<Form>) -> PageResult {
    let view = changeable(&acting, &path).await?;
    let form = Form { query: view.query.clone(), ..form.into_inner() };
    let mut errors = Errors::none();
    let Some(name) = errors.take("name", ViewName::parse(&form.name)) else {
        return page(&acting, Some(&view), form, errors);
    };
    // Who may not say who sees it has no box for it.
    let shared = may_say_who_sees(&acting, &view).then(|| form.is_shared());
    let changes = ViewChanges { name: Some(name), shared, query: None };
    let (cx, keeper, id) = (acting.cx(), keeper(&acting), view.id);
    match acting.app.write(move |conn| update_saved_view(conn, &cx, keeper, id, &changes)).await {
        Ok(view) => Ok(done(&acting, &view, "is saved")),
        Err(error) => page(&acting, Some(&view), form, Errors::from_action(error, "name")?),
    }
}

/// A view of others can be changed by some, and kept for oneself by nobody.
fn may_say_who_sees(acting: &Acting, view: &SavedView) -> bool {
    view.user_id == acting.user.id && (view.shared || acting.may(Permission::EditSubAccounts))
}

async fn changeable(acting: &Acting, text: &str) -> Result<SavedView, PageError> {
    let view = named(acting, text).await?;
    if keeper(acting).may_change(&view) {
        return Ok(view);
    }
    Err(acting::refused(None).saying("Your role may use this shared view, but not change it."))
}

fn page(acting: &Acting, view: Option<&SavedView>, form: Form, errors: Errors) -> PageResult {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shown =
        view.map_or_else(|| Params::of_saved(&form.query), |view| opened(view, acting.may(Permission::ViewCost)));
    let title = if view.is_some() { "Edit view" } else { "Save view" };
    html_with(
        status,
        &FormPage {
            kept: view.map(|view| (view.id.to_string(), view.name.clone())),
            shows: shown.in_words(),
            back: shown.href(),
            shares: view.map_or_else(|| acting.may(Permission::EditSubAccounts), |view| may_say_who_sees(acting, view)),
            form,
            errors,
            shell: acting.shell(title),
        },
    )
}
