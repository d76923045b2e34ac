//! The device cookie: names a person who signed in here before, so that others' guesses elsewhere do not lock them
//! out here. It signs nobody in; it only counts tries on its own.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::app::App;
use crate::domain::ids::Id;
use crate::secrets::Token;

const CONTEXT: &str = "device_cookie";

fn name(app: &App) -> &'static str {
    if app.config.is_https() { "__Host-canopy-device" } else { "canopy-device" }
}

/// The person and the device's secret, when the cookie is one of ours.
#[must_use]
pub fn read(app: &App, request: &HttpRequest) -> Option<(Id, String)> {
    let cookie = request.cookie(name(app))?;
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(cookie.value()).ok()?;
    let text = String::from_utf8(app.services.secrets.open(CONTEXT, &sealed).ok()?).ok()?;
    let (id, secret) = text.split_once(' ')?;
    Some((id.parse().ok()?, secret.to_owned()))
}

/// A year's cookie for `user` on this device.
#[must_use]
pub fn cookie(app: &Arc<App>, user: Id) -> Cookie<'static> {
    let text = format!("{user} {}", Token::generate().as_str());
    let sealed = app.services.secrets.seal(CONTEXT, text.as_bytes());
    Cookie::build(name(app), BASE64_URL_SAFE_NO_PAD.encode(sealed))
        .path("/")
        .secure(app.config.is_https())
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(Duration::days(365))
        .finish()
}
