//! A request's id, its client's address, and one log line for each request.

pub(crate) mod patience;

use std::future::{Future, Ready, ready};
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{Error, HttpMessage, HttpRequest};
use ipnet::IpNet;

use crate::app::App;
use crate::domain::ids::Id;

/// What every surface needs to know of a request before it knows who sent it.
#[derive(Clone, Debug)]
pub struct RequestInfo {
    pub id: String,
    pub ip: IpAddr,
}

/// The information that the middleware attached.
#[must_use]
pub fn info(request: &HttpRequest) -> RequestInfo {
    request
        .extensions()
        .get::<RequestInfo>()
        .cloned()
        .unwrap_or_else(|| RequestInfo { id: String::new(), ip: IpAddr::from([0, 0, 0, 0]) })
}

/// The client's address: the peer's, or, when the peer is a trusted proxy, the nearest address in `X-Forwarded-For`
/// that is not one.
#[must_use]
pub fn client_ip(peer: Option<IpAddr>, forwarded: Option<&str>, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.unwrap_or(IpAddr::from([0, 0, 0, 0])).to_canonical();
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|network| network.contains(ip));
    if !is_trusted(&peer) {
        return peer;
    }
    let mut client = peer;
    for hop in forwarded.unwrap_or_default().rsplit(',').map(str::trim).filter(|hop| !hop.is_empty()) {
        let Ok(ip) = hop.parse::<IpAddr>() else { break };
        client = ip.to_canonical();
        if !is_trusted(&client) {
            break;
        }
    }
    client
}

/// The middleware.
pub struct RequestLog(Arc<App>);

impl RequestLog {
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self(app)
    }
}

impl<S, B> Transform<S, ServiceRequest> for RequestLog
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = Middleware<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(Middleware { app: Arc::clone(&self.0), service: Rc::new(service) }))
    }
}

pub struct Middleware<S> {
    app: Arc<App>,
    service: Rc<S>,
}

type Answer<B> = Pin<Box<dyn Future<Output = Result<ServiceResponse<B>, Error>>>>;

impl<S, B> Service<ServiceRequest> for Middleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = Answer<B>;

    fn poll_ready(&self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (started, begun) = (self.app.clock.now(), Instant::now());
        let forwarded = request.headers().get("x-forwarded-for").and_then(|value| value.to_str().ok());
        let ip = client_ip(request.peer_addr().map(|peer| peer.ip()), forwarded, &self.app.config.trusted_proxies);
        let info = RequestInfo { id: Id::new(started).to_string(), ip };
        request.extensions_mut().insert(info.clone());
        let (method, path) = (request.method().clone(), loggable(request.path()));
        let (service, app) = (Rc::clone(&self.service), Arc::clone(&self.app));
        Box::pin(async move {
            let answered = service.call(request).await;
            let status = match &answered {
                Ok(response) => response.status(),
                Err(error) => error.as_response_error().status_code(),
            };
            app.metrics.serving.answered(&path, status.as_u16(), begun.elapsed());
            let mut response = answered?;
            if let Ok(value) = HeaderValue::from_str(&info.id) {
                response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
            }
            let took = (app.clock.now() - started).num_milliseconds();
            log::info!("request={} ip={ip} {method} {path} {} {took}ms", info.id, response.status().as_u16());
            Ok(response)
        })
    }
}

/// A path without the secrets that some links carry.
fn loggable(path: &str) -> String {
    for prefix in ["/invite/", "/reset/", "/setup/", "/dns/", "/settings/profile/email/"] {
        if path.starts_with(prefix) {
            return format!("{prefix}****");
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn forwarded_for_is_ignored_from_a_peer_that_is_no_trusted_proxy() {
        assert_eq!(client_ip(Some(ip("203.0.113.9")), Some("198.51.100.1"), &[]), ip("203.0.113.9"));
    }

    #[test]
    fn the_nearest_untrusted_hop_is_the_client_so_that_a_forged_one_before_it_has_no_effect() {
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        let forwarded = Some("1.1.1.1, 198.51.100.1, 10.0.0.7");
        assert_eq!(client_ip(Some(ip("10.0.0.8")), forwarded, &trusted), ip("198.51.100.1"));
    }

    #[test]
    fn links_with_a_secret_are_not_logged() {
        assert_eq!(loggable("/reset/abc"), "/reset/****");
    }
}
