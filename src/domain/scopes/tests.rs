use chrono::DateTime;
use proptest::prelude::*;

use super::*;

fn owned() -> Vec<(Id, String)> {
    let epoch = DateTime::from_timestamp_nanos(0);
    vec![(Id::new(epoch), "a.example".to_owned()), (Id::new(epoch), "b.example".to_owned())]
}

fn set(texts: &[&str]) -> ScopeSet {
    ScopeSet::from_stored(texts)
}

fn normalised(texts: &[&str]) -> Result<Vec<String>, Refusal> {
    let texts = texts.iter().map(|text| (*text).to_owned()).collect();
    Ok(normalise(texts, &owned())?.iter().map(ToString::to_string).collect())
}

#[test]
fn every_listed_scope_reads_back() {
    for name in all_static_names() {
        assert_eq!(Scope::parse(&name).map(|scope| scope.to_string()), Ok(name));
    }
    let domain = "messages:send:{a.example}";
    assert_eq!(Scope::parse(domain).map(|scope| scope.to_string()), Ok(domain.to_owned()));
}

#[test]
fn what_is_no_scope_is_refused() {
    for text in [
        "",
        "messages",
        "messages:send",
        "messages:send:",
        "messages:send:a.example",
        "messages:send:{}",
        "messages:send:{all}",
        "Messages:Send:all",
        "domains:read:all",
        "sub-accounts:*",
        "messages:send:all ",
    ] {
        assert!(Scope::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_request_is_normalised() {
    assert!(normalised(&[]).is_err());
    assert!(normalised(&["domains:read", "domains:read"]).is_err());
    assert!(normalised(&["messages:send:{A.example}", "messages:send:{a.example.}"]).is_err());
    assert!(normalised(&["messages:send:{other.example}"]).is_err());
    assert_eq!(
        normalised(&["messages:send:{a.example}", "messages:send:all", "messages:read:{b.example}"]),
        Ok(vec!["messages:send:all".to_owned(), "messages:read:{b.example}".to_owned()])
    );
}

#[test]
fn all_covers_each_domain_and_a_domain_only_itself() {
    let all = set(&["messages:send:all"]);
    let one = set(&["messages:send:{a.example}"]);
    let needs = |domain: &str| Required::Domain(Family::MessagesSend, domain.to_owned());
    assert!(all.allows(&needs("b.example")) && all.allows(&Required::All(Family::MessagesSend)));
    assert!(one.allows(&needs("a.example")) && one.allows(&Required::Any(Family::MessagesSend)));
    assert!(!one.allows(&needs("b.example")) && !one.allows(&Required::All(Family::MessagesSend)));
    assert!(!one.allows(&Required::Any(Family::MessagesRead)));
    assert_eq!(one.reach(Family::MessagesSend), Reach::Domains(vec!["a.example".to_owned()]));
}

#[test]
fn a_key_grants_no_more_than_it_holds() {
    let holder = set(&["api-keys:write", "messages:send:all", "messages:read:{a.example}"]);
    assert!(holder.may_grant(&set(&["messages:send:{b.example}", "messages:read:{a.example}"])));
    assert!(!holder.may_grant(&set(&["messages:read:all"])));
    let wanted = set(&["messages:send:all", "domains:write"]);
    assert_eq!(holder.first_not_held(&wanted), Some(&Scope::Plain("domains:write")));
}

#[test]
fn scopes_about_sub_accounts_never_fit_a_child() {
    let for_parents = all_static_names().into_iter().filter(|name| !set(&[name]).fits_a_child()).count();
    assert_eq!(for_parents, 8);
}

proptest! {
    #[test]
    fn granting_is_transitive_and_reflexive(
        a in prop::sample::subsequence(pool(), 0..8),
        b in prop::sample::subsequence(pool(), 0..8),
        c in prop::sample::subsequence(pool(), 0..8),
    ) {
        let [a, b, c] = [a, b, c].map(|texts| ScopeSet::from_stored(&texts));
        prop_assert!(a.may_grant(&a));
        if a.may_grant(&b) && b.may_grant(&c) {
            prop_assert!(a.may_grant(&c));
        }
    }
}

fn pool() -> Vec<&'static str> {
    vec![
        "messages:send:all",
        "messages:send:{a.example}",
        "messages:send:{b.example}",
        "messages:read:all",
        "messages:read:{a.example}",
        "domains:read",
        "sub-accounts:read",
        "api-keys:write",
    ]
}
