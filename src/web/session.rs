//! Sessions of the dashboard: who is signed in, and what was chosen and said on the last page. Whoever signed in has a row
//! in our own table, so that it can be ended from the server; whoever has not, has a signed cookie and no row.

mod store;
mod token;

use std::sync::Arc;

use actix_session::config::{BrowserSession, CookieContentSecurity};
use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::SameSite;
use actix_web::cookie::time::Duration;

use super::layout::Flash;
use super::session_keys::SessionKeys;
use crate::app::App;
use crate::domain::ids::Id;
use crate::telemetry::RequestInfo;
use store::Store;
pub use token::{csrf, csrf_matches, csrf_of};

const USER: &str = "user";
const ADDRESS: &str = "address";
const AGENT: &str = "agent";
const ACCOUNT: &str = "account";
const VIEW_AS: &str = "view_as";
const FLASH: &str = "flash";
/// Put in when a session is loaded, never stored.
const DIGEST: &str = "digest";

/// The name of the session cookie: `__Host-` pins it to this very host, and needs https.
#[must_use]
pub fn cookie_name(app: &App) -> &'static str {
    if app.config.is_https() { "__Host-canopy" } else { "canopy" }
}

/// The middleware for the dashboard.
#[must_use]
pub fn middleware(app: &Arc<App>) -> SessionMiddleware<Store> {
    SessionMiddleware::builder(Store(Arc::clone(app)), SessionKeys::of(app).signing())
        .cookie_name(cookie_name(app).to_owned())
        .cookie_secure(app.config.is_https())
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_content_security(CookieContentSecurity::Signed)
        .session_lifecycle(BrowserSession::default().state_ttl(Duration::days(365)))
        .build()
}

fn put<T: serde::Serialize>(session: &Session, key: &str, value: T) {
    if let Err(error) = session.insert(key, value) {
        log::error!("a session value cannot be written: {error}");
    }
}

/// Who signed in.
#[must_use]
pub fn user(session: &Session) -> Option<Id> {
    session.get(USER).ok().flatten()
}

/// The digest under which this session is stored; `None` while it is not.
#[must_use]
pub fn own_digest(session: &Session) -> Option<String> {
    session.get(DIGEST).ok().flatten()
}

/// Signs `user` in under a new key; whatever was in the session before is gone.
pub fn begin(session: &Session, user: Id, info: &RequestInfo, agent: &str) {
    session.clear();
    session.renew();
    put(session, USER, user);
    put(session, ADDRESS, info.ip.to_string());
    put(session, AGENT, agent.chars().take(255).collect::<String>());
    token::begin(session);
}

/// The account chosen in the switcher.
#[must_use]
pub fn account(session: &Session) -> Option<Id> {
    session.get(ACCOUNT).ok().flatten()
}

/// Chooses an account; a View as ends with it.
pub fn choose_account(session: &Session, account: Id) {
    session.remove(VIEW_AS);
    put(session, ACCOUNT, account);
}

/// The grant under which this session views as a child.
#[must_use]
pub fn view_as(session: &Session) -> Option<Id> {
    session.get(VIEW_AS).ok().flatten()
}

/// Enters or leaves a child.
pub fn set_view_as(session: &Session, grant: Option<Id>) {
    match grant {
        Some(grant) => put(session, VIEW_AS, grant),
        None => drop(session.remove(VIEW_AS)),
    }
}

/// Says something at the top of the next page.
pub fn flash(session: &Session, flash: &Flash) {
    put(session, FLASH, flash);
}

/// What the last request had to say, once.
#[must_use]
pub fn take_flash(session: &Session) -> Option<Flash> {
    let flash = session.get(FLASH).ok().flatten()?;
    session.remove(FLASH);
    Some(flash)
}
