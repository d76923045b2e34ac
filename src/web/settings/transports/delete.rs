//! Deleting a transport, after a question. One that mail leaves by cannot be deleted: the page says what to do first.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;

use super::{PAGE, named};
use crate::actions::delete_transport::delete_transport;
use crate::models::transports::Transport;
use crate::web::acting::Acting;
use crate::web::error::PageResult;
use crate::web::forms::{Errors, Nothing, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::navigation;
use crate::web::page::{html_with, see_other};
use crate::web::scope::Tab;

#[derive(Template)]
#[template(path = "settings/transport_delete.html")]
struct DeletePage {
    shell: Shell,
    tabs: Vec<Tab>,
    name: String,
    id: String,
    errors: Errors,
}

/// `GET /settings/transports/{transport}/delete`
pub async fn ask(acting: Acting, path: Path<String>) -> PageResult {
    let row = named(&acting, &path).await?;
    page(&acting, &row, Errors::none())
}

fn page(acting: &Acting, row: &Transport, errors: Errors) -> PageResult {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::CONFLICT };
    let (shell, tabs) = (acting.shell("Delete transport"), navigation::settings(acting));
    html_with(status, &DeletePage { shell, tabs, name: row.name.clone(), id: row.id.to_string(), errors })
}

/// `POST /settings/transports/{transport}/delete`
pub async fn delete(acting: Acting, path: Path<String>, _: Posted<Nothing>) -> PageResult {
    let row = named(&acting, &path).await?;
    let (cx, parent, id) = (acting.cx(), acting.account.id, row.id);
    let deleted = loop {
        let cx = cx.clone();
        match acting.app.write(move |conn| delete_transport(conn, &cx, parent, id)).await {
            Ok(None) => {}
            Ok(Some(row)) => break Ok(row),
            Err(error) => break Err(error),
        }
    };
    match deleted {
        Ok(row) => {
            acting.flash(&Flash::new(Tone::Good, format!("The transport {} is deleted.", row.name)));
            Ok(see_other(PAGE))
        }
        Err(error) => page(&acting, &row, Errors::from_action(error, "delete")?),
    }
}
