//! The judgement of each record, on an in-process zone.

use super::super::records::sample;
use super::super::zone::ZoneMap;
use super::*;

/// The state of one kind, with everything published and then `change` made.
async fn state(kind: RecordKind, change: impl FnOnce(&mut ZoneMap)) -> RecordState {
    let setup = sample();
    let mut zone = ZoneMap::default();
    zone.publish(&setup);
    zone.remove_kind(&setup, kind);
    change(&mut zone);
    let result = check(&Dns::zone(zone), &setup).await;
    let others_ok = result.records.iter().all(|(other, state)| *other == kind || state.ok);
    assert!(others_ok, "only {kind:?} was changed");
    let found = result.records.into_iter().find(|(other, _)| *other == kind).unwrap().1;
    assert_eq!(found.ok, found.problem.is_none());
    found
}

async fn spf(texts: &[&str]) -> RecordState {
    state(RecordKind::Spf, |zone| texts.iter().for_each(|text| zone.txt("shop.example.com", text))).await
}

async fn dkim(texts: &[&str]) -> RecordState {
    let host = "canopy._domainkey.shop.example.com";
    state(RecordKind::Dkim, |zone| texts.iter().for_each(|text| zone.txt(host, text))).await
}

async fn dmarc(at: &str, texts: &[&str]) -> RecordState {
    state(RecordKind::Dmarc, |zone| texts.iter().for_each(|text| zone.txt(at, text))).await
}

fn problem(state: &RecordState) -> &str {
    state.problem.as_deref().unwrap_or_default()
}

#[tokio::test]
async fn everything_published_is_all_ok() {
    let setup = sample();
    let mut zone = ZoneMap::default();
    zone.publish(&setup);
    let result = check(&Dns::zone(zone), &setup).await;
    assert!(result.all_required_ok && result.records.iter().all(|(_, state)| state.ok));
}

#[tokio::test]
async fn optional_records_are_not_waited_for() {
    let setup = sample();
    let mut zone = ZoneMap::default();
    zone.publish_only(&setup, &[RecordKind::Spf, RecordKind::Dkim, RecordKind::Dmarc]);
    let result = check(&Dns::zone(zone), &setup).await;
    assert!(result.all_required_ok);
    assert_eq!(result.records.iter().filter(|(_, state)| state.ok).count(), 3);
}

#[tokio::test]
async fn an_spf_record_that_includes_us_passes_in_any_spelling() {
    for text in [
        "v=spf1 include:spf.platform.example -all",
        "V=SPF1 a mx +include:SPF.Platform.Example. ?all",
        "v=spf1 ip4:192.0.2.1 include:spf.platform.example",
    ] {
        assert!(spf(&[text, "another text"]).await.ok, "{text}");
    }
}

#[tokio::test]
async fn an_spf_record_that_does_not_let_us_send_says_what_to_write() {
    let missing = spf(&[]).await;
    assert!(problem(&missing).ends_with("v=spf1 include:spf.platform.example ~all"), "{}", problem(&missing));
    for text in [
        "v=spf1 a -all",
        "v=spf1 -all include:spf.platform.example",
        "v=spf1 -include:spf.platform.example ~all",
        "v=spf1 include:spf.platform.example.net ~all",
    ] {
        let state = spf(&[text]).await;
        assert!(problem(&state).contains("reads: v=spf1 include:spf.platform.example "), "{text}: {state:?}");
        assert_eq!(state.found, [text]);
    }
    let two = spf(&["v=spf1 include:spf.platform.example ~all", "v=spf1 a ~all"]).await;
    assert!(problem(&two).starts_with("There are 2 SPF records at shop.example.com"), "{}", problem(&two));
}

#[tokio::test]
async fn an_include_reached_through_a_redirect_or_another_include_counts() {
    let through = state(RecordKind::Spf, |zone| {
        zone.txt("shop.example.com", "v=spf1 redirect=_spf.example.com");
        zone.txt("_spf.example.com", "v=spf1 include:all.example.com -all");
        zone.txt("all.example.com", "v=spf1 include:spf.platform.example -all");
    });
    assert!(through.await.ok);
    let circle = state(RecordKind::Spf, |zone| {
        zone.txt("shop.example.com", "v=spf1 include:a.example.com ~all");
        zone.txt("a.example.com", "v=spf1 include:shop.example.com ~all");
    });
    assert!(!circle.await.ok);
    let long = state(RecordKind::Spf, |zone| {
        zone.txt("shop.example.com", "v=spf1 include:s0.example.com ~all");
        for step in 0..20 {
            let text = format!("v=spf1 include:s{}.example.com ~all", step + 1);
            zone.txt(&format!("s{step}.example.com"), &text);
        }
    });
    assert!(problem(&long.await).contains("more than 10 look-ups"));
}

#[tokio::test]
async fn a_dkim_key_is_compared_without_white_space_and_followed_over_an_alias() {
    assert!(dkim(&["v=DKIM1;k=rsa;p=MIIB IjAN\tBg"]).await.ok);
    assert!(dkim(&["p=MIIBIjANBg", "a wildcard's text"]).await.ok);
    let delegated = state(RecordKind::Dkim, |zone| {
        zone.cname("canopy._domainkey.shop.example.com", "keys.platform.example");
        zone.txt("keys.platform.example", "v=DKIM1; k=rsa; t=s; h=sha256; s=email; p=MIIBIjANBg");
    });
    assert!(delegated.await.ok);
}

#[tokio::test]
async fn a_wrong_dkim_record_is_told_apart_from_a_missing_one() {
    let cases: [(&[&str], &str); 9] = [
        (&[], "There is no DKIM record at canopy._domainkey.shop.example.com"),
        (&["v=DKIM1; p="], "revokes"),
        (&["v=DKIM1; p=MIIBIj"], "only the beginning"),
        (&["v=DKIM1; p=MIIBother"], "holds another key (p=MIIBother...)"),
        (&["v=DKIM2; p=MIIBIjANBg"], "does not start with v=DKIM1"),
        (&["v=DKIM1; k=ed25519; p=MIIBIjANBg"], "kind ed25519"),
        (&["v=DKIM1; h=sha1; p=MIIBIjANBg"], "does not allow sha256"),
        (&["something else"], "has no p="),
        (&["v=DKIM1; p=MIIBIjANBg", "v=DKIM1; p=MIIBother"], "There are 2 DKIM records"),
    ];
    for (texts, expected) in cases {
        let state = dkim(texts).await;
        assert!(problem(&state).contains(expected), "{texts:?}: {}", problem(&state));
        assert!(problem(&state).ends_with("v=DKIM1; k=rsa; p=MIIBIjANBg"), "says what to publish");
    }
}

#[tokio::test]
async fn any_valid_dmarc_policy_passes_here_or_at_the_parent() {
    let here = "_dmarc.shop.example.com";
    for text in ["v=DMARC1; p=none", "v=DMARC1;p=Reject;rua=mailto:a@example.com", "v = DMARC1 ; p = quarantine ;"] {
        assert!(dmarc(here, &[text, "unrelated"]).await.ok, "{text}");
    }
    assert!(dmarc("_dmarc.example.com", &["v=DMARC1; p=reject"]).await.ok);
}

#[tokio::test]
async fn a_dmarc_record_that_receivers_ignore_is_a_problem() {
    let here = "_dmarc.shop.example.com";
    let cases: [(&[&str], &str); 4] = [
        (&[], "There is no DMARC record at _dmarc.shop.example.com. Publish this TXT record: v=DMARC1; p=none"),
        (&["v=DMARC1; p=maybe"], "policy p=maybe"),
        (&["v=DMARC1"], "has no policy"),
        (&["v=DMARC1; p=none", "v=DMARC1; p=reject"], "There are 2 DMARC records"),
    ];
    for (texts, expected) in cases {
        let state = dmarc(here, texts).await;
        assert!(problem(&state).contains(expected), "{texts:?}: {}", problem(&state));
    }
}

#[tokio::test]
async fn a_cname_may_lead_to_us_over_other_aliases_but_not_elsewhere() {
    let host = "track.shop.example.com";
    let chain = state(RecordKind::Tracking, |zone| {
        zone.cname(host, "links.example.com");
        zone.cname("links.example.com", "WEB.platform.example.");
    });
    assert_eq!(chain.await.found, ["links.example.com", "web.platform.example"]);
    let elsewhere = state(RecordKind::Tracking, |zone| zone.cname(host, "links.example.com")).await;
    let expected =
        "The CNAME record at track.shop.example.com leads to links.example.com. Make it point to web.platform.example.";
    assert_eq!(problem(&elsewhere), expected);
    let missing = state(RecordKind::Tracking, |_| {}).await;
    assert!(problem(&missing).starts_with("There is no CNAME record at track.shop.example.com."));
    let circle = state(RecordKind::Tracking, |zone| zone.cname(host, host)).await;
    assert!(!circle.ok);
}

#[tokio::test]
async fn our_host_among_the_mx_records_is_enough_at_any_priority() {
    let among = state(RecordKind::Mx, |zone| {
        zone.mx("shop.example.com", 5, "mail.example.com");
        zone.mx("shop.example.com", 50, "mx.platform.example");
    });
    assert!(among.await.ok);
    let other = state(RecordKind::Mx, |zone| zone.mx("shop.example.com", 5, "mail.example.com")).await;
    let expected =
        "Mail for shop.example.com goes to 5 mail.example.com. To receive it here, publish: 10 mx.platform.example.";
    assert_eq!(problem(&other), expected);
}
