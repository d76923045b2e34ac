//! One press: a view is brought up to what the list shows, or deleted.

use actix_web::web::Path;
use serde::Deserialize;

use super::{PAGE, keeper, named, opened};
use crate::actions::delete_saved_view::delete_saved_view;
use crate::actions::update_saved_view::{ViewChanges, update_saved_view};
use crate::domain::role::Permission;
use crate::web::acting::Acting;
use crate::web::error::{PageResult, query};
use crate::web::forms::{Nothing, Posted};
use crate::web::layout::{Flash, Tone};
use crate::web::page::see_other;
use crate::web::sub_accounts::params::Params;

/// What the list shows.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Shown {
    query: String,
}

/// `POST /sub-accounts/views/{view}/update`
pub async fn update(acting: Acting, path: Path<String>, shown: Posted<Shown>) -> PageResult {
    let view = named(&acting, &path).await?;
    let changes = ViewChanges { query: Some(Params::of_saved(&shown.query).saved()), ..ViewChanges::default() };
    let (cx, keeper) = (acting.cx(), keeper(&acting));
    let view = acting.app.write(move |conn| update_saved_view(conn, &cx, keeper, view.id, &changes)).await?;
    let who = if view.shared { " For all members." } else { "" };
    let list = opened(&view, acting.may(Permission::ViewCost));
    let detail = format!("{}.{who}", list.in_words());
    acting.flash(&Flash { detail, ..Flash::new(Tone::Good, format!("The view “{}” is updated.", view.name)) });
    Ok(see_other(&list.href()))
}

/// `POST /sub-accounts/views/{view}/delete`: what it was can be saved again from the message that says so.
pub async fn delete(acting: Acting, path: Path<String>, _: Posted<Nothing>) -> PageResult {
    let view = named(&acting, &path).await?;
    let (cx, keeper) = (acting.cx(), keeper(&acting));
    let gone = acting.app.write(move |conn| delete_saved_view(conn, &cx, keeper, view.id)).await?;
    let shared = if gone.shared { "on" } else { "" };
    let again = query(&[("name", gone.name.as_str()), ("shared", shared)]);
    let kept = if gone.query.is_empty() { String::new() } else { format!("&{}", gone.query) };
    let link = Some(("Save it again".to_owned(), format!("{PAGE}/new?{again}{kept}")));
    let detail = "The sub accounts that it listed are not touched.".to_owned();
    let text = format!("The view “{}” is deleted.", gone.name);
    acting.flash(&Flash { detail, link, ..Flash::new(Tone::Good, text) });
    Ok(see_other(PAGE))
}
