use super::*;

fn id(records: &[&str]) -> Option<String> {
    let records: Vec<String> = records.iter().map(|record| (*record).to_owned()).collect();
    policy_id(&records).map(str::to_owned)
}

#[test]
fn a_record_is_read_to_the_letter() {
    for record in [
        "v=STSv1; id=20160831085700Z;",
        "v=STSv1;id=20160831085700Z",
        "v=STSv1;  \tid=20160831085700Z ; ",
        "v=STSv1; id=20160831085700Z; a_b-c.d=x!y",
        "v=STSv1; ext=1; id=20160831085700Z",
        "v=STSv1; id=20160831085700Z; id=another",
    ] {
        assert_eq!(id(&[record]).as_deref(), Some("20160831085700Z"), "{record}");
    }
    let long = format!("v=STSv1; id={}", "a".repeat(33));
    for record in [
        "",
        "v=STSv1",
        "v=STSv1;",
        "v=STSv1;;",
        "v=STSv1; id=",
        "v=STSv1; id=a-b",
        "v=STSv1; id=a b",
        "v=STSv1; ID=abc",
        "v=STSv1; id=abc;;",
        "v=STSv1; id=abc; nothing",
        "v=STSv1; id=abc; _x=1",
        "v=STSv1; id=abc; x=a=b",
        "v=STSv1; id=abc; x=",
        "v=STSv1; x=1",
        "v=STSv2; id=abc",
        "V=STSv1; id=abc",
        " v=STSv1; id=abc",
        "v=STSv1 ; id=abc",
        &long,
    ] {
        assert_eq!(id(&[record]), None, "{record}");
    }
}

#[test]
fn one_record_counts_and_two_do_not_whatever_else_stands_there() {
    assert_eq!(id(&["google-site-verification=x", "v=STSv1; id=a1"]).as_deref(), Some("a1"));
    assert_eq!(id(&["v=STSv1; id=a1", "v=STSv1; id=a1"]), None);
    assert_eq!(id(&["v=STSv1; id=a1", "v=STSv1; nonsense"]), None);
    assert_eq!(id(&[]), None);
}

const GOOD: &str = "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmx: BackupMX.example.com\nmax_age: 604800\n";

#[test]
fn a_policy_is_read_whatever_its_line_ends_and_the_first_of_two_fields_counts() {
    let expected = Policy {
        mode: Mode::Enforce,
        mx: vec!["mail.example.com".into(), "*.example.net".into(), "backupmx.example.com".into()],
        max_age: 604_800,
    };
    let again = format!("{GOOD}mode: none\nmax_age: 1\nversion: STSv2\nfoo.bar: hello there ✓\n");
    let tight = GOOD.replace(": ", ":");
    for text in [GOOD.to_owned(), GOOD.replace('\n', "\r\n"), GOOD.trim_end().to_owned(), again, tight] {
        assert_eq!(Policy::parse(&text), Ok(expected.clone()), "{text}");
    }
    let none = Policy::parse("version: STSv1\nmode: none\nmax_age: 0").expect("a policy that takes one back");
    assert_eq!((none.mode, none.mx.len(), none.max_age), (Mode::None, 0, 0));
}

#[test]
fn a_malformed_policy_is_none() {
    let with = |from: &str, to: &str| GOOD.replacen(from, to, 1);
    for (text, why) in [
        (String::new(), "is no field"),
        ("<html>\n".to_owned(), "is no field"),
        (with("version: STSv1\n", ""), "version"),
        (with("STSv1", "STSv2"), "version"),
        (with("STSv1", "stsv1"), "version"),
        (with("mode: enforce\n", ""), "no mode"),
        (with("enforce", "Enforce"), "mode is"),
        (with("enforce", "report"), "mode is"),
        (with("mode", "Mode:"), "mode"),
        (with("max_age: 604800\n", ""), "no max_age"),
        (with("604800", "31557601"), "max_age is"),
        (with("604800", "-1"), "max_age is"),
        (with("604800", "1e3"), "max_age is"),
        (with("604800", "+5"), "max_age is"),
        (with("604800", "00000000001"), "max_age is"),
        (with("604800", ""), "max_age is"),
        ("version: STSv1\nmode: testing\nmax_age: 5\n".to_owned(), "names no mx"),
        (with("mail.example.com", "mail..example.com"), "mx is"),
        (with("mail.example.com", "*.*.example.com"), "mx is"),
        (with("mail.example.com", "mail.*.com"), "mx is"),
        (with("mail.example.com", "*"), "mx is"),
        (with("mail.example.com", ".example.com"), "mx is"),
        (with("mail.example.com", "-mail.example.com"), "mx is"),
        (with("mail.example.com", "a.example b.example"), "mx is"),
        (with("mail.example.com", ""), "mx is"),
        (with("\n", "\n\n"), "is no field"),
        (with("\n", "\nnothing\n"), "is no field"),
        (with("\n", "\n x: y\n"), "is no field"),
        (with("\n", "\nx: \u{7}\n"), "is no field"),
        (with("\n", "\nx:\n"), "is no field"),
    ] {
        let error = Policy::parse(&text).expect_err(&text);
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn a_wildcard_stands_for_one_label() {
    let policy = Policy::parse(GOOD).expect("it is good");
    for host in ["mail.example.com", "MAIL.example.com.", "a.example.net", "mx-1.example.net", "backupmx.example.com"] {
        assert!(policy.names(host), "{host}");
    }
    for host in ["example.com", "a.mail.example.com", "example.net", ".example.net", "a.b.example.net", "aexample.net"]
    {
        assert!(!policy.names(host), "{host}");
    }
}
