//! Complaints (RFC 5965): the machine's part of a feedback report.

use super::dsn::host_name;
use super::fields::section;
use super::{Complaint, Report, tidy};

/// Types that speak of something else than an unwanted message: mended filters, authentication (RFC 6591), DMARC.
const NO_COMPLAINTS: [&str; 4] = ["not-spam", "auth-failure", "auth-failure-report", "dmarc"];

/// Reads a `message/feedback-report` part; `None` when it gives no type.
pub fn read(report: &str) -> Option<Report> {
    let fields = section(report);
    let kind = tidy(&fields.get("feedback-type")?.to_ascii_lowercase(), 40);
    if kind.is_empty() {
        return None;
    }
    if NO_COMPLAINTS.contains(&kind.as_str()) {
        return Some(Report::Notice);
    }
    let host = fields.get("reporting-mta").map(host_name).filter(|host| !host.is_empty());
    let host = host.or_else(|| fields.get("user-agent").map(|agent| tidy(agent, 100)));
    Some(Report::Complaint(Complaint { kind, host: host.unwrap_or_default() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abuse_is_a_complaint_and_not_spam_is_none() {
        let read = |kind: &str| read(&format!("Feedback-Type: {kind}\nUser-Agent: Some/1.0\nVersion: 1\n"));
        let complaint = |kind: &str| Report::Complaint(Complaint { kind: kind.into(), host: "Some/1.0".into() });
        for kind in ["abuse", "fraud", "virus", "other", "opt-out"] {
            assert_eq!(read(kind), Some(complaint(kind)));
        }
        assert_eq!(read("Not-Spam"), Some(Report::Notice));
        assert_eq!(read(""), None);
    }
}
