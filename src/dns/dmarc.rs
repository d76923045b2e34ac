//! The DMARC policy (RFC 7489): any valid one will do, at the domain itself or at its parent.

use super::check::RecordState;
use super::records::{DomainSetup, Record};
use super::resolver::{Dns, LookupFailed};

pub(super) async fn check(dns: &Dns, setup: &DomainSetup, record: &Record) -> Result<RecordState, LookupFailed> {
    let found = policies(dns, &record.host).await?;
    if !found.is_empty() {
        return Ok(judge(found, &record.host, record));
    }
    // A subdomain falls under the policy of its organisation (RFC 7489, section 6.6.3).
    if let Some((_, parent)) = setup.domain.split_once('.').filter(|(_, parent)| parent.contains('.')) {
        let host = format!("_dmarc.{parent}");
        let inherited = policies(dns, &host).await?;
        if !inherited.is_empty() {
            return Ok(judge(inherited, &host, record));
        }
    }
    let problem = format!("There is no DMARC record at {}. Publish this TXT record: {}", record.host, record.content);
    Ok(RecordState::bad(found, problem))
}

fn judge(found: Vec<String>, host: &str, record: &Record) -> RecordState {
    let problem = match found.as_slice() {
        [one] => match policy(one).as_deref() {
            Some("none" | "quarantine" | "reject") => return RecordState::good(found),
            Some(other) => format!(
                "The DMARC record at {host} has the policy p={other}; it must be none, quarantine or reject. For \
                 example: {}",
                record.content
            ),
            None => format!("The DMARC record at {host} has no policy (p=). For example: {}", record.content),
        },
        several => format!(
            "There are {} DMARC records at {host}; receivers then apply none of them. Keep a single one.",
            several.len()
        ),
    };
    RecordState::bad(found, problem)
}

async fn policies(dns: &Dns, host: &str) -> Result<Vec<String>, LookupFailed> {
    let mut records = dns.txt(host).await?;
    records.retain(|text| {
        let version = text.split(';').next().and_then(|pair| pair.split_once('='));
        version.is_some_and(|(name, value)| name.trim() == "v" && value.trim() == "DMARC1")
    });
    Ok(records)
}

fn policy(text: &str) -> Option<String> {
    text.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("p").then(|| value.trim().to_ascii_lowercase())
    })
}
