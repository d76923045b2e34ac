//! Where sessions are kept. Of one that somebody signed in to the store keeps the digest of its key and the rest in a row;
//! the cookie ends with the browser, the row by idle and absolute limit. What is known of a stranger is in the key
//! itself, which the cookie's signature covers: whoever asks for pages stores nothing here.

use std::collections::HashMap;
use std::sync::Arc;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_web::cookie::time::Duration;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};

use super::{ADDRESS, AGENT, DIGEST, FLASH, USER};
use crate::actions::ActionError;
use crate::app::App;
use crate::models::sessions;
use crate::secrets::{Token, digest, hex};

/// A session nobody signed in to lasts this long.
const ANONYMOUS: TimeDelta = TimeDelta::hours(12);
/// How exactly the last use is noted: less often than every request, so that reading pages writes nothing.
const TOUCH_EVERY: TimeDelta = TimeDelta::minutes(1);
/// What the key of a stranger's session begins with; no other key does.
const STRANGER: char = '~';
/// When a stranger's session is over.
const UNTIL: &str = "until";
/// The most that a stranger's cookie holds, in bytes before base64: browsers take 4,096 in all.
const LARGEST: usize = 2048;

/// The table behind the sessions.
pub struct Store(pub Arc<App>);

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
        sessions::Session {
            digest: key.digest().to_vec(),
            user_id: value(&state, USER),
            address: value(&state, ADDRESS).unwrap_or_default(),
            user_agent: value(&state, AGENT).unwrap_or_default(),
            state: serde_json::to_string(&state).unwrap_or_default(),
            created_at: now.naive_utc(),
            last_seen_at: now.naive_utc(),
            expires_at: (now + self.0.config.session_absolute).naive_utc(),
        }
    }
}

fn is_stranger(key: &SessionKey) -> bool {
    key.as_ref().starts_with(STRANGER)
}

/// What the key says; `None` when it is over. Nobody is ever signed in by it.
fn stranger(key: &SessionKey, now: DateTime<Utc>) -> Option<State> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(key.as_ref().strip_prefix(STRANGER)?).ok()?;
    let state: State = serde_json::from_slice(&bytes).ok()?;
    let lives = value::<i64>(&state, UNTIL).is_some_and(|until| now.timestamp() < until);
    (lives && !state.contains_key(USER)).then_some(state)
}

/// The key that says all of `state`. What is to be said on the next page is left out where there is no room for it.
fn strangers_key(mut state: State, now: DateTime<Utc>) -> anyhow::Result<SessionKey> {
    // Only a new key signs in: what nobody stores cannot be ended.
    state.retain(|name, _| name != USER && name != DIGEST);
    state.entry(UNTIL.into()).or_insert_with(|| (now + ANONYMOUS).timestamp().to_string());
    let mut text = serde_json::to_string(&state)?;
    if text.len() > LARGEST {
        state.remove(FLASH);
        text = serde_json::to_string(&state)?;
    }
    let key = format!("{STRANGER}{}", BASE64_URL_SAFE_NO_PAD.encode(text));
    SessionKey::try_from(key).map_err(anyhow::Error::from)
}

impl SessionStore for Store {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        if is_stranger(key) {
            return Ok(stranger(key, self.0.clock.now()));
        }
        self.load_live(key.as_ref()).await.map_err(|error| LoadError::Other(failed(&error)))
    }

    async fn save(&self, state: State, _ttl: &Duration) -> Result<SessionKey, SaveError> {
        if !state.contains_key(USER) {
            return strangers_key(state, self.0.clock.now()).map_err(SaveError::Other);
        }
        let key = Token::generate();
        let row = self.row(state, &key);
        self.0
            .write(move |conn| Ok(sessions::insert(conn, &row)?))
            .await
            .map_err(|error| SaveError::Other(failed(&error)))?;
        SessionKey::try_from(key.as_str().to_owned()).map_err(|error| SaveError::Other(error.into()))
    }

    async fn update(&self, key: SessionKey, mut state: State, _ttl: &Duration) -> Result<SessionKey, UpdateError> {
        if is_stranger(&key) {
            return strangers_key(state, self.0.clock.now()).map_err(UpdateError::Other);
        }
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
        if is_stranger(key) {
            return Ok(());
        }
        let key_digest = digest(key.as_ref());
        self.0
            .write(move |conn| Ok(sessions::delete(conn, &key_digest)?))
            .await
            .map(drop)
            .map_err(|error| failed(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(pairs: &[(&str, &str)]) -> State {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), format!("\"{value}\""))).collect()
    }

    #[test]
    fn a_strangers_key_says_what_is_known_for_twelve_hours_and_signs_nobody_in() {
        let now = DateTime::UNIX_EPOCH;
        let key = strangers_key(state(&[("guest", "word"), (FLASH, "done"), (USER, "me")]), now).expect("a key");
        let read = stranger(&key, now + TimeDelta::hours(11)).expect("it lives");
        assert_eq!((value(&read, "guest"), value(&read, FLASH)), (Some("word".to_owned()), Some("done".to_owned())));
        assert!(!read.contains_key(USER));
        assert!(stranger(&key, now + ANONYMOUS).is_none());
        let again = strangers_key(read, now + TimeDelta::hours(11)).expect("a key");
        assert!(stranger(&again, now + ANONYMOUS).is_none(), "changing it does not prolong it");
        let forged = serde_json::json!({ USER: "\"me\"", UNTIL: "99999" }).to_string();
        let forged = SessionKey::try_from(format!("{STRANGER}{}", BASE64_URL_SAFE_NO_PAD.encode(forged)));
        assert!(stranger(&forged.expect("a key"), now).is_none());
    }

    #[test]
    fn what_is_too_long_to_be_said_by_a_cookie_is_not_said() {
        let long = "x".repeat(5000);
        let key = strangers_key(state(&[("guest", "word"), (FLASH, &long)]), DateTime::UNIX_EPOCH).expect("a key");
        let read = stranger(&key, DateTime::UNIX_EPOCH).expect("it lives");
        assert!(read.contains_key("guest") && !read.contains_key(FLASH));
    }
}
