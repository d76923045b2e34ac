//! The transports an agency has, and which is the default.

use std::collections::HashMap;

use actix_web::web::Path;
use askama::Template;

use super::{PAGE, installations, named, require, where_to};
use crate::actions::choose_transport::choose_transport;
use crate::domain::ids::Id;
use crate::models::transports::{self, Transport};
use crate::web::acting::Acting;
use crate::web::error::PageResult;
use crate::web::format;
use crate::web::forms::{Nothing, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::navigation;
use crate::web::page::{html, see_other};
use crate::web::scope::Tab;

#[derive(Template)]
#[template(path = "settings/transports.html")]
struct ListPage {
    shell: Shell,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    otherwise: String,
    has_default: bool,
}

struct Row {
    id: String,
    name: String,
    place: String,
    limits: String,
    users: String,
    default: bool,
}

impl Row {
    fn new(row: &Transport, default: Option<Id>, users: &HashMap<Id, i64>) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name.clone(),
            place: where_to(row),
            limits: limits(row),
            users: users.get(&row.id).map_or_else(|| "none".to_owned(), |count| format::number(*count)),
            default: default == Some(row.id),
        }
    }
}

fn limits(row: &Transport) -> String {
    let connections = match row.max_connections {
        0 => None,
        1 => Some("1 connection".to_owned()),
        many => Some(format!("{} connections", format::number(i64::from(many)))),
    };
    let rate = (row.messages_per_second > 0)
        .then(|| format!("{} a second", format::number(i64::from(row.messages_per_second))));
    let all: Vec<String> = connections.into_iter().chain(rate).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

/// `GET /settings/transports`
pub async fn show(acting: Acting) -> PageResult {
    require(&acting)?;
    let parent = acting.account.id;
    let (rows, default, users) = acting
        .app
        .read(move |conn| {
            let users: HashMap<Id, i64> = transports::users(conn, parent)?.into_iter().collect();
            Ok((transports::all(conn, parent)?, transports::chosen(conn, parent)?, users))
        })
        .await?;
    html(&ListPage {
        shell: acting.shell("Transports"),
        tabs: navigation::settings(&acting),
        rows: rows.iter().map(|row| Row::new(row, default, &users)).collect(),
        otherwise: installations(&acting.app.config),
        has_default: default.is_some(),
    })
}

/// `POST /settings/transports/{transport}/default`
pub async fn make_default(acting: Acting, path: Path<String>, _: Posted<Nothing>) -> PageResult {
    let row = named(&acting, &path).await?;
    set(&acting, Some(row.id)).await?;
    let text = format!("Mail of every account without a choice of its own leaves by {} from now on.", row.name);
    acting.flash(&Flash::new(Tone::Good, text));
    Ok(see_other(PAGE))
}

/// `POST /settings/transports/no-default`
pub async fn no_default(acting: Acting, _: Posted<Nothing>) -> PageResult {
    require(&acting)?;
    set(&acting, None).await?;
    let text = format!("Without a choice of its own, mail leaves through {}.", installations(&acting.app.config));
    acting.flash(&Flash::new(Tone::Good, text));
    Ok(see_other(PAGE))
}

async fn set(acting: &Acting, transport: Option<Id>) -> crate::actions::ActionResult<Option<Transport>> {
    let (cx, parent) = (acting.cx(), acting.account.id);
    acting.app.write(move |conn| choose_transport(conn, &cx, parent, parent, transport)).await
}
