//! `POST messages` and `POST messages/conversation`: read, check, render, accept. What costs the processor runs off
//! the async threads; the answer is stored by the transaction that accepts.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, web};
use chrono::{DateTime, Utc};

use crate::actions::ActionError;
use crate::actions::accept_message::Accepted;
use crate::actions::idempotency::RenderAccepted;
use crate::api::auth::Caller;
use crate::api::body::Body;
use crate::api::error::{ApiError, ApiResult};
use crate::api::idempotent::Request;
use crate::api::views::CreateMessageResponse;
use crate::app::App;
use crate::domain::message::draft::Draft;
use crate::domain::refusal::Refusal;
use crate::domain::scopes::Family;
use crate::load::Owner;

pub async fn create(app: Data<App>, caller: Caller, request: HttpRequest, body: Body) -> ApiResult {
    send(app, caller, request, body, |body, now| Draft::from_message(body.parse()?, now).map_err(refused)).await
}

pub async fn conversation(app: Data<App>, caller: Caller, request: HttpRequest, body: Body) -> ApiResult {
    send(app, caller, request, body, |body, now| Draft::from_conversation(body.parse()?, now).map_err(refused)).await
}

/// Bytes of a body that are read sooner than a place is given.
const SMALL: usize = 64 * 1024;

type Read = fn(&Body, DateTime<Utc>) -> Result<Draft, ApiError>;

/// The scope comes before everything that is stored under the idempotency key; a refusal of the body is stored.
async fn send(app: Data<App>, caller: Caller, request: HttpRequest, body: Body, read: Read) -> ApiResult {
    caller.reach(Family::MessagesSend)?;
    let app = app.into_inner();
    let idempotent = Request::read(&request, &body)?;
    let (account_id, now) = (caller.account.id, app.clock.now());
    // What takes long is done for each account in turn; what is read sooner than a place is given needs none.
    let place =
        if body.bytes.len() > SMALL { Some(app.load.preparing.enter(Owner::Account(account_id)).await?) } else { None };
    // The room for it goes with it, wherever it is worked on, though nobody may wait for it any more.
    let (draft, held, place) = off_thread(move || (read(&body, now), body.into_share(), place)).await?;
    if let Ok(draft) = &draft {
        caller.require_domain(Family::MessagesSend, draft.from.address.domain())?;
    }
    let (committer, renderers) = (app.committer.clone(), Arc::clone(&app.renderers));
    idempotent
        .run(&app, &caller, StatusCode::ACCEPTED, move |ticket| async move {
            let (draft, mut held) = (draft?, held);
            let mut prepared = renderers.prepare(account_id, draft).await?;
            drop(place);
            held.grow(prepared.contents.iter().map(Vec::len).sum())?;
            prepared.reply = ticket.map(|ticket| (ticket, render as RenderAccepted));
            let accepted = committer.accept(prepared).await?;
            Ok(render(&accepted))
        })
        .await
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    web::block(work).await.map_err(|error| ActionError::Internal(format!("a task did not finish: {error}")).into())
}

/// The answer's bytes: fresh, and for every retry.
fn render(accepted: &Accepted) -> Vec<u8> {
    serde_json::to_vec(&CreateMessageResponse::new(accepted)).unwrap_or_default()
}

fn refused(refusal: Refusal) -> ApiError {
    ApiError::bad_request(refusal.message())
}
