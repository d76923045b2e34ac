//! The site map of the API.

use std::sync::Arc;

use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource, ResponseError};

use super::error::ApiError;
use super::{
    account, api_keys, domains, edge, members, messages, openapi, ping, smtp_credentials, sub_account_keys,
    sub_accounts, suppressions, transports, usage,
};
use crate::actions::ActionError;

/// Mounts everything under `/v2`.
pub fn configure(config: &mut ServiceConfig) {
    let malformed = |error: &dyn std::fmt::Display| ApiError::bad_request(error.to_string());
    config
        .app_data(web::QueryConfig::default().error_handler(move |error, _| malformed(&error).into()))
        .app_data(web::PathConfig::default().error_handler(move |error, _| malformed(&error).into()));
    let scope = table().0.into_iter().fold(web::scope("/v2"), |scope, route| scope.service(route.mounted()));
    config.service(scope.default_service(web::to(not_found)).wrap(from_fn(edge::edge)));
}

/// Every (method, path) that is answered. Wherever GET is, HEAD is too: the same without its body (RFC 9110 section 9.3.2).
#[must_use]
pub fn listed() -> Vec<(String, String)> {
    let of_route = |route: Route| {
        let path = format!("/v2{}", route.path);
        route.methods.into_iter().map(move |method| (method.to_string(), path.clone()))
    };
    table().0.into_iter().flat_map(of_route).collect()
}

fn table() -> Table {
    Table::default()
        .service(resource("/openapi.json").get(openapi::serve))
        .service(resource("/ping").get(ping::ping))
        .service(resource("/accounts/{account_id}").get(account::get).put(account::update))
        .service(resource("/accounts/{account_id}/members").get(members::list).post(members::add))
        .service(resource("/accounts/{account_id}/members/{user_id}").delete(members::remove))
        .service(resource("/accounts/{account_id}/api-keys").get(api_keys::list).post(api_keys::create))
        .service(
            resource("/accounts/{account_id}/api-keys/{key_id}")
                .get(api_keys::get)
                .put(api_keys::update)
                .delete(api_keys::delete),
        )
        .service(
            resource("/accounts/{account_id}/smtp-credentials")
                .get(smtp_credentials::list)
                .post(smtp_credentials::create),
        )
        .service(
            resource("/accounts/{account_id}/smtp-credentials/{smtp_credential_id}")
                .get(smtp_credentials::get)
                .delete(smtp_credentials::delete),
        )
        .service(resource("/accounts/{account_id}/domains").get(domains::list).post(domains::create))
        .service(
            resource("/accounts/{account_id}/domains/{domain}")
                .get(domains::get)
                .put(domains::update)
                .delete(domains::delete),
        )
        .service(resource("/accounts/{account_id}/domains/{domain}/check-dns").post(domains::check_dns))
        .service(resource("/accounts/{account_id}/messages").get(messages::list).post(messages::create))
        .service(resource("/accounts/{account_id}/messages/conversation").post(messages::conversation))
        .service(resource("/accounts/{account_id}/messages/{message_id}").get(messages::get))
        .service(resource("/accounts/{account_id}/messages/{message_id}/cancel").delete(messages::cancel))
        .service(resource("/accounts/{account_id}/sub-accounts").get(sub_accounts::list).post(sub_accounts::create))
        .service(resource("/accounts/{account_id}/sub-accounts/usage").get(usage::get))
        .service(
            resource("/accounts/{account_id}/sub-accounts/{sub_account_id}")
                .get(sub_accounts::get)
                .put(sub_accounts::update)
                .delete(sub_accounts::delete),
        )
        .service(resource("/accounts/{account_id}/sub-accounts/{sub_account_id}/suspend").post(sub_accounts::suspend))
        .service(
            resource("/accounts/{account_id}/sub-accounts/{sub_account_id}/unsuspend").post(sub_accounts::unsuspend),
        )
        .service(
            resource("/accounts/{account_id}/sub-accounts/{sub_account_id}/api-keys")
                .get(sub_account_keys::list)
                .post(sub_account_keys::create),
        )
        .service(
            resource("/accounts/{account_id}/sub-accounts/{sub_account_id}/api-keys/{key_id}")
                .get(sub_account_keys::get)
                .put(sub_account_keys::update)
                .delete(sub_account_keys::delete),
        )
        .service(resource("/accounts/{account_id}/sub-accounts/{sub_account_id}/transport").put(transports::choose))
        .service(resource("/accounts/{account_id}/transports").get(transports::list).post(transports::create))
        .service(
            resource("/accounts/{account_id}/transports/{transport_id}")
                .get(transports::get)
                .put(transports::update)
                .delete(transports::delete),
        )
        .service(
            resource("/accounts/{account_id}/suppressions")
                .get(suppressions::list)
                .post(suppressions::create)
                .delete(suppressions::delete),
        )
        .service(resource("/accounts/{account_id}/suppressions/all").delete(suppressions::wipe))
}

/// The routes, in the order in which they are tried.
#[derive(Default)]
struct Table(Vec<Route>);

impl Table {
    fn service(mut self, route: Route) -> Self {
        self.0.push(route);
        self
    }
}

/// A path and the methods it knows.
struct Route {
    path: String,
    methods: Vec<Method>,
    resource: Resource,
}

fn resource(path: &str) -> Route {
    Route { path: path.to_owned(), methods: Vec::new(), resource: web::resource(path) }
}

impl Route {
    /// What is mounted: every other method gets a 405 that names these.
    fn mounted(self) -> Resource {
        let named = |method: &Method| if *method == Method::GET { "GET, HEAD" } else { method.as_str() }.to_owned();
        let allow: Arc<str> = self.methods.iter().map(named).collect::<Vec<_>>().join(", ").into();
        let refuse = move |request: HttpRequest| {
            let allow = Arc::clone(&allow);
            async move { method_not_allowed(&request, &allow) }
        };
        self.resource.default_service(web::to(refuse))
    }
}

impl Route {
    fn get<F, Args>(mut self, handler: F) -> Self
    where
        F: actix_web::Handler<Args>,
        Args: actix_web::FromRequest + 'static,
        F::Output: actix_web::Responder + 'static,
    {
        self.resource = self.resource.route(web::method(Method::HEAD).to(handler.clone()));
        self.method(Method::GET, handler)
    }

    fn method<F, Args>(mut self, method: Method, handler: F) -> Self
    where
        F: actix_web::Handler<Args>,
        Args: actix_web::FromRequest + 'static,
        F::Output: actix_web::Responder + 'static,
    {
        self.methods.push(method.clone());
        self.resource = self.resource.route(web::method(method).to(handler));
        self
    }
}

macro_rules! methods {
    ($($name:ident $method:ident),*) => {
        impl Route {
            $(fn $name<F, Args>(self, handler: F) -> Self
            where
                F: actix_web::Handler<Args>,
                Args: actix_web::FromRequest + 'static,
                F::Output: actix_web::Responder + 'static,
            {
                self.method(Method::$method, handler)
            })*
        }
    };
}
methods!(post POST, put PUT, delete DELETE);

fn method_not_allowed(request: &HttpRequest, allow: &str) -> Result<HttpResponse, ApiError> {
    let message = format!("{} is not possible here: use {allow}", request.method());
    let mut response = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, message).error_response();
    let value = HeaderValue::from_str(allow).map_err(|error| ActionError::Internal(error.to_string()))?;
    response.headers_mut().insert(ALLOW, value);
    Ok(response)
}

async fn not_found() -> HttpResponse {
    ApiError::new(StatusCode::NOT_FOUND, "there is nothing at this path").error_response()
}
