//! Rate limits per account. On SQLite there is one node, which counts in its memory. On PostgreSQL all nodes share a
//! bucket in the database, from which a node takes a tenth of a second's requests at a time, so that most cost no query.
//! What a node has taken and not used stays its own: within any time, all nodes together let through what the options
//! say, and at most one such share a node more.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::error::ApiError;
use crate::actions::take_requests::take_requests;
use crate::app::App;
use crate::config::Config;
use crate::domain::ids::Id;
use crate::models::rate_buckets::{Bucket, Taken};

/// Accounts remembered before those that nobody asks for now are let go, with what was taken for them.
const KEPT: usize = 10_000;

pub enum Limits {
    Own { limiter: Box<DefaultKeyedRateLimiter<Id>>, clock: DefaultClock },
    Shared(Shared),
}

impl Limits {
    #[must_use]
    pub fn new(app: &App) -> Self {
        if app.db.is_shared() { Self::Shared(Shared::new(&app.config)) } else { Self::own(&app.config) }
    }

    fn own(config: &Config) -> Self {
        let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(config.rate_limit_per_second))
            .allow_burst(at_least_one(config.rate_limit_burst));
        Self::Own { limiter: Box::new(RateLimiter::keyed(quota)), clock: DefaultClock::default() }
    }

    /// Counts one request of an account.
    ///
    /// # Errors
    /// 429 with the seconds to wait; where the nodes share their count, also the database's.
    pub async fn check(&self, app: &Arc<App>, account: Id) -> Result<(), ApiError> {
        let wait = match self {
            Self::Own { limiter, clock } => match limiter.check_key(&account) {
                Ok(()) => return Ok(()),
                Err(refused) => refused.wait_time_from(clock.now()),
            },
            Self::Shared(shared) => match shared.take(app, account).await? {
                None => return Ok(()),
                Some(wait) => wait,
            },
        };
        let mut error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too many requests: slow down and try again")
            .because("rate_limit");
        error.retry_after = Some(i64::try_from(wait.as_secs() + 1).unwrap_or(1));
        Err(error)
    }
}

/// What this node has taken of the buckets that all share.
pub struct Shared {
    bucket: Bucket,
    /// Requests taken at a time.
    portion: i64,
    accounts: Mutex<HashMap<Id, Arc<tokio::sync::Mutex<Portion>>>>,
}

#[derive(Debug, Default)]
struct Portion {
    left: i64,
    /// Nothing is to be had before this.
    empty_until: Option<Instant>,
}

impl Shared {
    fn new(config: &Config) -> Self {
        let bucket = Bucket {
            rate: i64::from(config.rate_limit_per_second.max(1)),
            burst: i64::from(config.rate_limit_burst.max(1)),
        };
        Self { bucket, portion: (bucket.rate / 10).clamp(1, bucket.burst), accounts: Mutex::default() }
    }

    /// Takes one request; answers how long to wait where there is none. One caller at a time asks the database about
    /// an account, and the others live on what it brings.
    async fn take(&self, app: &Arc<App>, account: Id) -> Result<Option<Duration>, ApiError> {
        let portion = self.of(account);
        let mut portion = portion.lock().await;
        if portion.left > 0 {
            portion.left -= 1;
            return Ok(None);
        }
        let now = Instant::now();
        if let Some(wait) = portion.empty_until.and_then(|until| until.checked_duration_since(now)) {
            return Ok(Some(wait));
        }
        let (at, wanted, bucket) = (app.clock.now(), self.portion, self.bucket);
        let taken = app.write(move |conn| take_requests(conn, at, account, wanted, bucket)).await?;
        if taken.granted > 0 {
            *portion = Portion { left: taken.granted - 1, empty_until: None };
            return Ok(None);
        }
        let wait = self.until_filled(taken);
        portion.empty_until = Some(now + wait);
        Ok(Some(wait))
    }

    /// How long a bucket takes to hold one request again.
    fn until_filled(&self, taken: Taken) -> Duration {
        let missing = (1_000_000 - taken.level).max(1);
        Duration::from_micros(u64::try_from(missing / self.bucket.rate + 1).unwrap_or(1))
    }

    fn of(&self, account: Id) -> Arc<tokio::sync::Mutex<Portion>> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= KEPT {
            accounts.retain(|_, portion| Arc::strong_count(portion) > 1);
        }
        Arc::clone(accounts.entry(account).or_default())
    }
}
