//! For whoever watches the program: is the process there, and can it serve.

use actix_web::{HttpResponse, web::Data};

use crate::app::App;
use crate::models::migrate;

/// `GET /healthz`: the process answers.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// `GET /readyz`: the database answers, with the schema of this version.
pub async fn readyz(app: Data<App>) -> HttpResponse {
    let app = app.into_inner();
    let pending = tokio::task::spawn_blocking(move || migrate::pending(&app.db)).await;
    let plain = "text/plain; charset=utf-8";
    match pending {
        Ok(Ok(0)) => HttpResponse::Ok().content_type(plain).body("ready\n"),
        Ok(Ok(_)) => HttpResponse::ServiceUnavailable().content_type(plain).body("the schema is not current\n"),
        Ok(Err(error)) => {
            log::warn!("not ready: {error}");
            HttpResponse::ServiceUnavailable().content_type(plain).body("the database does not answer\n")
        }
        Err(error) => {
            log::error!("not ready: {error}");
            HttpResponse::ServiceUnavailable().content_type(plain).body("not ready\n")
        }
    }
}
