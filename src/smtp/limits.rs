//! What a stranger may ask of a listener. Bounces are small, rare and from everywhere: the limits are far above what
//! they need, and low enough that nobody fills the memory or holds all the places. Clients that sign in may ask more.

use std::time::Duration;

use crate::config::{Config, MxLimits};

/// The limits of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Conversations at once; one more is told to come later.
    pub connections: usize,
    /// The same from one address, or from one /64 network of IPv6.
    pub connections_per_address: usize,
    /// How long a command, or a reply that nobody reads, may take. RFC 5321 section 4.5.3.2.7 asks clients for
    /// patience of five minutes, servers may have less.
    pub command: Duration,
    /// The longest silence within a message.
    pub silence: Duration,
    /// A whole message.
    pub data: Duration,
    /// A whole conversation.
    pub session: Duration,
    /// How long conversations go on when the listener stops.
    pub grace: Duration,
    /// How long a message waits for its turn to be recorded.
    pub patience: Duration,
    /// Octets of a command line, CRLF included (RFC 5321 section 4.5.3.1.4 asks for 512 at least).
    pub command_line: usize,
    /// Octets of a line of text (section 4.5.3.1.6 allows 1000; some bounces have more).
    pub text_line: usize,
    /// Lines of a message.
    pub lines: usize,
    /// Octets of a message, announced as SIZE.
    pub size: usize,
    /// Octets, or lines, of a message that is too large which are read all the same: who hears 552 at its end does not
    /// send it again, who is cut off does. None: the conversation ends.
    pub overrun: usize,
    /// Octets kept of a message: report and returned headers are at its beginning, the rest is passed over.
    pub kept: usize,
    /// Recipients of a message: bounces have one.
    pub recipients: usize,
    /// Messages of a conversation.
    pub messages: usize,
    /// Commands that were refused before the conversation is ended.
    pub errors: usize,
    /// Messages that are recorded at once.
    pub recording: usize,
}

impl Limits {
    /// What the options ask for, the rest as it always is.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let MxLimits { connections, connections_per_address, size, lines, timeout } = config.mx_limits;
        Self {
            connections,
            connections_per_address,
            command: timeout,
            silence: timeout,
            data: timeout * 5,
            session: timeout * 15,
            size,
            lines,
            ..Self::default()
        }
    }
}

impl Limits {
    /// What a client of ours may ask of a submission listener: whole messages, and many of them in a conversation.
    #[must_use]
    pub fn of_submission() -> Self {
        let size = 20 * 1024 * 1024;
        Self {
            connections: 1000,
            connections_per_address: 100,
            data: Duration::from_secs(900),
            session: Duration::from_secs(3600),
            lines: 2_000_000,
            size,
            overrun: 2 * size,
            kept: size,
            recipients: 50,
            messages: 10_000,
            errors: 60,
            ..Self::default()
        }
    }

    /// What a program on this machine may ask: it can have all the places, and go on for as long as it likes.
    #[must_use]
    pub fn of_trusted() -> Self {
        let connections = 2000;
        Self { connections, connections_per_address: connections, messages: usize::MAX, ..Self::of_submission() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 200,
            connections_per_address: 20,
            command: Duration::from_secs(60),
            silence: Duration::from_secs(60),
            data: Duration::from_secs(300),
            session: Duration::from_secs(900),
            grace: Duration::from_secs(5),
            patience: Duration::from_secs(20),
            command_line: 1024,
            text_line: 16 * 1024,
            lines: 500_000,
            size: 25 * 1024 * 1024,
            overrun: 0,
            kept: 256 * 1024,
            recipients: 10,
            messages: 500,
            errors: 10,
            recording: 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn the_options_say_by_themselves_what_the_listener_has_always_allowed() {
        let config = Config::from_settings(&Settings::default()).unwrap();
        assert_eq!(Limits::of(&config), Limits::default());
    }
}
