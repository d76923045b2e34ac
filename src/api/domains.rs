//! Sending domains: create, read, update, remove, list, check.

use std::sync::Arc;

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::body::Body;
use super::error::{ApiError, ApiResult};
use super::idempotent::{self, Request};
use super::pagination::{List, ListObject, PageQuery};
use super::views::{Domain, SuccessResponse};
use crate::actions::ActionError;
use crate::actions::create_domain::{NewDomain, SealedKey, Subdomains, create_domain};
use crate::actions::delete_domain::delete_domain;
use crate::actions::update_domain::{DomainChanges, update_domain};
use crate::app::App;
use crate::dns_check;
use crate::domain::dkim_selector::DkimSelector;
use crate::domain::domain_name::{DomainName, SubdomainLabel};
use crate::domain::refusal::Refusal;
use crate::domain::scopes::Family;
use crate::load::{self, Owner};
use crate::models::domains;

/// A blank label or selector is the default.
#[derive(Deserialize, ToSchema)]
pub struct CreateDomainRequest {
    #[schema(format = Hostname)]
    domain: String,
    /// An RSA key of at least 1024 bits in PEM form; made here when left out.
    dkim_private_key: Option<String>,
    tracking_subdomain: Option<String>,
    return_path_subdomain: Option<String>,
    subscription_subdomain: Option<String>,
    media_subdomain: Option<String>,
    /// For domains whose DNS is managed here; there are none.
    dkim_rotation_interval_days: Option<i64>,
    dkim_selector: Option<String>,
}

/// Left out keeps; blank goes back to the default. All of it locks once the domain is verified.
#[derive(Deserialize, ToSchema)]
pub struct UpdateDomainRequest {
    tracking_subdomain: Option<String>,
    return_path_subdomain: Option<String>,
    subscription_subdomain: Option<String>,
    media_subdomain: Option<String>,
    dkim_rotation_interval_days: Option<i64>,
    dkim_selector: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DomainQuery {
    /// Only domains that are verified, or only those that are not.
    #[param(value_type = Option<bool>)]
    dns_valid: Option<String>,
}

type OfDomain = Path<(String, String)>;

fn at(field: &'static str) -> impl Fn(Refusal) -> ApiError {
    move |refusal| ApiError::bad_request(refusal.at(field).to_string())
}

/// The domain of a path, in the form it is stored in.
fn name(path: &OfDomain) -> Result<String, ApiError> {
    DomainName::parse(&path.1).map(String::from).map_err(at("domain"))
}

pub async fn list(app: Data<App>, caller: Caller, page: Query<PageQuery>, query: Query<DomainQuery>) -> ApiResult {
    caller.require("domains:read")?;
    let page = page.read()?;
    let verified = match query.dns_valid.as_deref() {
        None | Some("" | "null") => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => return Err(ApiError::bad_request("dns_valid must be true or false")),
    };
    let (app, account) = (app.into_inner(), caller.account.id);
    let rows = app
        .read(move |conn| Ok(domains::page(conn, account, verified, page.edge, page.ascending, page.fetch())?))
        .await?;
    let (rows, pagination) = page.finish(rows, |domain| domain.id);
    let data = rows.iter().map(|domain| Domain::new(domain, &app.config.platform)).collect();
    Ok(HttpResponse::Ok().json(List { object: ListObject::List, data, pagination }))
}

pub async fn create(app: Data<App>, caller: Caller, request: HttpRequest, body: Body) -> ApiResult {
    caller.require("domains:write")?;
    let (app, account) = (app.into_inner(), caller.account.id);
    let request = Request::read(&request, &body)?;
    let (for_key, platform) = (Arc::clone(&app), app.config.platform.clone());
    let prepare = async move || prepare_new(&for_key, Owner::Account(account), &body).await;
    idempotent::create_prepared(request, &app, &caller, prepare, move |conn, cx, new| {
        Ok(Domain::new(&create_domain(conn, cx, account, new)?, &platform))
    })
    .await
}

/// Reads the body, and makes the key pair off the async threads.
async fn prepare_new(app: &Arc<App>, owner: Owner, body: &Body) -> Result<NewDomain, ApiError> {
    let wanted: CreateDomainRequest = body.parse()?;
    let name = DomainName::parse(&wanted.domain).map_err(at("domain"))?;
    refuse_rotation(wanted.dkim_rotation_interval_days)?;
    let selector = wanted.dkim_selector.as_deref().map(DkimSelector::parse).transpose();
    let selector = selector.map_err(at("dkim_selector"))?.flatten();
    let subdomains = Subdomains {
        tracking: label("tracking_subdomain", wanted.tracking_subdomain)?.flatten(),
        return_path: label("return_path_subdomain", wanted.return_path_subdomain)?.flatten(),
        subscription: label("subscription_subdomain", wanted.subscription_subdomain)?.flatten(),
        media: label("media_subdomain", wanted.media_subdomain)?.flatten(),
    };
    let services = Arc::clone(&app.services);
    let pem = wanted.dkim_private_key.filter(|pem| !pem.trim().is_empty());
    let place = app.load.preparing.enter(owner).await?;
    let key = load::off_thread(place, move || {
        Ok(match pem {
            Some(pem) => SealedKey::from_pem(&services, &pem),
            None => Ok(SealedKey::generate(&services)),
        })
    });
    let key = key.await?.map_err(|error| ApiError::bad_request(format!("dkim_private_key: {error}")))?;
    Ok(NewDomain { name, selector, subdomains, key })
}

/// A label that was sent: `Some(None)` when it was blank.
fn label(field: &'static str, text: Option<String>) -> Result<Option<Option<SubdomainLabel>>, ApiError> {
    let label = |text: String| match text.trim() {
        "" => Ok(None),
        text => SubdomainLabel::parse(text).map(Some).map_err(at(field)),
    };
    text.map(label).transpose()
}

fn refuse_rotation(days: Option<i64>) -> Result<(), ApiError> {
    match days {
        None => Ok(()),
        Some(_) => Err(ApiError::bad_request(
            "dkim_rotation_interval_days: keys rotate only where DNS is managed here, and this domain's DNS is not. \
             Leave it out.",
        )),
    }
}

pub async fn get(app: Data<App>, caller: Caller, path: OfDomain) -> ApiResult {
    caller.require("domains:read")?;
    let (app, account, name) = (app.into_inner(), caller.account.id, name(&path)?);
    let domain = find(&app, account, name).await?;
    Ok(HttpResponse::Ok().json(Domain::new(&domain, &app.config.platform)))
}

async fn find(app: &Arc<App>, account: crate::domain::ids::Id, name: String) -> Result<domains::Domain, ActionError> {
    app.read(move |conn| domains::find(conn, account, &name)?.ok_or(ActionError::NotFound("domain"))).await
}

pub async fn update(app: Data<App>, caller: Caller, path: OfDomain, body: Body) -> ApiResult {
    caller.require("domains:write")?;
    let (app, account, name) = (app.into_inner(), caller.account.id, name(&path)?);
    let wanted: UpdateDomainRequest = body.parse()?;
    refuse_rotation(wanted.dkim_rotation_interval_days)?;
    let selector = wanted.dkim_selector.as_deref().map(DkimSelector::parse).transpose();
    let changes = DomainChanges {
        selector: selector.map_err(at("dkim_selector"))?,
        tracking: label("tracking_subdomain", wanted.tracking_subdomain)?,
        return_path: label("return_path_subdomain", wanted.return_path_subdomain)?,
        subscription: label("subscription_subdomain", wanted.subscription_subdomain)?,
        media: label("media_subdomain", wanted.media_subdomain)?,
    };
    let cx = caller.cx(app.clock.now());
    let domain = app.write(move |conn| update_domain(conn, &cx, account, &name, &changes)).await?;
    Ok(HttpResponse::Ok().json(Domain::new(&domain, &app.config.platform)))
}

pub async fn delete(app: Data<App>, caller: Caller, path: OfDomain) -> ApiResult {
    let (app, account, name) = (app.into_inner(), caller.account.id, name(&path)?);
    caller.require_domain(Family::DomainsDelete, &name)?;
    let cx = caller.cx(app.clock.now());
    let domain = app.write(move |conn| delete_domain(conn, &cx, account, &name)).await?;
    Ok(HttpResponse::Ok().json(SuccessResponse::new(format!("domain {} deleted successfully", domain.name))))
}

/// A name that is none belongs to no domain: the contract has no 400 here.
pub async fn check_dns(app: Data<App>, caller: Caller, path: OfDomain) -> ApiResult {
    caller.require("domains:write")?;
    let name = name(&path).map_err(|_| ApiError::from(ActionError::NotFound("domain")))?;
    let (app, account) = (app.into_inner(), caller.account.id);
    let id = find(&app, account, name).await?.id;
    let domain = dns_check::run_in_turn(&app, caller.account.id, id).await?;
    Ok(HttpResponse::Ok().json(Domain::new(&domain, &app.config.platform)))
}
