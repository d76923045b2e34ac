//! SMTP credentials of the own account. A key that is limited to domains sees and ends those bound to one of them.

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::ToSchema;

use super::auth::{Caller, missing};
use super::body::Body;
use super::error::{ApiError, ApiResult};
use super::idempotent::{self, Request};
use super::pagination::{List, ListObject, PageQuery, PageRequest};
use super::views::{CredentialScope, SmtpCredential, SuccessResponse};
use crate::actions::create_smtp_credential::{NewSmtpCredential, create_smtp_credential};
use crate::actions::delete_smtp_credential::delete_smtp_credential;
use crate::actions::key_grant::KeyHolder;
use crate::actions::{ActionError, ActionResult};
use crate::app::App;
use crate::domain::domain_name::DomainName;
use crate::domain::ids::Id;
use crate::domain::refusal::Refusal;
use crate::domain::scopes::{Family, Reach, Required, ScopeSet};
use crate::domain::text::CredentialName;
use crate::models::{AnyConnection, smtp_credentials};

#[derive(Deserialize, ToSchema)]
#[schema(as = CreateSMTPCredentialRequest)]
pub struct CreateSmtpCredentialRequest {
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// Everything sent by them stays in the sandbox.
    sandbox: Option<bool>,
    #[schema(inline)]
    scope: CredentialScope,
    /// For `scoped`: at least one domain of the account. Ignored for `global`.
    domains: Option<Vec<String>>,
}

pub async fn list(app: Data<App>, caller: Caller, query: Query<PageQuery>) -> ApiResult {
    let reach = caller.reach(Family::SmtpCredentialsRead)?;
    let (account, page) = (caller.account.id, query.read()?);
    let list = app.into_inner().read(move |conn| page_of(conn, account, reach, page)).await?;
    Ok(HttpResponse::Ok().json(list))
}

fn page_of(
    conn: &mut AnyConnection,
    account: Id,
    reach: Reach,
    page: PageRequest,
) -> ActionResult<List<SmtpCredential>> {
    let only = match reach {
        Reach::Everything => None,
        Reach::Domains(domains) => Some(domains),
    };
    let edge = (page.edge, page.ascending);
    let rows = smtp_credentials::page(conn, account, only.as_deref(), edge, page.fetch())?;
    let (rows, pagination) = page.finish(rows, |row| row.id);
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let domains = smtp_credentials::domains_of(conn, &ids)?;
    let data = rows.iter().map(|row| SmtpCredential::new(row, &domains)).collect();
    Ok(List { object: ListObject::List, data, pagination })
}

pub async fn create(app: Data<App>, caller: Caller, request: HttpRequest, body: Body) -> ApiResult {
    caller.reach(Family::SmtpCredentialsWrite)?;
    let app = app.into_inner();
    let (holder, scopes) = (KeyHolder::Own(caller.account.id), caller.scopes.clone());
    let request = Request::read(&request, &body)?.with_secret();
    let parse = move |body: &Body| parse_new(body, &scopes);
    idempotent::create(request, &app, &caller, body, parse, move |conn, cx, new| {
        let created = create_smtp_credential(conn, cx, holder, &new)?;
        Ok(SmtpCredential::new(&created.credential, &created.domains).with_password(&created.password))
    })
    .await
}

/// Every domain has to be within the key's reach, and `global` takes all of it.
fn parse_new(body: &Body, scopes: &ScopeSet) -> Result<NewSmtpCredential, ApiError> {
    const FAMILY: Family = Family::SmtpCredentialsWrite;
    let at = |field: &'static str| move |refusal: Refusal| ApiError::bad_request(refusal.at(field).to_string());
    let wanted: CreateSmtpCredentialRequest = body.parse()?;
    let name = CredentialName::parse(&wanted.name).map_err(at("name"))?;
    let domains = match wanted.scope {
        CredentialScope::Global if !scopes.allows(&Required::All(FAMILY)) => {
            return Err(missing(&format!("{}:all", FAMILY.as_str())));
        }
        CredentialScope::Global => None,
        CredentialScope::Scoped => {
            let named = wanted.domains.unwrap_or_default();
            let parsed = named.iter().map(|name| DomainName::parse(name).map(String::from));
            Some(parsed.collect::<Result<Vec<_>, _>>().map_err(at("domains"))?)
        }
    };
    if let Some(beyond) = domains.iter().flatten().find(|domain| !scopes.allows_domain(FAMILY, domain)) {
        return Err(missing(&format!("{}:{{{beyond}}}", FAMILY.as_str())));
    }
    Ok(NewSmtpCredential { name, sandbox: wanted.sandbox.unwrap_or(false), domains })
}

pub async fn get(app: Data<App>, caller: Caller, path: Path<(String, String)>) -> ApiResult {
    let shown = find(&app.into_inner(), &caller, &path.1, Family::SmtpCredentialsRead).await?;
    Ok(HttpResponse::Ok().json(shown))
}

pub async fn delete(app: Data<App>, caller: Caller, path: Path<(String, String)>) -> ApiResult {
    let app = app.into_inner();
    let id = find(&app, &caller, &path.1, Family::SmtpCredentialsDelete).await?.id;
    let (cx, holder) = (caller.cx(app.clock.now()), KeyHolder::Own(caller.account.id));
    let row = app.write(move |conn| delete_smtp_credential(conn, &cx, holder, id)).await?;
    let message = format!("smtp credential {} ({}) deleted successfully", row.id, row.name);
    Ok(HttpResponse::Ok().json(SuccessResponse::new(message)))
}

/// The credentials that a path names, if the key may touch them: one matching domain is enough.
async fn find(
    app: &std::sync::Arc<App>,
    caller: &Caller,
    text: &str,
    family: Family,
) -> Result<SmtpCredential, ApiError> {
    let reach = caller.reach(family)?;
    let id: Id = text.parse().map_err(|_| ApiError::bad_request("smtp_credential_id must be a UUID"))?;
    let account = caller.account.id;
    let found = app.read(move |conn| {
        let row = smtp_credentials::find(conn, account, id)?.ok_or(ActionError::NotFound("smtp credential"))?;
        let domains = smtp_credentials::domains_of(conn, &[id])?;
        Ok(SmtpCredential::new(&row, &domains))
    });
    let found = found.await?;
    match reach {
        Reach::Domains(reached) if !found.domains.iter().any(|domain| reached.contains(domain)) => {
            let one = found.domains.first();
            Err(missing(&format!("{}:{}", family.as_str(), one.map_or("all".into(), |one| format!("{{{one}}}")))))
        }
        _ => Ok(found),
    }
}
