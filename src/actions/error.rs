//! What can go wrong when the product does something. Turned into a page, a JSON body or an SMTP reply in exactly
//! three places; never shown raw.

use chrono::{DateTime, Utc};

use crate::domain::limits::Bound;
use crate::models::health::{Lack, lack_of};

/// One thing wrong with what was sent: which field, and a sentence that says how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub field: String,
    pub message: String,
}

#[derive(Clone, Debug)]
pub enum ActionError {
    /// It does not exist, or not for this actor: the two are told apart nowhere.
    NotFound(&'static str),
    /// The actor may not; the sentence says what is missing.
    Forbidden(String),
    Invalid(Vec<FieldError>),
    /// It clashes with what is there already.
    Conflict(String),
    /// A cap leaves nothing.
    CapReached {
        bound: Bound,
        cap: i64,
        used: i64,
        resets_at: DateTime<Utc>,
    },
    /// The account, or its parent, is on hold.
    Suspended {
        parent: bool,
    },
    /// Something is missing for a moment; asking again later helps. Nothing was done, unless the connection broke while
    /// the answer was on its way: a request with an idempotency key finds out by asking again.
    Unavailable(Lack),
    /// Ours, not theirs: logged with the request's id, shown without detail.
    Internal(String),
}

pub type ActionResult<T> = Result<T, ActionError>;

impl ActionError {
    #[must_use]
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.to_owned(), message: message.into() }])
    }

    /// What was missing, where that was why.
    #[must_use]
    pub const fn lack(&self) -> Option<Lack> {
        match self {
            Self::Unavailable(lack) => Some(*lack),
            _ => None,
        }
    }
}

impl From<diesel::result::Error> for ActionError {
    fn from(error: diesel::result::Error) -> Self {
        match lack_of(&error) {
            Some(lack) => {
                log::warn!("the database cannot: {error}");
                Self::Unavailable(lack)
            }
            None => Self::Internal(error.to_string()),
        }
    }
}

impl std::fmt::Display for ActionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotFound(what) => write!(f, "{what} not found"),
            Self::Forbidden(why) | Self::Conflict(why) => f.write_str(why),
            Self::Invalid(fields) => {
                let all: Vec<_> = fields.iter().map(|field| field.message.as_str()).collect();
                f.write_str(&all.join("; "))
            }
            Self::CapReached { bound, cap, used, resets_at } => cap_reached(f, *bound, *cap, *used, *resets_at),
            Self::Suspended { parent: false } => f.write_str("this account is suspended"),
            Self::Suspended { parent: true } => f.write_str("the parent of this account is suspended"),
            Self::Unavailable(_) => f.write_str("the service cannot do this at the moment: try again in a few seconds"),
            Self::Internal(_) => f.write_str("internal error"),
        }
    }
}

fn cap_reached(
    f: &mut std::fmt::Formatter<'_>,
    bound: Bound,
    cap: i64,
    used: i64,
    resets_at: DateTime<Utc>,
) -> std::fmt::Result {
    let resets = resets_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let name = match bound {
        Bound::Nothing => return f.write_str("sending is switched off for this account"),
        // How much all accounts share is the parent's to know.
        Bound::Pool => {
            return write!(f, "the messages that all accounts share in this period are used up: it ends at {resets}");
        }
        Bound::Hour => "hourly",
        Bound::Day => "daily",
        Bound::Month => "monthly",
    };
    write!(f, "the {name} cap of {cap} messages is reached: {used} are used, it resets at {resets}")
}

impl std::error::Error for ActionError {}
