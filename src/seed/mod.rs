//! The demo's world: an agency with its clients, what they sent, what became of it, and who did what.
//!
//! What holds for every seed, and is tested: a counter is the sum of its days; a parent's day is the sum of its
//! accounts' days; the messages of each day within an account's retention are exactly those its ledger counts; the audit
//! chain is whole. The same number gives the same business data relative to today; secrets are always fresh.

mod agency;
mod answers;
mod calendar;
mod clerk;
mod client;
mod holdings;
mod ledger;
mod letters;
mod names;
mod random;
mod sectors;
mod sign_ins;
mod story;
mod traffic;
mod waiting;
mod ways;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::actions::{ActionResult, Services};
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use agency::Agency;
use calendar::Calendar;
use clerk::Clerk;
use client::{Client, Part};
use random::Random;
use sectors::Sector;
pub use sign_ins::{Ready, SignIn, SignIns};

/// Clients whose rows are written together.
const BATCH: usize = 500;
/// About as many messages are kept in all.
const KEPT_MESSAGES: usize = 50_000;
/// What a client sends on a usual day, on average.
const DAILY_MESSAGES: usize = 34;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Live ones; one deleted comes on top.
    pub sub_accounts: usize,
    /// Days of usage, today included.
    pub days: u32,
    pub seed: u64,
}

impl Wish {
    /// Days that messages are kept, 1 to 30: fewer where there are many clients, so that a start stays quick.
    #[must_use]
    pub fn kept_days(&self) -> i32 {
        let days = KEPT_MESSAGES / (DAILY_MESSAGES * self.sub_accounts.max(1));
        i32::try_from(days.clamp(1, 30)).unwrap_or(1)
    }
}

/// Who sends: what the ledger and the messages need to know of an account.
struct Sender {
    account_id: Id,
    /// Whom it is billed to.
    parent_id: Id,
    domain_id: Id,
    name: String,
    domain: String,
    sector: &'static Sector,
    kept_days: i32,
}

/// Writes the whole world into an empty database, as of `now`.
///
/// # Errors
/// Only the database's, and `Internal` for something made up that our own rules refuse.
pub fn fill(conn: &mut AnyConnection, services: &Services, wish: &Wish, now: DateTime<Utc>) -> ActionResult<SignIns> {
    let now = now.trunc_subsecs(0);
    let parent = Random::stream(wish.seed, "parent", 0).id(now - TimeDelta::days(agency::AGE_DAYS));
    let calendar = Calendar::new(now, wish.days, wish.seed, parent)?;
    let mut clerk = Clerk::new(services, *wish, &calendar, parent);
    let mut sign_ins = Agency::new(parent, &calendar).write(conn, &mut clerk)?;
    for index in 0..=wish.sub_accounts {
        let client = Client::new(index, wish, &calendar);
        let shown = matches!(client.part, Part::Ready | Part::NearCap).then(|| client.name.clone());
        let entered = clerk.client(client)?;
        if let Some(ready) = entered.ready {
            sign_ins.sub_account = ready;
        }
        if let Some(name) = shown {
            let member = clerk.member(entered.account_id, &name);
            sign_ins.client_users.push(member);
        }
        if (index + 1) % BATCH == 0 {
            clerk.rows.write(conn)?;
        }
    }
    clerk.finish(conn, &services.secrets)?;
    Ok(sign_ins)
}
