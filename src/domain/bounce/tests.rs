use proptest::prelude::*;

use super::*;

fn bounced(code: u16, text: &str) -> (bool, Classification) {
    match judge(code, text) {
        Verdict::Bounced { hard, classification } => (hard, classification),
        other => panic!("{code} {text} is {other:?}"),
    }
}

#[test]
fn an_address_that_does_not_exist_is_a_hard_bounce() {
    for (code, text) in [
        (550, "5.1.1 <x@b.example>: Recipient address rejected: User unknown in virtual mailbox table"),
        (550, "5.1.1 The email account that you tried to reach does not exist."),
        (550, "Requested action not taken: mailbox unavailable: no such user"),
        (553, "sorry"),
        (554, "delivery error: This user doesn't have an account; no mailbox here"),
        (550, "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"),
        (550, "5.2.1 The email account that you tried to reach is disabled"),
    ] {
        assert!(bounced(code, text).0, "{code} {text}");
    }
}

#[test]
fn a_refusal_of_this_message_is_not_held_against_the_address() {
    use Classification as C;
    for (code, text, class) in [
        (552, "5.2.2 Mailbox full", C::MailboxFull),
        (550, "5.7.1 Message rejected as spam by Content Filtering.", C::SpamContent),
        (554, "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", C::SpamBlock),
        (550, "5.7.26 This mail is unauthenticated, which poses a security risk", C::AuthenticationFailed),
        (554, "5.7.1 <x@b.example>: Relay access denied", C::Relaying),
        (552, "5.3.4 Message size exceeds fixed limit", C::MessageTooLarge),
        (550, "5.7.1 Delivery not authorized, message refused", C::PolicyRelated),
        (550, "5.1.8 Sender address rejected: Domain not found", C::InvalidSender),
        (550, "No", C::Uncategorized),
    ] {
        assert_eq!(bounced(code, text), (false, class), "{code} {text}");
    }
}

#[test]
fn temporary_refusals_are_tried_again() {
    for (code, text) in
        [(421, "4.7.0 Try again later"), (450, "4.2.0 Greylisted"), (452, "4.2.2 Over quota"), (354, ""), (0, "")]
    {
        assert_eq!(judge(code, text), Verdict::Deferred, "{code} {text}");
    }
    assert_eq!(judge(535, "5.7.8 Authentication credentials invalid"), Verdict::Deferred);
}

#[test]
fn a_conversation_gone_wrong_is_our_failure() {
    assert_eq!(judge(503, "5.5.1 Bad sequence of commands"), Verdict::Failed);
    assert_eq!(judge(501, "Syntax error"), Verdict::Failed);
    assert_eq!(judge(250, "2.0.0 Ok: queued as 12345"), Verdict::Delivered);
}

#[test]
fn attempts_that_ran_out_are_a_soft_bounce() {
    let soft = |classification| Verdict::Bounced { hard: false, classification };
    assert_eq!(exhausted(450, "4.2.0 Greylisted"), soft(Classification::MessageExpired));
    assert_eq!(exhausted(452, "4.2.2 Over quota"), soft(Classification::MailboxFull));
    assert_eq!(exhausted(450, "4.1.1 User unknown"), soft(Classification::InvalidRecipient));
}

#[test]
fn a_domain_without_mail_is_a_hard_bounce_and_a_silent_one_is_not() {
    assert!(matches!(Unreachable::NullMx.verdict(), Verdict::Bounced { hard: true, .. }));
    assert_eq!(Unreachable::NoConnection.verdict(), Verdict::Deferred);
}

#[test]
fn an_enhanced_status_is_read_only_at_the_start() {
    let read = |text| EnhancedStatus::leading(text).map(|status| (status.class, status.subject, status.detail));
    assert_eq!(read("5.1.1 x"), Some((5, 1, 1)));
    assert_eq!(read("4.7.650 x"), Some((4, 7, 650)));
    for text in ["", "x 5.1.1", "5.1", "5.1.1.1 x", "3.1.1", "5.1.1111", "10.0.0.1 refused", "5.a.1"] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn classifications_survive_storage() {
    for class in Classification::all() {
        assert_eq!(Classification::parse(class.as_str()), Ok(class));
    }
}

proptest! {
    #[test]
    fn any_reply_has_a_verdict_of_its_kind(code in 0..1000u16, text in "\\PC{0,200}") {
        match judge(code, &text) {
            Verdict::Delivered => prop_assert!((200..300).contains(&code)),
            Verdict::Bounced { .. } | Verdict::Failed => prop_assert!((500..600).contains(&code)),
            Verdict::Deferred => prop_assert!(!(200..300).contains(&code)),
        }
    }
}
