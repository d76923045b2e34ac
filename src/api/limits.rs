//! Rate limits per account, in this node's memory.

use std::num::NonZeroU32;
use std::sync::Arc;

use actix_web::http::StatusCode;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::error::ApiError;
use crate::config::Config;
use crate::domain::ids::Id;

pub struct Limits {
    general: Arc<DefaultKeyedRateLimiter<Id>>,
    clock: DefaultClock,
}

impl Limits {
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(config.rate_limit_per_second))
            .allow_burst(at_least_one(config.rate_limit_burst));
        Self { general: Arc::new(RateLimiter::keyed(quota)), clock: DefaultClock::default() }
    }

    /// Counts one request of an account.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub fn check(&self, account: Id) -> Result<(), ApiError> {
        let Err(refused) = self.general.check_key(&account) else { return Ok(()) };
        let wait = refused.wait_time_from(self.clock.now());
        let mut error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too many requests: slow down and try again")
            .because("rate_limit");
        error.retry_after = Some(i64::try_from(wait.as_secs() + 1).unwrap_or(1));
        Err(error)
    }
}
