//! The SPF record (RFC 7208): there must be exactly one, and it must authorise our hosts.

use super::check::RecordState;
use super::records::{DomainSetup, Record};
use super::resolver::{Dns, LookupFailed, canonical};

/// A receiver gives up after ten look-ups (RFC 7208, section 4.6.4).
const MAX_LOOKUPS: usize = 10;

pub(super) async fn check(dns: &Dns, setup: &DomainSetup, record: &Record) -> Result<RecordState, LookupFailed> {
    let domain = &record.host;
    let ours = canonical(&setup.platform.spf_include);
    let found = spf_records(dns, domain).await?;
    let problem = match found.as_slice() {
        [] => format!("There is no SPF record at {domain}. Publish this TXT record: {}", record.content),
        [one] => match reaches(dns, one, &ours).await? {
            Reached::Yes => return Ok(RecordState::good(found)),
            Reached::No => format!(
                "The SPF record at {domain} does not name us. Add include:{ours} to it, so that it reads: {}",
                with_include(one, &ours)
            ),
            Reached::TooFar => format!(
                "The SPF record at {domain} needs more than {MAX_LOOKUPS} look-ups before it comes to us, and \
                 receivers stop there. Put include:{ours} right after v=spf1."
            ),
        },
        several => format!(
            "There are {} SPF records at {domain}; receivers then accept none of them. Keep a single one, with \
             include:{ours} in it.",
            several.len()
        ),
    };
    Ok(RecordState::bad(found, problem))
}

enum Reached {
    Yes,
    No,
    TooFar,
}

/// Whether evaluating `record` comes to an include of `ours`, in the record itself or through what it includes or
/// redirects to.
async fn reaches(dns: &Dns, record: &str, ours: &str) -> Result<Reached, LookupFailed> {
    // The record read breadth first: an include of ours near the top is found without further look-ups.
    let mut waiting = targets(record);
    let mut next = 0;
    while let Some(target) = waiting.get(next).cloned() {
        if target == ours || waiting.iter().any(|name| name == ours) {
            return Ok(Reached::Yes);
        }
        if next == MAX_LOOKUPS {
            return Ok(Reached::TooFar);
        }
        next += 1;
        if let [nested] = spf_records(dns, &target).await?.as_slice() {
            let new = targets(nested).into_iter().filter(|name| !waiting.contains(name)).collect::<Vec<_>>();
            waiting.extend(new);
        }
    }
    Ok(Reached::No)
}

/// The names a record includes or redirects to, as far as a receiver reads: not past `all`, and only includes whose
/// match means pass.
fn targets(record: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut redirect = None;
    for term in record.split_ascii_whitespace().skip(1).map(str::to_ascii_lowercase) {
        let mechanism = term.strip_prefix('+').unwrap_or(&term);
        if matches!(term.trim_start_matches(['+', '-', '~', '?']), "all") {
            return names;
        }
        if let Some(name) = mechanism.strip_prefix("include:") {
            names.push(canonical(name));
        } else if let Some(name) = term.strip_prefix("redirect=") {
            redirect = Some(canonical(name));
        }
    }
    names.extend(redirect);
    names
}

async fn spf_records(dns: &Dns, name: &str) -> Result<Vec<String>, LookupFailed> {
    let mut records = dns.txt(name).await?;
    records.retain(|text| text.split(' ').next().is_some_and(|version| version.eq_ignore_ascii_case("v=spf1")));
    Ok(records)
}

/// `record` with our include first, so that nothing before it can stop the evaluation.
fn with_include(record: &str, ours: &str) -> String {
    let mut terms: Vec<&str> = record.split_ascii_whitespace().collect();
    let include = format!("include:{ours}");
    terms.retain(|term| !term.trim_start_matches(['+', '-', '~', '?']).eq_ignore_ascii_case(&include));
    terms.insert(1, &include);
    terms.join(" ")
}
