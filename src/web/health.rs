//! For whoever watches the program: is the process there, and can it serve.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::{self, Data, ServiceConfig, resource};

use crate::app::App;
use crate::models::health::Lack;
use crate::models::migrate;

const PLAIN: &str = "text/plain; charset=utf-8";

/// What a node without the role `web` answers: how it is, and nothing else.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(resource("/healthz").route(web::get().to(healthz)).route(web::head().to(healthz)))
        .service(resource("/readyz").route(web::get().to(readyz)).route(web::head().to(readyz)))
        .default_service(web::to(|| async {
            HttpResponse::NotFound().content_type(PLAIN).body(
                "not served here
",
            )
        }));
}

/// `GET /healthz`: the process answers.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type(PLAIN).body("ok\n")
}

/// `GET /readyz`: whether it can serve, and in a line each what that takes: the database answers and takes writes, its
/// schema is of this version, there was room on its disk, and the committer's line is not full.
pub async fn readyz(app: Data<App>) -> HttpResponse {
    let app = app.into_inner();
    let node = Arc::clone(&app);
    let pending = tokio::task::spawn_blocking(move || migrate::pending(&node.db)).await;
    let (database, schema) = match pending {
        Ok(Ok(0)) => ("answers", "current"),
        Ok(Ok(_)) => ("answers", "not current"),
        Ok(Err(error)) => {
            log::warn!("not ready: {error}");
            ("does not answer", "unknown")
        }
        Err(error) => {
            log::error!("not ready: {error}");
            ("does not answer", "unknown")
        }
    };
    let lack = app.db.health.lack();
    let disk = if lack == Some(Lack::Disk) { "full" } else { "has room" };
    let database = if lack == Some(Lack::Writes) { "takes no writes" } else { database };
    let (waiting, most) = app.committer.waiting();
    let ready = schema == "current" && !matches!(lack, Some(Lack::Disk | Lack::Writes)) && waiting < most;
    let said = format!(
        "{}\ndatabase: {database}\nschema: {schema}\ndisk: {disk}\nline: {waiting} of {most}\n",
        if ready { "ready" } else { "not ready" }
    );
    let mut answer = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer.content_type(PLAIN).body(said)
}
