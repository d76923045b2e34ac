//! What a message that has not left waits for, and what of it may be told to whom.

/// How a queued message stands, as it is stored with it: changed only when an attempt ends, never by being looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Never tried.
    Waiting,
    /// Accepted for a later time, and not tried since.
    Scheduled,
    /// Tried, and put off by the other side.
    Deferred,
}

impl State {
    #[must_use]
    pub const fn all() -> [Self; 3] {
        [Self::Deferred, Self::Scheduled, Self::Waiting]
    }

    /// The stored form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Scheduled => "scheduled",
            Self::Deferred => "deferred",
        }
    }

    /// After `attempts` that ended without an end of the message.
    #[must_use]
    pub const fn after(attempts: i32) -> Self {
        if attempts > 0 { Self::Deferred } else { Self::Waiting }
    }
}

/// Why a message has not left, the one reason that stands in front of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Waiting,
    Deferred,
    Scheduled,
    /// Accepted beyond the cap: kept until there is room.
    AtCap,
    /// Its account or that account's parent is on hold: nothing leaves.
    Suspended,
    /// An attempt is under way.
    Sending,
}

impl Reason {
    #[must_use]
    pub const fn all() -> [Self; 6] {
        [Self::Waiting, Self::Deferred, Self::Scheduled, Self::AtCap, Self::Suspended, Self::Sending]
    }

    /// The form in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Deferred => "deferred",
            Self::Scheduled => "scheduled",
            Self::AtCap => "cap",
            Self::Suspended => "suspended",
            Self::Sending => "sending",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::all().into_iter().find(|reason| reason.as_str() == text)
    }

    /// The word on screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Deferred => "Deferred",
            Self::Scheduled => "Scheduled",
            Self::AtCap => "Held at the cap",
            Self::Suspended => "Account on hold",
            Self::Sending => "Sending now",
        }
    }
}

impl From<State> for Reason {
    fn from(state: State) -> Self {
        match state {
            State::Waiting => Self::Waiting,
            State::Scheduled => Self::Scheduled,
            State::Deferred => Self::Deferred,
        }
    }
}

/// The domain of an address; nothing for what is none.
#[must_use]
pub fn domain_of(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// A text in which no address tells whose it is: `<ann@example.org>` becomes `<…@example.org>`. For whoever may know
/// where mail goes, not to whom.
#[must_use]
pub fn without_local_parts(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        match word.rsplit_once('@') {
            None => told.push_str(word),
            Some((_, rest)) => {
                told.push_str(if word.starts_with('<') { "<…@" } else { "…@" });
                told.push_str(rest);
            }
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_survive_an_address() {
        for reason in Reason::all() {
            assert_eq!(Reason::parse(reason.as_str()), Some(reason));
        }
        assert_eq!(Reason::parse("Waiting"), None);
    }

    #[test]
    fn a_reply_keeps_its_words_and_loses_whom_it_names() {
        for (reply, told) in [
            ("451 4.7.1 try again later", "451 4.7.1 try again later"),
            ("450 <ann@example.org>: greylisted", "450 <…@example.org>: greylisted"),
            ("450 mailbox of ann@example.org, is full", "450 mailbox of …@example.org, is full"),
            ("450 \"a@b\"@example.org x", "450 …@example.org x"),
            ("<a@b.example>,<c@d.example>", "<…@d.example>"),
        ] {
            assert_eq!(without_local_parts(reply), told);
        }
    }

    #[test]
    fn an_attempt_given_back_was_none() {
        assert_eq!((State::after(0), State::after(1)), (State::Waiting, State::Deferred));
        assert_eq!((domain_of("ann@example.org"), domain_of("nobody")), ("example.org", ""));
    }
}
