//! A request's id, its client's address, and one log line for each request.

pub(crate) mod held;
mod path;
pub(crate) mod patience;

use std::future::{Future, Ready, ready};
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use crate::app::App;
use crate::config::Config;
use crate::domain::ids::Id;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{Error, HttpMessage, HttpRequest};
pub use path::{loggable, path_of};

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

/// The client's address: the peer's, or, when that is a trusted proxy, the one that it says it speaks for.
fn client_of(request: &ServiceRequest, config: &Config) -> IpAddr {
    let peer = request.peer_addr().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip());
    let lines = request.headers().get_all(config.forwarded_header.name());
    let lines: Vec<_> = lines.map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    config.forwarded_header.client(peer, &lines, &config.trusted_proxies)
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
        let ip = client_of(&request, &self.app.config);
        let info = RequestInfo { id: Id::new(started).to_string(), ip };
        request.extensions_mut().insert(info.clone());
        let (method, path) = (request.method().clone(), path_of(request.request()).to_owned());
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
            let (path, status) = (loggable(&path), response.status().as_u16());
            log::info!("request={} ip={ip} {method} {path} {status} {took}ms", info.id);
            Ok(response)
        })
    }
}
