//! One audit entry as a sentence: what was done, and what it changed.

use serde_json::Value;

use crate::domain::hold::HoldKind;
use crate::domain::role::Role;
use crate::models::audit::Entry;
use crate::web::{format, numbers};

/// An entry in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Class of a timeline's entry: `good`, `warn`, `bad` or nothing.
    pub tone: &'static str,
    /// "Key “Booking engine” created".
    pub text: String,
    /// What changed: "Monthly cap: 50,000 → 75,000". May be empty.
    pub details: Vec<String>,
}

/// The kinds of entries a list can be narrowed to: the beginning of the action, and its name.
pub const KINDS: &[(&str, &str)] = &[
    ("sub_account.", "Sub accounts"),
    ("api_key.", "API keys"),
    ("smtp_credential.", "SMTP credentials"),
    ("domain.", "Domains"),
    ("suppression.", "Suppressions"),
    ("queue.", "Queue"),
    ("member.", "Members"),
    ("account.", "Account settings"),
    ("transport.", "Transport"),
    ("saved_view.", "Shared views"),
    ("plan.", "Plan"),
    ("view_as.", "View as"),
    ("user.", "Sign-ins and people"),
    ("audit.", "Activity itself"),
];

/// Action, tone, words; `{}` is the target.
const WORDS: &[(&str, &str, &str)] = &[
    ("sub_account.create", "good", "Sub account {} created"),
    ("sub_account.update", "", "Sub account {} edited"),
    ("sub_account.set_cap", "", "Cap of {} changed"),
    ("sub_account.set_limits", "", "Limits of {} changed"),
    ("account.set_pool", "", "Pool cap of {} changed"),
    ("sub_account.suspend", "bad", "{} suspended"),
    ("sub_account.lift", "good", "Hold on {} lifted"),
    ("sub_account.hold_ended", "good", "Hold on {} ended by its date"),
    ("sub_account.delete", "bad", "{} deleted"),
    ("sub_account.cleared", "", "What waited of {} when it was deleted is cleared"),
    ("sub_account.undelete", "good", "{} brought back"),
    ("account.create", "good", "Account {} created"),
    ("account.update", "", "Settings of {} changed"),
    (
        "account.accept_clock",
        "warn",
        "The clock was accepted on the command line, and the missing billing periods of {} made",
    ),
    ("account.set_logo", "", "Logo of {} changed"),
    ("api_key.create", "good", "API key “{}” created"),
    ("api_key.update", "", "API key “{}” edited"),
    ("api_key.cut", "warn", "API key “{}” lost what the role of its maker may not do"),
    ("api_key.delete", "bad", "API key “{}” deleted"),
    ("smtp_credential.create", "good", "SMTP credentials “{}” created"),
    ("smtp_credential.delete", "bad", "SMTP credentials “{}” deleted"),
    ("domain.create", "good", "Domain {} added"),
    ("domain.update", "", "Domain {} edited"),
    ("domain.delete", "bad", "Domain {} removed"),
    ("domain.verify", "good", "Domain {} verified"),
    ("domain.lose", "warn", "Domain {} lost its records and stopped sending"),
    ("domain.share", "", "Link to the records of {} made"),
    ("domain.unshare", "", "Link to the records of {} revoked"),
    ("suppression.create", "", "{} suppressed"),
    ("suppression.delete", "", "{} let go from the suppressions"),
    ("suppression.wipe", "warn", "Suppressions wiped: {}"),
    ("queue.retry", "", "Deferred messages in the queue of {} made due at once"),
    ("queue.cancel", "warn", "Messages in the queue of {} cancelled"),
    ("member.add", "good", "{} added on the command line"),
    ("member.invite", "", "{} invited"),
    ("member.invite_again", "", "Invitation to {} sent again"),
    ("member.accept", "good", "{} accepted the invitation"),
    ("member.change_role", "", "Role of {} changed"),
    ("member.remove", "warn", "{} removed"),
    ("transport.create", "good", "Transport “{}” created"),
    ("transport.update", "", "Transport “{}” edited"),
    ("transport.delete", "bad", "Transport “{}” deleted"),
    ("transport.set_default", "", "Default transport of {} changed"),
    ("transport.choose", "", "Transport of {} chosen"),
    ("transport.test", "", "Transport “{}” tried"),
    ("saved_view.create", "", "View “{}” shared"),
    ("saved_view.update", "", "Shared view “{}” changed"),
    ("saved_view.delete", "", "Shared view “{}” taken away"),
    ("plan.set", "", "Plan of {} set"),
    ("plan.reprice", "warn", "Plan of {} changed: the running period is priced anew"),
    ("plan.schedule", "", "Plan of {} changes with the next period"),
    ("plan.withdraw", "", "Planned change of the plan of {} withdrawn"),
    ("user.sign_in", "", "{} signed in"),
    ("user.sign_out", "", "{} signed out"),
    ("user.guessed", "bad", "Ten wrong passwords for {}: more tries are refused for a quarter of an hour"),
    ("user.set_up", "good", "{} set this installation up"),
    ("user.rename", "", "{} changed their name"),
    ("user.change_email", "", "{} confirmed this address as their new one"),
    ("user.change_password", "", "{} changed their password"),
    ("user.reset_password", "warn", "{} set a new password by a mailed link"),
    ("user.end_session", "", "{} signed a device out"),
    ("user.end_sessions", "", "{} signed their other devices out"),
    ("view_as.begin", "warn", "Viewing as {} began"),
    ("view_as.raise", "warn", "Changes allowed while viewing as {}"),
    ("view_as.end", "", "Viewing as {} ended"),
    ("audit.seal", "good", "Activity of {} was whole and is signed from here on"),
    ("audit.seal_broken", "bad", "Activity of {} had been tampered with before it was signed"),
];

/// Fields as people call them, in the order they are told. What is not here is told under its own name.
const FIELDS: &[(&str, &str)] = &[
    ("name", "Name"),
    ("website", "Website"),
    ("monthly_credit", "Monthly cap"),
    ("external_id", "External ID"),
    ("tags", "Tags"),
    ("kind", "Kind"),
    ("reason", "Reason"),
    ("until", "Until"),
    ("role", "Role"),
    ("label", "Label"),
    ("scopes", "Scopes"),
    ("ip_allow_list", "Allowed addresses"),
    ("about", "Description"),
    ("message_metadata_retention", "Days to keep messages"),
    ("message_data_retention", "Days to keep content"),
    ("time_zone", "Time zone"),
    ("anchor_day", "Billing day"),
    ("brand_name", "Brand name"),
    ("number_style", "Number style"),
    ("domain", "Domain"),
    ("expires_at", "Until"),
    ("rows", "Rows"),
    ("newest_period_ends", "Newest billing period ends"),
    ("periods_made", "Billing periods made"),
    ("clock", "Clock"),
    ("shared", "Shared"),
    ("query", "Shows"),
    ("host", "Host"),
    ("port", "Port"),
    ("tls", "TLS"),
    ("username", "User"),
    ("transport", "Transport"),
    ("source_ip", "Source address"),
    ("helo", "HELO name"),
    ("max_connections", "Connections at once"),
    ("messages_per_second", "Messages a second"),
    ("currency", "Currency"),
    ("monthly_fee", "Monthly fee"),
    ("included", "Included messages"),
    ("prices", "Prices"),
    ("applies_from", "From"),
    ("keys", "API keys passed on"),
    ("smtp_credentials", "SMTP credentials passed on"),
    ("passed_to", "To"),
    ("why", "Because"),
    ("entries", "Entries before"),
    ("problem", "Problem"),
];

/// Facts that only repeat the sentence.
const QUIET: &[&str] = &["public_key"];

/// The longest a single value is told.
const LONGEST: usize = 160;

/// An entry as a sentence.
#[must_use]
pub fn sentence(entry: &Entry) -> Sentence {
    let value = |text: &Option<String>| text.as_ref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let details = details(value(&entry.before).as_ref(), value(&entry.after).as_ref());
    match WORDS.iter().find(|(action, ..)| *action == entry.action) {
        Some((_, tone, words)) => Sentence { tone, text: words.replace("{}", &entry.target), details },
        None => Sentence { tone: "", text: plain(&entry.action, &entry.target), details },
    }
}

/// An action without words of its own: `domain.rotate_key` of x reads "Domain rotate key: x".
fn plain(action: &str, target: &str) -> String {
    let spaced = action.replace(['.', '_'], " ");
    let mut letters = spaced.chars();
    let start: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    if target.is_empty() {
        format!("{start}{}", letters.as_str())
    } else {
        format!("{start}{}: {target}", letters.as_str())
    }
}

fn details(before: Option<&Value>, after: Option<&Value>) -> Vec<String> {
    let empty = serde_json::Map::new();
    let object = |value: Option<&Value>| value.and_then(Value::as_object).cloned();
    let (old, new) = (object(before), object(after));
    if old.is_none() && new.is_none() {
        return listed(before).into_iter().chain(listed(after)).collect();
    }
    let both = old.is_some() && new.is_some();
    let (old, new) = (old.unwrap_or_else(|| empty.clone()), new.unwrap_or(empty));
    let mut names: Vec<&String> = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))).collect();
    names.retain(|name| !QUIET.contains(&name.as_str()));
    names.sort_by_key(|name| FIELDS.iter().position(|(field, _)| field == name).unwrap_or(FIELDS.len()));
    names.into_iter().filter_map(|name| told(name, old.get(name), new.get(name), both)).collect()
}

/// The holds that a lift ended come as a list.
fn listed(value: Option<&Value>) -> Vec<String> {
    let Some(rows) = value.and_then(Value::as_array) else { return Vec::new() };
    let row =
        |row: &Value| Some(format!("{}: {}", shown("kind", row.get("kind")?), shown("reason", row.get("reason")?)));
    rows.iter().filter_map(row).collect()
}

fn told(name: &str, old: Option<&Value>, new: Option<&Value>, changed: bool) -> Option<String> {
    let label = FIELDS
        .iter()
        .find(|(field, _)| *field == name)
        .map_or_else(|| plain(name, ""), |(_, label)| (*label).to_owned());
    if changed {
        let (old, new) = (shown(name, old.unwrap_or(&Value::Null)), shown(name, new.unwrap_or(&Value::Null)));
        return (old != new).then(|| format!("{label}: {old} → {new}"));
    }
    let value = new.or(old).filter(|value| !is_nothing(value))?;
    Some(format!("{label}: {}", shown(name, value)))
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn shown(name: &str, value: &Value) -> String {
    let text = match (name, value) {
        ("monthly_credit", Value::Number(number)) if number.as_i64() == Some(0) => "no cap".to_owned(),
        ("kind", Value::String(kind)) => {
            HoldKind::parse(kind).map_or_else(|_| kind.clone(), |kind| kind.label().to_owned())
        }
        ("role", Value::String(role)) => {
            Role::parse(role).map_or_else(|_| role.clone(), |role| role.label().to_owned())
        }
        ("domain", Value::String(domain)) if domain == "*" => "every domain".to_owned(),
        ("until" | "expires_at" | "applies_from", Value::String(at)) => instant(at),
        // Written in point style when it was recorded, and nothing but numbers and words.
        ("monthly_fee", Value::String(fee)) => numbers::current().shown(fee),
        ("prices", Value::Array(prices)) if !prices.is_empty() => {
            prices.iter().map(|price| numbers::current().shown(shown("", price))).collect::<Vec<_>>().join("; ")
        }
        (_, Value::Number(number)) => number.as_i64().map_or_else(|| number.to_string(), format::number),
        (_, Value::Bool(on)) => if *on { "on" } else { "off" }.to_owned(),
        (_, Value::String(text)) if !text.is_empty() => text.clone(),
        (_, Value::Array(items)) if !items.is_empty() => {
            items.iter().map(|item| shown("", item)).collect::<Vec<_>>().join(", ")
        }
        (_, Value::Object(_)) => value.to_string(),
        _ => "none".to_owned(),
    };
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

fn instant(text: &str) -> String {
    let naive = text.trim_end_matches('Z').parse::<chrono::NaiveDateTime>();
    naive.map_or_else(|_| text.to_owned(), |at| at.format("%-d %B %Y, %H:%M UTC").to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::ids::Id;

    fn entry(action: &str, target: &str, before: Option<Value>, after: Option<Value>) -> Entry {
        let (id, now) = (Id::new(chrono::DateTime::UNIX_EPOCH), chrono::DateTime::UNIX_EPOCH.naive_utc());
        Entry {
            id,
            root_id: id,
            seq: 1,
            account_id: id,
            at: now,
            actor_kind: "user".into(),
            actor_id: None,
            actor_label: "maya@harbor.example".into(),
            on_behalf_of: None,
            action: action.into(),
            target: target.into(),
            before: before.map(|value| value.to_string()),
            after: after.map(|value| value.to_string()),
            address: String::new(),
            request_id: String::new(),
            previous_hash: Vec::new(),
            hash: Vec::new(),
            key_version: None,
        }
    }

    #[test]
    fn a_change_tells_only_what_differs_in_the_words_of_the_pages() {
        let before = json!({ "name": "Alder", "monthly_credit": 0, "website": "a.example" });
        let after = json!({ "name": "Alder", "monthly_credit": 75000, "website": "a.example" });
        let said = sentence(&entry("sub_account.set_cap", "Alder", Some(before), Some(after)));
        assert_eq!(
            (said.text.as_str(), said.details),
            ("Cap of Alder changed", vec!["Monthly cap: no cap → 75,000".to_owned()])
        );
    }

    #[test]
    fn a_suspension_names_its_kind_and_reason_and_leaves_out_what_is_not_set() {
        let after = json!({ "kind": "abuse", "reason": "stolen key", "until": null });
        let said = sentence(&entry("sub_account.suspend", "Everline", None, Some(after)));
        assert_eq!((said.tone, said.text.as_str()), ("bad", "Everline suspended"));
        assert_eq!(said.details, ["Kind: Abuse", "Reason: stolen key"]);
    }

    #[test]
    fn a_lift_tells_the_holds_it_ended() {
        let said =
            sentence(&entry("sub_account.lift", "Everline", Some(json!([{ "kind": "abuse", "reason": "x" }])), None));
        assert_eq!(said.details, ["Abuse: x"]);
    }

    /// The names of actions as they stand in the code that records them.
    fn recorded(folder: &std::path::Path, found: &mut std::collections::BTreeSet<String>) {
        for file in std::fs::read_dir(folder).expect("a folder of the source").flatten() {
            if file.path().is_dir() {
                recorded(&file.path(), found);
                continue;
            }
            let text = std::fs::read_to_string(file.path()).expect("a source file");
            let areas = KINDS.iter().map(|(area, _)| *area);
            let named = |word: &&str| {
                areas.clone().any(|area| word.starts_with(area))
                    && word.bytes().all(|b| b.is_ascii_lowercase() || b"._".contains(&b))
            };
            found.extend(text.split('"').skip(1).step_by(2).filter(named).map(str::to_owned));
        }
    }

    #[test]
    fn every_action_that_is_recorded_has_words_and_no_words_wait_for_an_action_that_is_not() {
        let mut found = std::collections::BTreeSet::new();
        recorded(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/actions"), &mut found);
        let worded: std::collections::BTreeSet<String> =
            WORDS.iter().map(|(action, ..)| (*action).to_owned()).collect();
        assert!(found.len() > 40, "{found:?}");
        assert_eq!(found, worded);
    }

    #[test]
    fn an_action_without_words_still_reads() {
        assert_eq!(sentence(&entry("domain.rotate_key", "a.example", None, None)).text, "Domain rotate key: a.example");
        let said = sentence(&entry("domain.rotate_key", "", None, Some(json!({ "new_thing": true }))));
        assert_eq!((said.text.as_str(), said.details), ("Domain rotate key", vec!["New thing: on".to_owned()]));
    }

    #[test]
    fn roles_are_told_by_their_names() {
        let said = sentence(&entry(
            "member.change_role",
            "a@b.example",
            Some(json!({ "role": "analyst" })),
            Some(json!({ "role": "billing_manager" })),
        ));
        assert_eq!(said.details, ["Role: Analyst → Billing Manager"]);
    }
}
