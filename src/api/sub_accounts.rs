//! Sub accounts of a parent: create, read, update, suspend, lift, delete, list.

use std::collections::{HashMap, HashSet};

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::body::Body;
use super::error::{ApiError, ApiResult};
use super::idempotent::{self, Request};
use super::pagination::{List, ListObject, PageQuery, PageRequest, PaginationInfo};
use super::views::{SubAccount, SuccessResponse};
use crate::actions::create_sub_account::{NewSubAccount, create_sub_account};
use crate::actions::delete_sub_account::delete_sub_account;
use crate::actions::lift_suspension::lift_suspension;
use crate::actions::suspend_account::{Hold, suspend_account};
use crate::actions::update_sub_account::{Changes, update_sub_account};
use crate::actions::{ActionError, ActionResult};
use crate::app::App;
use crate::domain::cap::MonthlyCap;
use crate::domain::ids::Id;
use crate::domain::refusal::Refusal;
use crate::domain::text::{AccountName, SuspendReason};
use crate::domain::website::Website;
use crate::models::accounts::Account;
use crate::models::summaries::Summary;
use crate::models::{AnyConnection, accounts, summaries, suspensions};

#[derive(Deserialize, ToSchema)]
pub struct CreateSubAccountRequest {
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// A bare host or a full URL; the bare host is stored.
    website: String,
    /// The monthly cap in messages; 0 is no cap.
    #[schema(minimum = 0, maximum = 1_000_000_000, default = 0)]
    monthly_credit: Option<i64>,
}

/// Left out or null keeps a value. At least one value must differ from what is stored.
#[derive(Deserialize, ToSchema)]
pub struct UpdateSubAccountRequest {
    #[schema(min_length = 1, max_length = 255)]
    name: Option<String>,
    website: Option<String>,
    /// The monthly cap in messages; 0 is no cap.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    monthly_credit: Option<i64>,
}

#[derive(Deserialize, ToSchema)]
pub struct SuspendSubAccountRequest {
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

fn at(field: &'static str) -> impl Fn(Refusal) -> ApiError {
    move |refusal| ApiError::bad_request(refusal.at(field).to_string())
}

/// The id in the path. One that is no id cannot name anything: not found.
fn child_id(path: &(String, String)) -> Result<Id, ApiError> {
    parse_child_id(&path.1)
}

/// Reads a `sub_account_id`.
pub(super) fn parse_child_id(text: &str) -> Result<Id, ApiError> {
    text.parse().map_err(|_| ApiError::bad_request("sub_account_id must be a UUID"))
}

pub async fn create(app: Data<App>, caller: Caller, request: HttpRequest, body: Body) -> ApiResult {
    caller.require("sub-accounts:write")?;
    let parent = caller.require_parent()?;
    let app = app.into_inner();
    let idempotent = Request::read(&request, &body)?;
    idempotent::create(idempotent, &app, &caller, body, parse_new, move |conn, cx, new| {
        let account = create_sub_account(conn, cx, parent, &new)?;
        view(conn, cx.at(), &account)
    })
    .await
}

fn parse_new(body: &Body) -> Result<NewSubAccount, ApiError> {
    let wanted: CreateSubAccountRequest = body.parse()?;
    Ok(NewSubAccount {
        name: AccountName::parse(&wanted.name).map_err(at("name"))?,
        website: Website::parse(&wanted.website).map_err(at("website"))?,
        cap: MonthlyCap::new(wanted.monthly_credit.unwrap_or(0)).map_err(at("monthly_credit"))?,
        external_id: None,
        tags: Vec::new(),
    })
}

pub async fn list(app: Data<App>, caller: Caller, query: Query<PageQuery>) -> ApiResult {
    caller.require("sub-accounts:read")?;
    let parent = caller.require_parent()?;
    let page = query.read()?;
    let app = app.into_inner();
    let now = app.clock.now().naive_utc();
    let list = app.read(move |conn| page_of(conn, now, parent, page)).await?;
    Ok(HttpResponse::Ok().json(list))
}

fn page_of(
    conn: &mut AnyConnection,
    now: chrono::NaiveDateTime,
    parent: Id,
    page: PageRequest,
) -> ActionResult<List<SubAccount>> {
    let rows = accounts::page_of_children(conn, parent, page.edge, page.ascending, page.fetch())?;
    let (rows, pagination): (Vec<Account>, PaginationInfo) = page.finish(rows, |account| account.id);
    Ok(List { object: ListObject::List, data: views(conn, now, parent, &rows)?, pagination })
}

pub async fn get(app: Data<App>, caller: Caller, path: Path<(String, String)>) -> ApiResult {
    caller.require("sub-accounts:read")?;
    let (parent, child) = (caller.require_parent()?, child_id(&path)?);
    let app = app.into_inner();
    let now = app.clock.now().naive_utc();
    let shown = app
        .read(move |conn| {
            let account = accounts::find_child(conn, parent, child)?.ok_or(ActionError::NotFound("sub account"))?;
            view(conn, now, &account)
        })
        .await?;
    Ok(HttpResponse::Ok().json(shown))
}

pub async fn update(app: Data<App>, caller: Caller, path: Path<(String, String)>, body: Body) -> ApiResult {
    caller.require("sub-accounts:write")?;
    let (parent, child) = (caller.require_parent()?, child_id(&path)?);
    let wanted: UpdateSubAccountRequest = body.parse()?;
    let changes = Changes {
        name: wanted.name.map(|name| AccountName::parse(&name)).transpose().map_err(at("name"))?,
        website: wanted.website.map(|website| Website::parse(&website)).transpose().map_err(at("website"))?,
        cap: wanted.monthly_credit.map(MonthlyCap::new).transpose().map_err(at("monthly_credit"))?,
        ..Changes::default()
    };
    change(app, &caller, move |conn, cx, _| update_sub_account(conn, cx, parent, child, &changes)).await
}

pub async fn suspend(app: Data<App>, caller: Caller, path: Path<(String, String)>, body: Body) -> ApiResult {
    caller.require("sub-accounts:suspend")?;
    let (parent, child) = (caller.require_parent()?, child_id(&path)?);
    let wanted: SuspendSubAccountRequest = body.parse()?;
    let hold = Hold::manual(SuspendReason::parse(&wanted.reason).map_err(at("reason"))?);
    change(app, &caller, move |conn, cx, services| suspend_account(conn, cx, services, parent, child, &hold)).await
}

pub async fn unsuspend(app: Data<App>, caller: Caller, path: Path<(String, String)>) -> ApiResult {
    caller.require("sub-accounts:suspend")?;
    let (parent, child) = (caller.require_parent()?, child_id(&path)?);
    change(app, &caller, move |conn, cx, _| lift_suspension(conn, cx, parent, child)).await
}

pub async fn delete(app: Data<App>, caller: Caller, path: Path<(String, String)>) -> ApiResult {
    caller.require("sub-accounts:delete")?;
    let (parent, child) = (caller.require_parent()?, child_id(&path)?);
    let app = app.into_inner();
    let cx = caller.cx(app.clock.now());
    app.write(move |conn| delete_sub_account(conn, &cx, parent, child)).await?;
    Ok(HttpResponse::Ok().json(SuccessResponse::new("sub account deleted")))
}

/// Runs a change of one sub account and shows it as it is then.
async fn change(
    app: Data<App>,
    caller: &Caller,
    work: impl FnOnce(&mut AnyConnection, &crate::actions::Cx, &crate::actions::Services) -> ActionResult<Account>
    + Send
    + 'static,
) -> ApiResult {
    let app = app.into_inner();
    let (cx, services) = (caller.cx(app.clock.now()), std::sync::Arc::clone(&app.services));
    let shown = app
        .write(move |conn| {
            let account = work(conn, &cx, &services)?;
            view(conn, cx.at(), &account)
        })
        .await?;
    Ok(HttpResponse::Ok().json(shown))
}

fn view(conn: &mut AnyConnection, now: chrono::NaiveDateTime, account: &Account) -> ActionResult<SubAccount> {
    let shown = views(conn, now, account.root_id(), std::slice::from_ref(account))?.pop();
    shown.ok_or(ActionError::NotFound("sub account"))
}

/// The views of several children of one parent, in their order, with two queries for all.
fn views(
    conn: &mut AnyConnection,
    now: chrono::NaiveDateTime,
    parent: Id,
    children: &[Account],
) -> ActionResult<Vec<SubAccount>> {
    let ids: Vec<Id> = children.iter().map(|child| child.id).collect();
    let found = summaries::find_many(conn, &ids)?;
    let summaries: HashMap<Id, Summary> = found.into_iter().map(|row| (row.account_id, row)).collect();
    let mut holders = ids;
    holders.push(parent);
    let held: HashSet<Id> = suspensions::held(conn, &holders, now)?.into_iter().collect();
    let view = |child: &Account| {
        let summary = summaries.get(&child.id)?;
        Some(SubAccount::new(child, summary, held.contains(&child.id), held.contains(&parent)))
    };
    Ok(children.iter().filter_map(view).collect())
}
