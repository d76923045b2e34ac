//! Reading messages and taking a scheduled one back. A key sees the messages of the domains its scopes name.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use chrono::NaiveDateTime;

use super::filter::MessageQuery;
use crate::actions::cancel_message::cancel_message;
use crate::actions::{ActionError, ActionResult, build_message};
use crate::api::auth::Caller;
use crate::api::error::{ApiError, ApiResult};
use crate::api::pagination::{List, ListObject, PageQuery, PageRequest};
use crate::api::views::{Message as View, MessageSummary, SuccessResponse};
use crate::app::App;
use crate::domain::ids::Id;
use crate::domain::message::parse;
use crate::domain::message::reference::MessageRef;
use crate::domain::scopes::Family;
use crate::load::{self, Owner, SHOWN, Share};
use crate::models::AnyConnection;
use crate::models::messages::{self, Filter, Message};
use crate::telemetry::held::held;

pub async fn list(app: Data<App>, caller: Caller, query: Query<MessageQuery>, page: Query<PageQuery>) -> ApiResult {
    let reach = caller.reach(Family::MessagesRead)?;
    let (filter, page) = (query.read(reach)?, page.read()?);
    let account = caller.account.id;
    let list = app.into_inner().read(move |conn| page_of(conn, account, &filter, page)).await?;
    Ok(HttpResponse::Ok().json(list))
}

fn page_of(
    conn: &mut AnyConnection,
    account: Id,
    filter: &Filter,
    page: PageRequest,
) -> ActionResult<List<MessageSummary>> {
    let rows = messages::page(conn, account, filter, page.edge, page.ascending, page.fetch())?;
    let (rows, pagination) = page.finish(rows, |message| message.id);
    let ids: Vec<Id> = rows.iter().map(|message| message.id).collect();
    let attempts = messages::attempts_of(conn, &ids)?;
    let events = messages::events_of(conn, &ids)?;
    let data = rows.iter().map(|message| MessageSummary::new(message, &attempts, &events)).collect();
    Ok(List { object: ListObject::List, data, pagination })
}

pub async fn get(app: Data<App>, caller: Caller, path: Path<(String, String)>) -> ApiResult {
    caller.reach(Family::MessagesRead)?;
    let app = app.into_inner();
    let now = app.clock.now().naive_utc();
    let message = find(&app, &caller, &path.1, Family::MessagesRead).await?;
    let mut share = app.load.memory.share(Owner::Account(caller.account.id));
    let (found, share) = app.read(move |conn| Ok((stored(conn, now, &message, &mut share)?, share))).await?;

    let place = app.load.preparing.enter(Owner::Account(caller.account.id)).await?;
    let shown = load::off_thread(place, move || Ok(view(found))).await?;
    Ok(held(HttpResponse::Ok().json(shown), share))
}

pub async fn cancel(app: Data<App>, caller: Caller, path: Path<(String, String)>) -> ApiResult {
    caller.reach(Family::MessagesCancel)?;
    let app = app.into_inner();
    let message = find(&app, &caller, &path.1, Family::MessagesCancel).await?;
    let cx = caller.cx(app.clock.now());
    app.write(move |conn| cancel_message(conn, &cx, message.account_id, message.id)).await?;
    Ok(HttpResponse::Ok().json(SuccessResponse::new("message cancelled")))
}

/// The message that a path names, if the key may touch it.
async fn find(app: &std::sync::Arc<App>, caller: &Caller, text: &str, family: Family) -> Result<Message, ApiError> {
    let unknown = || ApiError::from(ActionError::NotFound("message"));
    let reference = MessageRef::parse(text).ok_or_else(unknown)?;
    let account = caller.account.id;
    let message = app.read(move |conn| Ok(messages::find(conn, account, reference.id)?)).await?.ok_or_else(unknown)?;
    if reference.domain.is_some_and(|domain| domain != message.sender_domain) {
        return Err(unknown());
    }
    caller.require_domain(family, &message.sender_domain)?;
    Ok(message)
}

/// A message as it is stored, and its bytes. What it said is shown until its retention ends, whether or not the purge has come
/// by.
fn stored(
    conn: &mut AnyConnection,
    now: NaiveDateTime,
    message: &Message,
    share: &mut Share,
) -> ActionResult<(MessageSummary, Option<Vec<u8>>)> {
    let attempts = messages::attempts_of(conn, &[message.id])?;
    let events = messages::events_of(conn, &[message.id])?;
    let summary = MessageSummary::new(message, &attempts, &events);
    if now >= message.retain_until {
        return Ok((summary, None));
    }
    let Some(content) = messages::content(conn, message.content_id)? else { return Ok((summary, None)) };

    let attachments = messages::attachments(conn, content.request_id)?;
    let raw = build_message::raw(message, &content, &attachments)?;
    share.reach(raw.len() * SHOWN)?;
    Ok((summary, Some(raw)))
}

/// The message with its parts. Reading them may take seconds: it keeps no connection of the database meanwhile.
fn view((summary, raw): (MessageSummary, Option<Vec<u8>>)) -> View {
    let content = raw.map(|raw| {
        let parsed = parse::parse(&raw);
        (String::from_utf8_lossy(&raw).into_owned(), parsed)
    });
    View::new(summary, content)
}
