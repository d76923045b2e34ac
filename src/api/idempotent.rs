//! Running a creating request once: its key's lease, the work and the stored answer.

use std::future::Future;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::auth::Caller;
use super::body::Body;
use super::error::{ApiError, ApiResult};
use crate::actions::idempotency::{self, Begin, Claim, Ticket};
use crate::actions::{ActionError, ActionResult, Cx};
use crate::app::App;
use crate::models::AnyConnection;
use crate::secrets;
use crate::telemetry::path_of;

/// The longest key.
const LONGEST: usize = 255;

/// A creating request as its key sees it.
pub struct Request {
    key: Option<String>,
    fingerprint: Vec<u8>,
    secret: bool,
}

impl Request {
    /// Reads the key and the fingerprint: SHA-256 of method, resolved path and body.
    ///
    /// # Errors
    /// 400 for a key over 255 characters.
    pub fn read(request: &HttpRequest, body: &Body) -> Result<Self, ApiError> {
        let header = request.headers().get("idempotency-key");
        let key =
            header.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).filter(|key| !key.is_empty());
        if key.as_ref().is_some_and(|key| key.chars().count() > LONGEST) {
            return Err(ApiError::bad_request("the Idempotency-Key is longer than 255 characters"));
        }
        let mut text = format!("{}\n{}\n", request.method(), path_of(request)).into_bytes();
        text.extend_from_slice(&body.bytes);
        Ok(Self { key, fingerprint: secrets::sha256(&text).to_vec(), secret: false })
    }

    /// The answer will hold a secret: only a success is stored, for minutes.
    #[must_use]
    pub fn with_secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Runs `work` at most once per key. `work` stores its own success with the ticket; a refusal is stored here.
    ///
    /// # Errors
    /// 409 while the same request runs, 422 for another request under this key, and what `work` answers.
    pub async fn run<F, Fut>(self, app: &Arc<App>, caller: &Caller, status: StatusCode, work: F) -> ApiResult
    where
        F: FnOnce(Option<Ticket>) -> Fut,
        Fut: Future<Output = Result<Vec<u8>, ApiError>>,
    {
        let Some(ticket) = self.begin(app, caller).await? else {
            return work(None).await.map(|body| json(status, body));
        };
        let ticket = match ticket {
            Ok(ticket) => ticket,
            Err(replay) => return Ok(replay),
        };
        let result = work(Some(ticket.clone())).await;
        if let Err(error) = &result {
            settle(app, ticket, error).await?;
        }
        result.map(|body| json(status, body))
    }

    /// What must be the same for the stored answer to be given. Where that holds a secret, the key that asks too: nobody gets
    /// by another's request what their own key may not make.
    fn fingerprint_of(&self, caller: &Caller) -> Vec<u8> {
        if !self.secret {
            return self.fingerprint.clone();
        }
        let mut text = self.fingerprint.clone();
        text.extend_from_slice(caller.key.id.as_bytes());
        secrets::sha256(&text).to_vec()
    }

    /// Takes the lease: `None` without a key, the ticket, or the stored answer.
    async fn begin(&self, app: &Arc<App>, caller: &Caller) -> Result<Option<Result<Ticket, HttpResponse>>, ApiError> {
        let Some(key) = self.key.clone() else { return Ok(None) };
        let (app_, account_id) = (Arc::clone(app), caller.account.id);
        let (fingerprint, secret) = (self.fingerprint_of(caller), self.secret);
        let begin = actix_web::web::block(move || {
            let claim = Claim { account_id, key: &key, fingerprint: &fingerprint, secret };
            idempotency::begin(&app_.db, app_.clock.now(), &app_.services, &claim)
        })
        .await
        .map_err(|error| ApiError::from(ActionError::Internal(error.to_string())))??;
        match begin {
            Begin::Fresh(ticket) => Ok(Some(Ok(ticket))),
            Begin::Replay { status, body } => Ok(Some(Err(replay(status, body)))),
            Begin::InFlight { retry_after } => {
                let message = "a request with this idempotency key is still in progress";
                let mut error = ApiError::new(StatusCode::CONFLICT, message);
                error.in_flight = true;
                error.retry_after = Some(retry_after);
                Err(error)
            }
            Begin::Mismatch => {
                let message = "this idempotency key was used with a different request";
                Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message))
            }
        }
    }
}

/// After a refusal: kept for retries; after an error of ours: the key is free again. With a secret in the answer a
/// refusal is not kept and the lease runs out by itself, as the contract has it.
async fn settle(app: &Arc<App>, ticket: Ticket, error: &ApiError) -> Result<(), ApiError> {
    if error.status.is_server_error() {
        let app = Arc::clone(app);
        return actix_web::web::block(move || idempotency::release(&app.db, &ticket))
            .await
            .map_err(|error| ApiError::from(ActionError::Internal(error.to_string())))?
            .map_err(ApiError::from);
    }
    if ticket.secret {
        return Ok(());
    }
    let (status, body) = (error.status.as_u16(), error.body());
    let (services, now) = (Arc::clone(&app.services), app.clock.now());
    app.write(move |conn| idempotency::complete(conn, now, &services, &ticket, status, &body)).await?;
    Ok(())
}

fn json(status: StatusCode, body: Vec<u8>) -> HttpResponse {
    HttpResponse::build(status).content_type("application/json").body(body)
}

fn replay(status: u16, body: Vec<u8>) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.insert_header(("Idempotent-Replayed", "true"));
    response.content_type("application/json").body(body)
}

/// A creating request whose work is one write transaction: the view it answers is stored in that transaction.
/// `parse` runs under the key too, so that a refusal of the body is replayed like any other.
///
/// # Errors
/// As [`Request::run`].
pub async fn create<T: Send + 'static, V: Serialize>(
    request: Request,
    app: &Arc<App>,
    caller: &Caller,
    body: Body,
    parse: impl FnOnce(&Body) -> Result<T, ApiError>,
    work: impl FnOnce(&mut AnyConnection, &Cx, T) -> ActionResult<V> + Send + 'static,
) -> ApiResult {
    create_prepared(request, app, caller, async move || parse(&body), work).await
}

/// As [`create`], where something takes time before the transaction: `prepare` reads the body too.
///
/// # Errors
/// As [`Request::run`].
pub async fn create_prepared<T: Send + 'static, V: Serialize>(
    request: Request,
    app: &Arc<App>,
    caller: &Caller,
    prepare: impl AsyncFnOnce() -> Result<T, ApiError>,
    work: impl FnOnce(&mut AnyConnection, &Cx, T) -> ActionResult<V> + Send + 'static,
) -> ApiResult {
    let cx = caller.cx(app.clock.now());
    let app_ = Arc::clone(app);
    request
        .run(app, caller, StatusCode::CREATED, move |ticket| async move {
            let wanted = prepare().await?;
            let services = Arc::clone(&app_.services);
            let stored = app_.write(move |conn| {
                let view = work(conn, &cx, wanted)?;
                let bytes = serde_json::to_vec(&view).map_err(|error| ActionError::Internal(error.to_string()))?;
                if let Some(ticket) = &ticket {
                    idempotency::complete(conn, cx.now, &services, ticket, 201, &bytes)?;
                }
                Ok(bytes)
            });
            Ok(stored.await?)
        })
        .await
}
