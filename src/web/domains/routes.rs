//! The addresses of an account's domains, for an agency looking at a client and for the account's own people; and the
//! page without sign-in.

use actix_web::web::ServiceConfig;

use super::{changes, list, open_page, show};
use crate::web::routes::page;

/// Mounts them.
pub fn configure(config: &mut ServiceConfig) {
    for base in ["/account", "/sub-accounts/{id}"] {
        let at = |rest: &str| page(&format!("{base}/domains{rest}"));
        config
            .service(at("").get(list::show).post(list::add))
            .service(at("/{domain}").get(show::show))
            .service(at("/{domain}/check").post(changes::check))
            .service(at("/{domain}/settings").post(changes::settings))
            .service(at("/{domain}/share").post(changes::share))
            .service(at("/{domain}/unshare").post(changes::unshare))
            .service(at("/{domain}/delete").post(changes::delete));
    }
    config
        .service(page("/dns/{token}").get(open_page::show))
        .service(page("/dns/{token}/check").post(open_page::check));
}
