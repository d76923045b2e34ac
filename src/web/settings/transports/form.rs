//! Adding a transport, and editing one.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use serde::Deserialize;

use super::{PAGE, named, require};
use crate::actions::create_transport::create_transport;
use crate::actions::transport_changes::TransportChanges;
use crate::actions::update_transport::update_transport;
use crate::domain::domain_name::DomainName;
use crate::domain::number::{self, Misread, NumberStyle};
use crate::domain::text::TransportName;
use crate::domain::transport::{RelayHost, Tls, TransportKind};
use crate::models::transports::{self, Transport};
use crate::web::acting::Acting;
use crate::web::error::PageResult;
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::navigation;
use crate::web::page::{html_with, see_other};
use crate::web::scope::Tab;

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct TransportForm {
    name: String,
    kind: String,
    host: String,
    port: String,
    tls: String,
    username: String,
    password: String,
    source_ip: String,
    helo: String,
    max_connections: String,
    messages_per_second: String,
    /// `on` when it is to be the default.
    default: String,
}

#[derive(Template)]
#[template(path = "settings/transport_form.html")]
struct FormPage {
    shell: Shell,
    tabs: Vec<Tab>,
    /// Where the form is sent to.
    path: String,
    /// Empty for a new one.
    name: String,
    has_password: bool,
    form: TransportForm,
    kinds: Vec<(&'static str, &'static str, &'static str)>,
    modes: Vec<(&'static str, &'static str, &'static str)>,
    errors: Errors,
}

/// `GET /settings/transports/new`
pub async fn new(acting: Acting) -> PageResult {
    require(&acting)?;
    let parent = acting.account.id;
    // The first is most likely meant for everything.
    let first = acting.app.read(move |conn| Ok(transports::count(conn, parent)? == 0)).await?;
    let form = TransportForm {
        kind: TransportKind::Relay.as_str().into(),
        port: "587".into(),
        tls: Tls::Required.as_str().into(),
        default: if first { "on".into() } else { String::new() },
        ..TransportForm::default()
    };
    page(&acting, None, form, Errors::none())
}

/// `GET /settings/transports/{transport}`
pub async fn edit(acting: Acting, path: Path<String>) -> PageResult {
    let row = named(&acting, &path).await?;
    let (parent, id) = (acting.account.id, row.id);
    let default = acting.app.read(move |conn| Ok(transports::chosen(conn, parent)? == Some(id))).await?;
    let form = filled(&row, default);
    page(&acting, Some(&row), form, Errors::none())
}

fn page(acting: &Acting, row: Option<&Transport>, form: TransportForm, errors: Errors) -> PageResult {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let title = if row.is_some() { "Edit transport" } else { "Add a transport" };
    let page = FormPage {
        shell: acting.shell(title),
        tabs: navigation::settings(acting),
        path: row.map_or_else(|| format!("{PAGE}/new"), |row| format!("{PAGE}/{}", row.id)),
        name: row.map(|row| row.name.clone()).unwrap_or_default(),
        has_password: row.is_some_and(|row| row.password_sealed.is_some()),
        form,
        kinds: TransportKind::ALL.map(|kind| (kind.as_str(), kind.words().0, kind.words().1)).to_vec(),
        modes: Tls::ALL.map(|tls| (tls.as_str(), tls.words().0, tls.words().1)).to_vec(),
        errors,
    };
    html_with(status, &page)
}

fn filled(row: &Transport, default: bool) -> TransportForm {
    let number = |number: i32| if number == 0 { String::new() } else { number.to_string() };
    TransportForm {
        name: row.name.clone(),
        kind: row.kind.clone(),
        host: row.host.clone(),
        port: number(row.port),
        tls: row.tls.clone(),
        username: row.username.clone(),
        password: String::new(),
        source_ip: row.source_ip.clone(),
        helo: row.helo.clone(),
        max_connections: number(row.max_connections),
        messages_per_second: number(row.messages_per_second),
        default: if default { "on".into() } else { String::new() },
    }
}

/// `POST /settings/transports/new`
pub async fn create(acting: Acting, form: Posted<TransportForm>) -> PageResult {
    require(&acting)?;
    let form = form.into_inner();
    let new = match read(&form, acting.numbers) {
        Ok(new) => new,
        Err(errors) => return page(&acting, None, form, errors),
    };
    let (cx, parent, services) = (acting.cx(), acting.account.id, acting.app.services.clone());
    match acting.app.write(move |conn| create_transport(conn, &cx, &services, parent, &new)).await {
        Ok(row) => saved(&acting, &row),
        Err(error) => page(&acting, None, form, Errors::from_action(error, "name")?),
    }
}

/// `POST /settings/transports/{transport}`
pub async fn update(acting: Acting, path: Path<String>, form: Posted<TransportForm>) -> PageResult {
    let row = named(&acting, &path).await?;
    let form = form.into_inner();
    let changes = match read(&form, acting.numbers) {
        Ok(changes) => changes,
        Err(errors) => return page(&acting, Some(&row), form, errors),
    };
    let (cx, parent, services, id) = (acting.cx(), acting.account.id, acting.app.services.clone(), row.id);
    match acting.app.write(move |conn| update_transport(conn, &cx, &services, parent, id, &changes)).await {
        Ok(row) => saved(&acting, &row),
        Err(error) => page(&acting, Some(&row), form, Errors::from_action(error, "name")?),
    }
}

fn saved(acting: &Acting, row: &Transport) -> PageResult {
    let flash = Flash::new(Tone::Good, format!("The transport {} is saved.", row.name));
    acting.flash(&Flash { detail: "Messages that wait use it as it is from their next attempt.".into(), ..flash });
    Ok(see_other(PAGE))
}

/// The form as changes. What only a relay has is left out for the other kinds.
fn read(form: &TransportForm, numbers: NumberStyle) -> Result<TransportChanges, Errors> {
    let mut errors = Errors::none();
    let name = errors.take("name", TransportName::parse(&form.name));
    let kind = errors.take("kind", TransportKind::parse(&form.kind));
    let mut changes = TransportChanges { name, kind, default: Some(form.default == "on"), ..Default::default() };
    changes.max_connections = limit(&mut errors, "max_connections", &form.max_connections, numbers);
    changes.messages_per_second = limit(&mut errors, "messages_per_second", &form.messages_per_second, numbers);
    if kind == Some(TransportKind::Relay) {
        relay(&mut errors, form, &mut changes, numbers);
    }
    if matches!(kind, Some(TransportKind::Relay | TransportKind::Direct)) {
        changes.source_ip = match form.source_ip.trim() {
            "" => Some(None),
            text => Some(text.parse().map_err(|_| errors.add("source_ip", "Enter an IPv4 or IPv6 address.")).ok()),
        };
        changes.helo = match form.helo.trim() {
            "" => Some(None),
            text => Some(errors.take("helo", DomainName::parse(text))),
        };
    }
    if errors.is_empty() { Ok(changes) } else { Err(errors) }
}

fn relay(errors: &mut Errors, form: &TransportForm, changes: &mut TransportChanges, numbers: NumberStyle) {
    changes.host = errors.take("host", RelayHost::parse(&form.host));
    let port = number::whole(&form.port, numbers).ok().and_then(|port| u16::try_from(port).ok());
    changes.port = port.filter(|port| *port > 0);
    if changes.port.is_none() {
        errors.add("port", "Enter a port from 1 to 65535, most often 587.");
    }
    changes.tls = errors.take("tls", Tls::parse(&form.tls));
    let username = form.username.trim();
    if username.len() > 255 || username.contains(char::is_control) || form.password.len() > 1024 {
        errors.add("username", "The user name or password is too long, or holds a control character.");
    }
    changes.username = Some(username.to_owned());
    changes.password = Some(form.password.clone()).filter(|password| !password.is_empty());
}

/// A limit; empty is none.
fn limit(errors: &mut Errors, field: &str, text: &str, numbers: NumberStyle) -> Option<i32> {
    let read = match number::whole(text, numbers) {
        Err(Misread::Empty) => Ok(0),
        read => read.and_then(|limit| i32::try_from(limit).map_err(|_| Misread::TooLarge)),
    };
    let wanted = "Enter a whole number, or leave it empty for no limit.";
    errors.take(field, read.map_err(|misread| misread.refusal(numbers, wanted)))
}
