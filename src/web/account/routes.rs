//! The addresses of an account's pages, under both of its bases.

use actix_web::web::ServiceConfig;

use super::{activity, message, messages, overview, usage};
use crate::web::routes::{Page, page};

/// Mounts them. After `/sub-accounts/new` and its like, because `{id}` takes any word.
pub fn configure(config: &mut ServiceConfig) {
    both(config, "", |page| page.get(overview::show));
    both(config, "/usage", |page| page.get(usage::show));
    both(config, "/usage.csv", |page| page.get(usage::csv));
    both(config, "/messages", |page| page.get(messages::list));
    both(config, "/messages/{message}", |page| page.get(message::show));
    both(config, "/messages/{message}/raw", |page| page.get(message::download_raw));
    both(config, "/messages/{message}/kept", |page| page.get(message::download_kept));
    both(config, "/messages/{message}/cancel", |page| page.post(message::cancel));
    both(config, "/activity", |page| page.get(activity::show));
}

fn both(config: &mut ServiceConfig, rest: &str, with: impl Fn(Page) -> Page) {
    for base in ["/account", "/sub-accounts/{id}"] {
        config.service(with(page(&format!("{base}{rest}"))));
    }
}
