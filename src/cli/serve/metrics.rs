//! The listener for Prometheus: `/metrics` and nothing else, on an address of its own that no client reaches.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::{HttpServer, web as actix};

use crate::app::App;
use crate::{telemetry, web};

type Failed = Box<dyn std::error::Error>;

/// Serves at the configured address until the handle stops it; nothing where it is off.
///
/// # Errors
/// When the address is taken or not ours.
pub fn start(app: &Arc<App>) -> Result<Option<ServerHandle>, Failed> {
    let Some(address) = app.config.metrics_listen else { return Ok(None) };
    let listener =
        TcpListener::bind(address).map_err(|error| format!("cannot listen on {address} for metrics: {error}"))?;
    log::info!("serving metrics on {}", listener.local_addr()?);
    let shared = Arc::clone(app);
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(actix::Data::from(Arc::clone(&shared)))
            .wrap(telemetry::RequestLog::new(Arc::clone(&shared)))
            .route("/metrics", actix::get().to(web::metrics::scrape))
    })
    .workers(1)
    // The main server hears the signals; this one ends with it.
    .disable_signals()
    .shutdown_timeout(1)
    .listen(listener)?
    .run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok(Some(handle))
}
