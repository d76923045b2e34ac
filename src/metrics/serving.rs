//! What comes in at this node's listeners: requests over HTTP, and connections of the SMTP listeners.

use std::time::Duration;

use prometheus::{Error, HistogramVec, IntCounterVec, IntGauge};

use super::Makes;
use crate::domain::returned::InboundRefusal;

const ROUTES: [&str; 4] = ["web", "api", "static", "probe"];
const STATUSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const REQUESTS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1., 2.5, 5., 10.];

/// What is counted of listeners.
pub struct Serving {
    requests: HistogramVec,
    connections: IntCounterVec,
    open: IntGauge,
    refusals: IntCounterVec,
    submitting: IntCounterVec,
    submitting_open: IntGauge,
}

impl Serving {
    pub(super) fn new(made: &Makes) -> Result<Self, Error> {
        let serving = Self {
            requests: made.histograms(
                "http_request_seconds",
                "Time until an answer over HTTP begins, by kind of address and class of status",
                &["route", "status"],
                &REQUESTS,
            )?,
            connections: made.counters(
                "smtp_connections_total",
                "Connections to the inbound SMTP listener: taken, or turned away for want of room",
                &["result"],
            )?,
            open: made.count("smtp_connections_open", "Conversations of the inbound SMTP listener that go on")?,
            refusals: made.counters(
                "smtp_refusals_total",
                "What came to the inbound SMTP listener and changed nothing, by why",
                &["reason"],
            )?,
            submitting: made.counters(
                "submission_connections_total",
                "Connections to the submission listeners: taken, or turned away for want of room",
                &["result"],
            )?,
            submitting_open: made
                .count("submission_connections_open", "Conversations of the submission listeners that go on")?,
        };
        for route in ROUTES {
            STATUSES.iter().for_each(|status| drop(serving.requests.with_label_values(&[route, status])));
        }
        for counters in [&serving.connections, &serving.submitting] {
            ["taken", "turned_away"].iter().for_each(|result| counters.with_label_values(&[result]).reset());
        }
        InboundRefusal::ALL.iter().for_each(|refusal| serving.refusals.with_label_values(&[refusal.as_str()]).reset());
        Ok(serving)
    }

    /// Notes an answer to a request for `path`.
    pub fn answered(&self, path: &str, status: u16, took: Duration) {
        let class = STATUSES.get(usize::from(status / 100).saturating_sub(1)).unwrap_or(&"5xx");
        self.requests.with_label_values(&[route(path), class]).observe(took.as_secs_f64());
    }

    /// Counts a connection to the inbound listener; one that was taken is open until it is [`Serving::closed`].
    pub fn connected(&self, taken: bool) {
        self.connections.with_label_values(&[if taken { "taken" } else { "turned_away" }]).inc();
        self.open.add(i64::from(taken));
    }

    /// A conversation of the inbound listener is over.
    pub fn closed(&self) {
        self.open.dec();
    }

    /// The same of the submission listeners.
    pub fn submission_connected(&self, taken: bool) {
        self.submitting.with_label_values(&[if taken { "taken" } else { "turned_away" }]).inc();
        self.submitting_open.add(i64::from(taken));
    }

    /// A conversation of a submission listener is over.
    pub fn submission_closed(&self) {
        self.submitting_open.dec();
    }

    /// Counts what changed nothing.
    pub fn refused(&self, refusal: InboundRefusal) {
        self.refusals.with_label_values(&[refusal.as_str()]).inc();
    }
}

fn route(path: &str) -> &'static str {
    match path {
        "/healthz" | "/readyz" | "/metrics" => "probe",
        path if path == "/v2" || path.starts_with("/v2/") => "api",
        path if path.starts_with("/static/") => "static",
        _ => "web",
    }
}

#[cfg(test)]
mod tests {
    use super::route;

    #[test]
    fn an_address_is_of_the_surface_that_serves_it() {
        for (path, expected) in [
            ("/v2/ping", "api"),
            ("/static/app.css", "static"),
            ("/readyz", "probe"),
            ("/v2x", "web"),
            ("/sub-accounts", "web"),
        ] {
            assert_eq!(route(path), expected, "{path}");
        }
    }
}
