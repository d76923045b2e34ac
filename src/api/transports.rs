//! Named transports of a parent, and which of them a sub account uses.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::auth::Caller;
use super::body::Body;
use super::error::{ApiError, ApiResult};
use super::idempotent::{self, Request};
use super::pagination::{List, ListObject, PageQuery, PageRequest};
use super::sub_accounts::parse_child_id;
use super::views::{SubAccountTransport, SuccessResponse, Transport};
use crate::actions::choose_transport::choose_transport;
use crate::actions::create_transport::create_transport;
use crate::actions::delete_transport::delete_transport;
use crate::actions::transport_changes::TransportChanges;
use crate::actions::update_transport::update_transport;
use crate::actions::{ActionError, ActionResult};
use crate::app::App;
use crate::domain::domain_name::DomainName;
use crate::domain::ids::Id;
use crate::domain::refusal::Refusal;
use crate::domain::text::TransportName;
use crate::domain::transport::{RelayHost, Tls, TransportKind};
use crate::models::{AnyConnection, transports};

#[derive(Deserialize, ToSchema)]
pub struct CreateTransportRequest {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// `relay`, `direct` or `mailbox`.
    kind: String,
    #[serde(flatten)]
    settings: TransportSettings,
}

/// Left out or null keeps a value; an empty text takes it away.
#[derive(Deserialize, ToSchema)]
pub struct UpdateTransportRequest {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// `relay`, `direct` or `mailbox`.
    kind: Option<String>,
    #[serde(flatten)]
    settings: TransportSettings,
}

#[derive(Deserialize, ToSchema)]
pub struct TransportSettings {
    /// Of a relay: a name or an address. Private ones are up to the operator.
    host: Option<String>,
    /// 587 unless told.
    #[schema(minimum = 1, maximum = 65535)]
    port: Option<i64>,
    /// `none`, `opportunistic`, `required` (unless told) or `implicit`.
    tls: Option<String>,
    #[schema(max_length = 255)]
    username: Option<String>,
    /// Kept for the same host, port and user under the same or better encryption; otherwise it is to be sent again.
    #[schema(max_length = 1024, write_only)]
    password: Option<String>,
    /// The address that connections come from.
    source_ip: Option<String>,
    /// The name given in EHLO.
    helo: Option<String>,
    /// At once on each node; 0 is no limit.
    #[schema(minimum = 0, maximum = 1000)]
    max_connections: Option<i64>,
    /// On each node; 0 is no limit.
    #[schema(minimum = 0, maximum = 10000)]
    messages_per_second: Option<i64>,
    /// Whether accounts without a choice of their own use it.
    default: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
pub struct ChooseTransportRequest {
    /// Null goes back to the default.
    #[serde(deserialize_with = "present")]
    #[schema(required, format = Uuid)]
    transport_id: Option<String>,
}

/// Null is an answer here, leaving it out is not.
fn present<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(input)
}

fn at(field: &'static str) -> impl Fn(Refusal) -> ApiError {
    move |refusal| ApiError::bad_request(refusal.at(field).to_string())
}

fn transport_id(text: &str) -> Result<Id, ApiError> {
    text.parse().map_err(|_| ApiError::bad_request("transport_id must be a UUID"))
}

/// Transports are a parent's: its sub accounts use what it chooses for them.
fn parent(caller: &Caller, scope: &'static str) -> Result<Id, ApiError> {
    caller.require(scope)?;
    match caller.account.parent_id {
        None => Ok(caller.account.id),
        Some(_) => Err(ApiError::new(StatusCode::FORBIDDEN, "transports are the parent account's: ask there")
            .because("parent_only")),
    }
}

pub async fn list(app: Data<App>, caller: Caller, query: Query<PageQuery>) -> ApiResult {
    let parent = parent(&caller, "accounts:read")?;
    let page = query.read()?;
    let list = app.into_inner().read(move |conn| page_of(conn, parent, page)).await?;
    Ok(HttpResponse::Ok().json(list))
}

fn page_of(conn: &mut AnyConnection, parent: Id, page: PageRequest) -> ActionResult<List<Transport>> {
    let default = transports::chosen(conn, parent)?;
    let rows = transports::page(conn, parent, page.edge, page.ascending, page.fetch())?;
    let (rows, pagination) = page.finish(rows, |row| row.id);
    let data = rows.iter().map(|row| Transport::new(row, default)).collect();
    Ok(List { object: ListObject::List, data, pagination })
}

pub async fn create(app: Data<App>, caller: Caller, request: HttpRequest, body: Body) -> ApiResult {
    let parent = parent(&caller, "accounts:write")?;
    let app = app.into_inner();
    let (idempotent, services) = (Request::read(&request, &body)?, app.services.clone());
    idempotent::create(idempotent, &app, &caller, body, parse_new, move |conn, cx, new| {
        let row = create_transport(conn, cx, &services, parent, &new)?;
        Ok(Transport::new(&row, transports::chosen(conn, parent)?))
    })
    .await
}

fn parse_new(body: &Body) -> Result<TransportChanges, ApiError> {
    let wanted: CreateTransportRequest = body.parse()?;
    changes(Some(&wanted.name), Some(&wanted.kind), wanted.settings)
}

fn changes(name: Option<&str>, kind: Option<&str>, wanted: TransportSettings) -> Result<TransportChanges, ApiError> {
    let long = |text: &Option<String>, most| text.as_ref().is_some_and(|text| text.chars().count() > most);
    let username = wanted.username.map(|text| text.trim().to_owned());
    if long(&username, 255) || username.as_ref().is_some_and(|text| text.contains(char::is_control)) {
        return Err(ApiError::bad_request("username: at most 255 characters, none of them a control character"));
    }
    if long(&wanted.password, 1024) {
        return Err(ApiError::bad_request("password: at most 1024 characters"));
    }
    // An empty host is a relay's to refuse, and nothing to say for the other kinds.
    let host = wanted.host.filter(|host| !host.trim().is_empty());
    Ok(TransportChanges {
        name: name.map(TransportName::parse).transpose().map_err(at("name"))?,
        kind: kind.map(TransportKind::parse).transpose().map_err(at("kind"))?,
        host: host.as_deref().map(RelayHost::parse).transpose().map_err(at("host"))?,
        port: wanted.port.map(port).transpose()?,
        tls: wanted.tls.as_deref().map(Tls::parse).transpose().map_err(at("tls"))?,
        username,
        password: wanted.password,
        source_ip: wanted.source_ip.as_deref().map(source_ip).transpose()?,
        helo: wanted.helo.as_deref().map(helo).transpose().map_err(at("helo"))?,
        max_connections: wanted.max_connections.map(|number| limit("max_connections", number)).transpose()?,
        messages_per_second: wanted.messages_per_second.map(|rate| limit("messages_per_second", rate)).transpose()?,
        default: wanted.default,
    })
}

fn port(number: i64) -> Result<u16, ApiError> {
    let port = u16::try_from(number).ok().filter(|port| *port > 0);
    port.ok_or_else(|| ApiError::bad_request("port: use a whole number from 1 to 65535"))
}

fn limit(field: &str, number: i64) -> Result<i32, ApiError> {
    i32::try_from(number).map_err(|_| ApiError::bad_request(format!("{field}: the number is too large")))
}

fn source_ip(text: &str) -> Result<Option<std::net::IpAddr>, ApiError> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| ApiError::bad_request("source_ip: use an IPv4 or IPv6 address")),
    }
}

fn helo(text: &str) -> Result<Option<DomainName>, Refusal> {
    if text.trim().is_empty() { Ok(None) } else { DomainName::parse(text).map(Some) }
}

pub async fn get(app: Data<App>, caller: Caller, path: Path<(String, String)>) -> ApiResult {
    let (parent, id) = (parent(&caller, "accounts:read")?, transport_id(&path.1)?);
    let shown = app
        .into_inner()
        .read(move |conn| {
            let row = transports::find(conn, parent, id)?.ok_or(ActionError::NotFound("transport"))?;
            Ok(Transport::new(&row, transports::chosen(conn, parent)?))
        })
        .await?;
    Ok(HttpResponse::Ok().json(shown))
}

pub async fn update(app: Data<App>, caller: Caller, path: Path<(String, String)>, body: Body) -> ApiResult {
    let (parent, id) = (parent(&caller, "accounts:write")?, transport_id(&path.1)?);
    let wanted: UpdateTransportRequest = body.parse()?;
    let changes = changes(wanted.name.as_deref(), wanted.kind.as_deref(), wanted.settings)?;
    let app = app.into_inner();
    let (cx, services) = (caller.cx(app.clock.now()), app.services.clone());
    let shown = app
        .write(move |conn| {
            let row = update_transport(conn, &cx, &services, parent, id, &changes)?;
            Ok(Transport::new(&row, transports::chosen(conn, parent)?))
        })
        .await?;
    Ok(HttpResponse::Ok().json(shown))
}

pub async fn delete(app: Data<App>, caller: Caller, path: Path<(String, String)>) -> ApiResult {
    let (parent, id) = (parent(&caller, "accounts:write")?, transport_id(&path.1)?);
    let app = app.into_inner();
    let cx = caller.cx(app.clock.now());
    let mut deleted = None;
    while deleted.is_none() {
        let cx = cx.clone();
        deleted = app.write(move |conn| delete_transport(conn, &cx, parent, id)).await?;
    }
    Ok(HttpResponse::Ok().json(SuccessResponse::new("transport deleted")))
}

pub async fn choose(app: Data<App>, caller: Caller, path: Path<(String, String)>, body: Body) -> ApiResult {
    let (parent, child) = (parent(&caller, "accounts:write")?, parse_child_id(&path.1)?);
    let wanted: ChooseTransportRequest = body.parse()?;
    let transport = wanted.transport_id.as_deref().map(transport_id).transpose()?;
    if child == parent {
        return Err(ActionError::NotFound("sub account").into());
    }
    let app = app.into_inner();
    let cx = caller.cx(app.clock.now());
    let shown = app
        .write(move |conn| {
            choose_transport(conn, &cx, parent, child, transport)?;
            let effective = transports::effective(conn, child, Some(parent))?;
            Ok(SubAccountTransport::new(child, transport, effective.map(|row| row.id)))
        })
        .await?;
    Ok(HttpResponse::Ok().json(shown))
}
