//! A clock far beyond the newest billing period is said wherever somebody looks.

use canopy::actions::ensure_period::ensure_period;
use canopy::doctor::{Subject, Verdict, examine};
use chrono::TimeDelta;

use super::doctor::{about, configured, expect, subject};
use super::{Scrape, watched};
use crate::support::app::On;

#[tokio::test]
async fn a_clock_far_beyond_the_newest_billing_period_is_a_finding_and_a_metric() {
    for on in [On::Sqlite, On::Postgres] {
        let Some(app) = watched(on).await else { continue };
        let parent = app.agency("Far").await.id;
        app.write(move |conn, cx| ensure_period(conn, parent, cx.now)).await;
        assert_eq!(Scrape::of(&app).await.count("canopy_billing_periods_unclosed"), 0);
        let findings = examine(subject(&app, configured(&app, &[]))).await;
        assert!(!findings.iter().any(|finding| finding.subject == "billing periods"), "{findings:?}");

        app.app.clock.step(TimeDelta::days(730));
        assert_eq!(Scrape::of(&app).await.count("canopy_billing_periods_unclosed"), 1);
        let far = Subject { now: app.app.clock.now(), ..subject(&app, configured(&app, &[])) };
        let findings = examine(far).await;
        expect(&findings, "billing periods", Verdict::Fail, "it stays open");
        assert!(about(&findings, "billing periods").advice.contains("canopy accept-clock"));
    }
}
