//! The addresses of an account's pages, under both of its bases.

use actix_web::web::ServiceConfig;

use super::{
    activity, credentials, key_form, members, message, messages, overview, overview_now, settings, smtp_credentials,
    suppression_changes, suppressions, test_message, transport, usage,
};
use crate::web::queue;
use crate::web::routes::{Page, page};

/// Mounts them. After `/sub-accounts/new` and its like, because `{id}` takes any word.
pub fn configure(config: &mut ServiceConfig) {
    both(config, "", |page| page.get(overview::show));
    both(config, "/now", |page| page.get(overview_now::show));
    both(config, "/usage", |page| page.get(usage::show));
    both(config, "/usage.csv", |page| page.get(usage::csv));
    both(config, "/usage.xlsx", |page| page.get(usage::xlsx));
    both(config, "/messages", |page| page.get(messages::list));
    both(config, "/messages/{message}", |page| page.get(message::show));
    both(config, "/messages/{message}/raw", |page| page.get(message::download_raw));
    both(config, "/messages/{message}/kept", |page| page.get(message::download_kept));
    both(config, "/messages/{message}/cancel", |page| page.post(message::cancel));
    both(config, "/queue", |page| page.get(queue::of_account).post(queue::change_of_account));
    both(config, "/test", |page| page.get(test_message::show).post(test_message::send));
    both(config, "/suppressions", |page| page.get(suppressions::list).post(suppression_changes::add));
    both(config, "/suppressions.csv", |page| page.get(suppressions::export));
    both(config, "/suppressions/remove", |page| page.post(suppression_changes::remove));
    both(config, "/suppressions/wipe", |page| page.get(suppression_changes::ask_wipe).post(suppression_changes::wipe));
    both(config, "/activity", |page| page.get(activity::show));
    both(config, "/settings", |page| page.get(settings::show).post(settings::save));
    everywhere(config, "/credentials", |page| page.get(credentials::list));
    everywhere(config, "/credentials/new", |page| page.get(key_form::new).post(key_form::create));
    everywhere(config, "/credentials/smtp/new", |page| page.get(smtp_credentials::new).post(smtp_credentials::create));
    everywhere(config, "/credentials/smtp/{credential}/delete", |page| {
        page.get(smtp_credentials::ask_delete).post(smtp_credentials::delete)
    });
    everywhere(config, "/credentials/{key}", |page| page.get(key_form::edit).post(key_form::update));
    everywhere(config, "/credentials/{key}/delete", |page| page.get(credentials::ask_delete).post(credentials::delete));
    everywhere(config, "/members", |page| page.get(members::list).post(members::invite));
    everywhere(config, "/members/{member}/role", |page| page.post(members::set_role));
    everywhere(config, "/members/{member}/remove", |page| page.post(members::remove));
    everywhere(config, "/members/{member}/invite", |page| page.post(members::invite_again));
    both(config, "/transport", |page| page.get(transport::show).post(transport::choose));
}

/// Under `/settings` too, where an agency looks for its own.
fn everywhere(config: &mut ServiceConfig, rest: &str, with: impl Fn(Page) -> Page) {
    config.service(with(page(&format!("/settings{rest}"))));
    both(config, rest, with);
}

fn both(config: &mut ServiceConfig, rest: &str, with: impl Fn(Page) -> Page) {
    for base in ["/account", "/sub-accounts/{id}"] {
        config.service(with(page(&format!("{base}{rest}"))));
    }
}
