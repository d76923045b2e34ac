//! The program's log. What strangers do to their own connections is no error of ours: scanners that speak no HTTP, or
//! hang up in the middle, are told at the level of debug, though actix says error.

use env_logger::Logger;
use log::{Level, Log, Metadata, Record};

/// Where actix speaks of connections.
const CONNECTIONS: &str = "actix_http::h1::";
/// What its line says of faults of the other side: not HTTP, gone, too slow. A body or a handler of ours that failed is
/// told in other words.
const THEIRS: [&str; 5] = [
    "stream error: request parse error",
    "stream error: I/O error",
    "stream error: request did not complete",
    "stream error: connection shutdown timeout",
    "MAX_BUFFER_SIZE unprocessed data reached",
];

struct Quiet(Logger);

/// Writes the log to standard error as `RUST_LOG` says, from info on unless it says otherwise.
pub fn init() {
    let logger = env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).build();
    let most = logger.filter();
    if log::set_boxed_logger(Box::new(Quiet(logger))).is_ok() {
        log::set_max_level(most);
    }
}

impl Log for Quiet {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        // Only these lines are read: making a text of every line would cost more than writing it.
        if !record.target().starts_with(CONNECTIONS) {
            return self.0.log(record);
        }
        let level = level(record.level(), record.target(), &record.args().to_string());
        self.0.log(&Record::builder().args(*record.args()).level(level).target(record.target()).build());
    }

    fn flush(&self) {
        self.0.flush();
    }
}

/// The level that a line deserves.
fn level(said: Level, target: &str, text: &str) -> Level {
    let theirs = target.starts_with(CONNECTIONS) && THEIRS.iter().any(|start| text.starts_with(start));
    if theirs { Level::Debug.max(said) } else { said }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_do_to_their_connections_is_debug_and_what_fails_here_stays_an_error() {
        let dispatcher = "actix_http::h1::dispatcher";
        let of = |target: &str, text: &str| level(Level::Error, target, text);
        assert_eq!(of(dispatcher, "stream error: request parse error: invalid Header provided"), Level::Debug);
        assert_eq!(of(dispatcher, "stream error: I/O error: Connection reset by peer (os error 104)"), Level::Debug);
        assert_eq!(of("actix_http::h1::decoder", "MAX_BUFFER_SIZE unprocessed data reached, closing"), Level::Debug);
        assert_eq!(of(dispatcher, "stream error: body error: a CSV file ended early"), Level::Error);
        assert_eq!(of(dispatcher, "Response payload stream error: ours"), Level::Error);
        assert_eq!(of("canopy::web", "stream error: request parse error"), Level::Error);
        assert_eq!(level(Level::Trace, dispatcher, "stream error: I/O error"), Level::Trace);
    }
}
