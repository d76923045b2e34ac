//! Sessions of the dashboard: actix-session over our own table, so that one can be ended from the server.
//! The store keeps only the digest of a key; the cookie ends with the browser, the row by idle and absolute limit.

use std::collections::HashMap;
use std::sync::Arc;

use actix_session::config::{BrowserSession, CookieContentSecurity};
use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::SameSite;
use actix_web::cookie::time::Duration;
use chrono::TimeDelta;

use super::layout::Flash;
use super::session_keys::SessionKeys;
use crate::actions::ActionError;
use crate::app::App;
use crate::domain::ids::Id;
use crate::models::sessions;
use crate::secrets::{Token, digest, hex, same};
use crate::telemetry::RequestInfo;

const USER: &str = "user";
const ADDRESS: &str = "address";
const AGENT: &str = "agent";
const CSRF: &str = "csrf";
const ACCOUNT: &str = "account";
const VIEW_AS: &str = "view_as";
const FLASH: &str = "flash";
/// Put in when a session is loaded, never stored.
const DIGEST: &str = "digest";

/// A session nobody signed in to lasts this long.
const ANONYMOUS: TimeDelta = TimeDelta::hours(12);
/// How exactly the last use is noted: less often than every request, so that reading pages writes nothing.
const TOUCH_EVERY: TimeDelta = TimeDelta::minutes(1);

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

/// The table behind the sessions.
pub struct Store(Arc<App>);

type State = HashMap<String, String>;

fn value<T: serde::de::DeserializeOwned>(state: &State, key: &str) -> Option<T> {
    state.get(key).and_then(|text| serde_json::from_str(text).ok())
}

fn failed(error: &ActionError) -> anyhow::Error {
    if let ActionError::Internal(detail) = error {
        log::error!("sessions: {detail}");
    }
    anyhow::Error::msg(error.to_string())
}

impl Store {
    async fn load_live(&self, key: &str) -> Result<Option<State>, ActionError> {
        let (now, key_digest) = (self.0.clock.now().naive_utc(), digest(key).to_vec());
        let idle = self.0.config.session_idle;
        let wanted = key_digest.clone();
        let Some(row) = self.0.glimpse(move |conn| Ok(sessions::find(conn, &wanted)?)).await? else { return Ok(None) };
        if row.expires_at <= now || (row.user_id.is_some() && row.last_seen_at + idle < now) {
            self.0.write(move |conn| Ok(sessions::delete(conn, &row.digest)?)).await?;
            return Ok(None);
        }
        if row.last_seen_at + TOUCH_EVERY <= now {
            let used = key_digest.clone();
            self.0.write(move |conn| Ok(sessions::touch(conn, &used, now)?)).await?;
        }
        let mut state: State =
            serde_json::from_str(&row.state).map_err(|error| ActionError::Internal(error.to_string()))?;
        state.insert(DIGEST.into(), format!("\"{}\"", hex(&key_digest)));
        Ok(Some(state))
    }

    fn row(&self, mut state: State, key: &Token) -> sessions::Session {
        state.remove(DIGEST);
        let now = self.0.clock.now();
        let user_id = value(&state, USER);
        let limit = if user_id.is_some() { self.0.config.session_absolute } else { ANONYMOUS };
        sessions::Session {
            digest: key.digest().to_vec(),
            user_id,
            address: value(&state, ADDRESS).unwrap_or_default(),
            user_agent: value(&state, AGENT).unwrap_or_default(),
            state: serde_json::to_string(&state).unwrap_or_default(),
            created_at: now.naive_utc(),
            last_seen_at: now.naive_utc(),
            expires_at: (now + limit).naive_utc(),
        }
    }
}

impl SessionStore for Store {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        self.load_live(key.as_ref()).await.map_err(|error| LoadError::Other(failed(&error)))
    }

    async fn save(&self, state: State, _ttl: &Duration) -> Result<SessionKey, SaveError> {
        let key = Token::generate();
        let row = self.row(state, &key);
        self.0
            .write(move |conn| Ok(sessions::insert(conn, &row)?))
            .await
            .map_err(|error| SaveError::Other(failed(&error)))?;
        SessionKey::try_from(key.as_str().to_owned()).map_err(|error| SaveError::Other(error.into()))
    }

    async fn update(&self, key: SessionKey, mut state: State, _ttl: &Duration) -> Result<SessionKey, UpdateError> {
        state.remove(DIGEST);
        let text = serde_json::to_string(&state).unwrap_or_default();
        let (now, key_digest) = (self.0.clock.now().naive_utc(), digest(key.as_ref()));
        self.0
            .write(move |conn| Ok(sessions::save_state(conn, &key_digest, &text, now)?))
            .await
            .map_err(|error| UpdateError::Other(failed(&error)))?;
        Ok(key)
    }

    async fn update_ttl(&self, _key: &SessionKey, _ttl: &Duration) -> Result<(), anyhow::Error> {
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        let key_digest = digest(key.as_ref());
        self.0
            .write(move |conn| Ok(sessions::delete(conn, &key_digest)?))
            .await
            .map(drop)
            .map_err(|error| failed(&error))
    }
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
    put(session, CSRF, hex(&Token::generate().digest()));
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

/// The token for the forms of a page: the session's own, masked afresh each time, so that compression tells nothing
/// of it (BREACH).
#[must_use]
pub fn csrf(session: &Session) -> String {
    let secret = session.get::<String>(CSRF).ok().flatten().unwrap_or_else(|| {
        let fresh = hex(&Token::generate().digest());
        put(session, CSRF, &fresh);
        fresh
    });
    let pad = hex(&Token::generate().digest());
    let masked = xor(&secret, &pad).unwrap_or_default();
    format!("{pad}{masked}")
}

/// Whether `token` was made by [`csrf`] for this session.
#[must_use]
pub fn csrf_matches(session: &Session, token: &str) -> bool {
    let Some(secret) = session.get::<String>(CSRF).ok().flatten() else { return false };
    let unmasked = token.split_at_checked(secret.len()).and_then(|(pad, masked)| xor(masked, pad));
    unmasked.is_some_and(|given| same(given.as_bytes(), secret.as_bytes()))
}

/// Two hexadecimal texts of one length, combined.
fn xor(a: &str, b: &str) -> Option<String> {
    let digits = |text: &str| text.chars().map(|digit| digit.to_digit(16)).collect::<Option<Vec<_>>>();
    let (a, b) = (digits(a)?, digits(b)?);
    (a.len() == b.len()).then_some(())?;
    a.iter().zip(&b).map(|(a, b)| char::from_digit(a ^ b, 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masking_twice_with_one_pad_gives_the_token_back() {
        let (secret, pad) = (hex(&[7; 32]), hex(&[201; 32]));
        let masked = xor(&secret, &pad).expect("hexadecimal");
        assert_ne!(masked, secret);
        assert_eq!(xor(&masked, &pad), Some(secret));
        assert_eq!(xor("zz", "00"), None);
        assert_eq!(xor("0", "00"), None);
    }
}
