//! Who calls: a key, of which account, from where. 401 before 403 before 429, and nothing of it is ever stored.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, Shared};

use super::error::ApiError;
use super::limits::Limits;
use crate::actions::{ActionError, ActionResult, Actor, ActorKind, Cx};
use crate::app::App;
use crate::domain::ids::Id;
use crate::domain::ip_allow_list::IpAllowList;
use crate::domain::scopes::{Family, Reach, Required, ScopeSet};
use crate::models::accounts::Account;
use crate::models::api_keys::ApiKey;
use crate::models::{AnyConnection, api_keys, suspensions};
use crate::secrets::{self, SecretKeys};
use crate::telemetry::{self, RequestInfo};

/// `last_used_at` may lag by this much, so that a busy key costs no write per request.
const USE_NOTED_EVERY: TimeDelta = TimeDelta::minutes(5);

/// An authenticated caller.
#[derive(Clone)]
pub struct Caller {
    pub account: Account,
    pub key: ApiKey,
    pub scopes: ScopeSet,
    pub ip: IpAddr,
    pub request_id: String,
    /// What signs the audit.
    keys: Arc<SecretKeys>,
}

impl Caller {
    /// The circumstances of an action this caller asks for.
    #[must_use]
    pub fn cx(&self, now: DateTime<Utc>) -> Cx {
        Cx {
            now,
            keys: Arc::clone(&self.keys),
            actor: Actor {
                kind: ActorKind::ApiKey,
                id: Some(self.key.id),
                label: self.key.label.clone(),
                account_id: Some(self.account.id),
                on_behalf_of: None,
                address: self.ip.to_string(),
                request_id: self.request_id.clone(),
            },
        }
    }

    /// Requires a plain scope such as `domains:read`.
    ///
    /// # Errors
    /// 403 that names it.
    pub fn require(&self, scope: &'static str) -> Result<(), ApiError> {
        self.require_any(&Required::Plain(scope), scope)
    }

    /// Requires the scope of a family for one domain, or for all.
    ///
    /// # Errors
    /// 403 that names it.
    pub fn require_domain(&self, family: Family, domain: &str) -> Result<(), ApiError> {
        if self.scopes.allows_domain(family, domain) {
            return Ok(());
        }
        Err(missing(&format!("{}:{{{domain}}}", family.as_str())))
    }

    /// The domains that a family reaches, for what is narrowed silently.
    ///
    /// # Errors
    /// 403 when the key holds no scope of the family at all.
    pub fn reach(&self, family: Family) -> Result<Reach, ApiError> {
        let required = Required::Any(family);
        self.require_any(&required, &required.to_string())?;
        Ok(self.scopes.reach(family))
    }

    fn require_any(&self, required: &Required, name: &str) -> Result<(), ApiError> {
        if self.scopes.allows(required) { Ok(()) } else { Err(missing(name)) }
    }

    /// Requires that the caller is a parent account: a sub account has none of its own.
    ///
    /// # Errors
    /// 403 for a sub account's key.
    pub fn require_parent(&self) -> Result<Id, ApiError> {
        match self.account.parent_id {
            None => Ok(self.account.id),
            Some(_) => {
                Err(ApiError::new(StatusCode::FORBIDDEN, "a sub account cannot have sub accounts")
                    .because("parent_only"))
            }
        }
    }
}

/// 403 for a scope that the key does not hold.
#[must_use]
pub fn missing(scope: &str) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, format!("insufficient permissions: this key does not hold the scope {scope}"))
        .because("scope")
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Box::pin(caller_of(request))
    }
}

/// The caller of a request, looked up once for all that asks: a body is not read before it is known whose it is.
pub type Known = Shared<LocalBoxFuture<'static, Result<Caller, ApiError>>>;

/// Who sent `request`, as soon as it is known.
pub fn caller_of(request: &HttpRequest) -> Known {
    if let Some(known) = request.extensions().get::<Known>() {
        return known.clone();
    }
    let presented = Presented::read(request);
    let known = async move { authenticate(presented?).await }.boxed_local().shared();
    request.extensions_mut().insert(known.clone());
    known
}

/// What a request shows of who sent it. Not the request itself, which keeps what is found.
struct Presented {
    app: Arc<App>,
    limits: Data<Limits>,
    digest: [u8; 32],
    info: RequestInfo,
    /// The account that the path names.
    in_path: Option<String>,
}

impl Presented {
    fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        let app = request.app_data::<Data<App>>().cloned().ok_or_else(|| ApiError::from(unconfigured()))?.into_inner();
        let limits = request.app_data::<Data<Limits>>().cloned().ok_or_else(|| ApiError::from(unconfigured()))?;
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let secret = header
            .and_then(|value| value.strip_prefix("Bearer "))
            .map(str::trim)
            .filter(|secret| !secret.is_empty())
            .ok_or_else(|| ApiError::unauthorized("missing or malformed bearer token"))?;
        let in_path = request.match_info().get("account_id").map(str::to_owned);
        Ok(Self { app, limits, digest: secrets::digest(secret), info: telemetry::info(request), in_path })
    }
}

async fn authenticate(presented: Presented) -> Result<Caller, ApiError> {
    let Presented { app, limits, digest, info, in_path } = presented;
    let now = app.clock.now();
    let keys = Arc::clone(&app.services.secrets);
    let caller = app.glimpse(move |conn| look_up(conn, now, &digest, info, keys)).await?.ok_or_else(invalid)??;
    if in_path.is_some_and(|text| text.parse::<Id>().ok() != Some(caller.account.id)) {
        return Err(invalid());
    }
    let allowed = IpAllowList::from_stored(&caller.key.allowed());
    if !allowed.permits(caller.ip) {
        let message = format!("this key may not be used from {}", caller.ip);
        return Err(ApiError::new(StatusCode::FORBIDDEN, message).because("ip"));
    }
    limits.check(&app, caller.account.id).await?;
    note_use(&app, &caller, now).await?;
    Ok(caller)
}

fn unconfigured() -> ActionError {
    ActionError::Internal("a route was mounted without its application".into())
}

/// Alike for an unknown key, a deleted one, and one of another account than the path's.
fn invalid() -> ApiError {
    ApiError::unauthorized("invalid API key")
}

type LookedUp = Option<Result<Caller, ApiError>>;

fn look_up(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    digest: &[u8],
    info: RequestInfo,
    keys: Arc<SecretKeys>,
) -> ActionResult<LookedUp> {
    let Some((key, account)) = api_keys::find_by_digest(conn, digest)? else { return Ok(None) };
    let standing = suspensions::standing(conn, account.id, None, now.naive_utc())?;
    let Some(standing) = standing else { return Ok(None) };
    if standing.held || standing.parent_held {
        return Ok(Some(Err(ActionError::Suspended { parent: !standing.held }.into())));
    }
    if !standing.complete {
        return Ok(None);
    }
    let scopes = api_keys::scopes_of(conn, &[key.id])?;
    let scopes = ScopeSet::from_stored(scopes.iter().map(|row| row.scope.as_str()));
    Ok(Some(Ok(Caller { account, key, scopes, ip: info.ip, request_id: info.id, keys })))
}

async fn note_use(app: &Arc<App>, caller: &Caller, now: DateTime<Utc>) -> Result<(), ApiError> {
    let stale = caller.key.last_used_at.is_none_or(|at| now.naive_utc() - at >= USE_NOTED_EVERY);
    if stale {
        let id = caller.key.id;
        app.write(move |conn| Ok(api_keys::touch(conn, &[id], now.naive_utc())?)).await?;
    }
    Ok(())
}
