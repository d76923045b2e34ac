//! Makes the days that messages lie in ahead, and drops those of which retention keeps nothing. PostgreSQL only.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::actions::{ActionResult, message_days};
use crate::app::App;
use crate::domain::ids::Id;

/// Steps through the messages of past days in one round at most: housekeeping has other things to do.
const STEPS: usize = 400;

/// A day that is missing so long before it begins is worth a warning.
const SPARE: TimeDelta = TimeDelta::days(3);

/// Makes the days that are missing; false when a busy database gave no room for one, which waits for the next try.
///
/// # Errors
/// When the database does not answer at all.
pub async fn make_ahead(app: &Arc<App>, now: DateTime<Utc>) -> ActionResult<bool> {
    let mut all = true;
    for day in app.read(move |conn| message_days::missing(conn, now)).await? {
        match app.write(move |conn| message_days::make(conn, day)).await {
            Ok(_) => {}
            Err(error) => {
                all = false;
                // A busy database is no reason for alarm while there are days to spare.
                let level = if day <= now.date_naive() + SPARE { log::Level::Warn } else { log::Level::Debug };
                log::log!(level, "the partitions of {day} could not be made now: {error:?}");
            }
        }
    }
    Ok(all)
}

/// A day that is on its way out, and the last of its messages that was looked at.
#[derive(Debug, Default)]
pub struct Departure(Option<(NaiveDate, Option<Id>)>);

impl Departure {
    /// Drops past days, the oldest first: what reports need of each is kept before, step by step, over several rounds
    /// where there is much. Answers how many went.
    ///
    /// # Errors
    /// Only the database's. A day that a busy database does not let go of waits for the next try.
    pub async fn go_on(&mut self, app: &Arc<App>, now: DateTime<Utc>) -> ActionResult<usize> {
        let (mut gone, mut steps) = (0, 0);
        for day in app.read(move |conn| message_days::past(conn, now)).await?.over {
            let mut after = self.0.filter(|(looked_at, _)| *looked_at == day).and_then(|(_, after)| after);
            loop {
                if steps >= STEPS {
                    return Ok(gone);
                }
                steps += 1;
                let services = Arc::clone(&app.services);
                let keep = move |conn: &mut _| message_days::keep_departed(conn, now, &services, day, after);
                match app.write(keep).await? {
                    None => break,
                    last => after = last,
                }
                self.0 = Some((day, after));
            }
            match app.write(move |conn| message_days::drop_day(conn, day, now)).await {
                Ok(dropped) => gone += usize::from(dropped),
                Err(error) => log::warn!("the messages of {day} could not be dropped now: {error:?}"),
            }
        }
        Ok(gone)
    }
}
