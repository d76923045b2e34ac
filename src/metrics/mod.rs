//! What the program counts of itself, for `/metrics`. One value, built with the application and passed down: no
//! statics. Whoever does something notes it here; what the database knows is set when somebody asks (`web/metrics.rs`).
//! Names no other room but `domain`.

mod mail;
mod serving;
mod standing;

use prometheus::core::Collector;
use prometheus::{Encoder as _, Registry, TextEncoder};
use prometheus::{Error, Gauge, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts};

pub use mail::Mail;
pub use serving::Serving;
pub use standing::{Depth, Rates, Standing};

/// The content type of [`Metrics::text`].
pub const TEXT: &str = prometheus::TEXT_FORMAT;

/// Everything that is counted on this node.
pub struct Metrics {
    registry: Registry,
    pub mail: Mail,
    pub serving: Serving,
    pub standing: Standing,
}

impl Metrics {
    /// All of it at zero. `started` is in seconds since 1970.
    ///
    /// # Errors
    /// When two have one name.
    pub fn new(started: f64) -> Result<Self, Error> {
        let made = Makes(Registry::new());
        made.gauge("start_time_seconds", "When this node started, in seconds since 1970")?.set(started);
        let build = made.gauges("build_info", "1; the label says the version that runs", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Ok(Self {
            mail: Mail::new(&made)?,
            serving: Serving::new(&made)?,
            standing: Standing::new(&made)?,
            registry: made.0,
        })
    }

    /// Everything in the text format 0.0.4.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn text(&self) -> Result<Vec<u8>, Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

/// Makes instruments of a registry, each name with the program's prefix.
struct Makes(Registry);

impl Makes {
    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, Error> {
        self.registered(IntCounterVec::new(opts(name, help), labels)?)
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, Error> {
        self.registered(IntGaugeVec::new(opts(name, help), labels)?)
    }

    fn count(&self, name: &str, help: &str) -> Result<IntGauge, Error> {
        self.registered(IntGauge::with_opts(opts(name, help))?)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<Gauge, Error> {
        self.registered(Gauge::with_opts(opts(name, help))?)
    }

    fn histograms(&self, name: &str, help: &str, labels: &[&str], bounds: &[f64]) -> Result<HistogramVec, Error> {
        let named = opts(name, help);
        let opts = HistogramOpts { common_opts: named, buckets: bounds.to_vec() };
        self.registered(HistogramVec::new(opts, labels)?)
    }

    fn registered<C: Collector + Clone + 'static>(&self, one: C) -> Result<C, Error> {
        self.0.register(Box::new(one.clone()))?;
        Ok(one)
    }
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("canopy")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_counted_is_written_from_the_first_scrape_on_and_is_named_after_the_program() {
        let metrics = Metrics::new(1.5).expect("no name twice");
        let text = String::from_utf8(metrics.text().expect("written")).expect("UTF-8");
        for line in [
            "canopy_start_time_seconds 1.5",
            "# TYPE canopy_messages_accepted_total counter",
            "canopy_messages_refused_total{reason=\"cap\"} 0",
            "canopy_deliveries_total{outcome=\"bounced\",transport=\"relay\"} 0",
            "canopy_commit_seconds_count 0",
            "canopy_http_request_seconds_count{route=\"api\",status=\"5xx\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
        let named = |line: &str| line.starts_with("# ") || line.starts_with("canopy_");
        assert!(text.lines().all(named), "{text}");
    }
}
