//! The keys that session cookies are signed with, and how a session outlives a change of them: a cookie under a key that
//! was put behind a new one is signed anew under the first, before anything else reads it.
//!
//! The session's own key is 256 random bits and looked up by its digest; the signature only spares a look-up for
//! made-up ones.

use actix_web::body::MessageBody;
use actix_web::cookie::{Cookie, CookieJar, Key, SameSite};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{COOKIE, HeaderValue, SET_COOKIE};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use secrecy::ExposeSecret;

use super::session::cookie_name;
use crate::app::App;
use crate::secrets::sha256;

/// One for each key of `secret_key`, the first of which signs.
pub struct SessionKeys {
    first: Key,
    older: Vec<Key>,
    name: &'static str,
    secure: bool,
}

impl SessionKeys {
    #[must_use]
    pub fn of(app: &App) -> Self {
        let text = app.config.secret_key.expose_secret();
        let entries: Vec<&str> = text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).collect();
        // Earlier versions signed with all of the text.
        let older = entries.iter().skip(1).copied().chain([text]).map(derived).collect();
        let first = derived(entries.first().copied().unwrap_or_default());
        Self { first, older, name: cookie_name(app), secure: app.config.is_https() }
    }

    /// The one that signs.
    #[must_use]
    pub fn signing(&self) -> Key {
        self.first.clone()
    }

    /// `cookie` signed by the first key, where an older one signed it.
    fn renewed(&self, cookie: &Cookie<'static>) -> Option<Cookie<'static>> {
        let mut jar = CookieJar::new();
        jar.add_original(cookie.clone());
        if jar.signed(&self.first).get(self.name).is_some() {
            return None;
        }
        let plain = self.older.iter().find_map(|key| jar.signed(key).get(self.name))?;
        let fresh = Cookie::build(self.name, plain.value().to_owned())
            .path("/")
            .secure(self.secure)
            .http_only(true)
            .same_site(SameSite::Lax)
            .finish();
        jar.signed_mut(&self.first).add(fresh);
        jar.get(self.name).cloned()
    }

    /// The request's cookies as they are to be read, and the session's as it is to be kept.
    fn read(&self, request: &ServiceRequest) -> Option<(HeaderValue, Cookie<'static>)> {
        let texts: Vec<&str> = request
            .headers()
            .get_all(COOKIE)
            .filter_map(|value| value.to_str().ok())
            .flat_map(|all| all.split(';'))
            .collect();
        let mut renewed = None;
        let mut kept = Vec::with_capacity(texts.len());
        for text in texts.iter().map(|text| text.trim()) {
            let session = Cookie::parse_encoded(text.to_owned()).ok().filter(|cookie| cookie.name() == self.name);
            match session.and_then(|cookie| self.renewed(&cookie)) {
                Some(fresh) => {
                    kept.push(fresh.stripped().encoded().to_string());
                    renewed = Some(fresh);
                }
                None => kept.push(text.to_owned()),
            }
        }
        Some((HeaderValue::from_str(&kept.join("; ")).ok()?, renewed?))
    }
}

/// A key of the cookie jar from one entry of `secret_key`.
fn derived(entry: &str) -> Key {
    let half = |label: &str| sha256(format!("session cookie {label}: {entry}").as_bytes());
    Key::from(&[half("a"), half("b")].concat())
}

/// The middleware: outside of whatever reads cookies.
///
/// # Errors
/// Those of what is inside it.
pub async fn renew(
    keys: web::Data<SessionKeys>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let renewed = keys.read(&request).map(|(cookies, session)| {
        request.headers_mut().insert(COOKIE, cookies);
        session
    });
    let mut answer = next.call(request).await?;
    if let Some(session) = renewed {
        let starts = format!("{}=", keys.name);
        let mut set = answer.headers().get_all(SET_COOKIE);
        // Who signs in or out at this very moment gets a cookie of its own.
        if !set.any(|value| value.as_bytes().starts_with(starts.as_bytes())) {
            answer.response_mut().add_cookie(&session)?;
        }
    }
    Ok(answer)
}
