//! What a server offers in its answer to EHLO (RFC 5321, section 4.1.1.1).

use smtp_proto::{AUTH_LOGIN, AUTH_PLAIN, EXT_8BIT_MIME, EXT_PIPELINING, EXT_SMTP_UTF8, EXT_START_TLS, EhloResponse};

use super::reply::Reply;

/// How a sign-in may be made, the better one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::delivery::transport) enum Mechanism {
    Plain,
    Login,
}

/// What we know to use of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::delivery::transport) struct Offers {
    extensions: u32,
    mechanisms: u64,
}

impl Offers {
    /// Of an answer to EHLO. Each line is read by itself: one that cannot be read takes no other with it.
    pub(in crate::delivery::transport) fn of(reply: &Reply) -> Self {
        let mut offers = Self::default();
        for line in reply.lines.iter().skip(1) {
            let alone = format!("250-server\r\n250 {line}\r\n");
            if let Ok(read) = EhloResponse::parse(&mut alone.as_bytes().iter()) {
                offers.extensions |= read.capabilities;
                offers.mechanisms |= read.auth_mechanisms;
            }
        }
        offers
    }

    pub(in crate::delivery::transport) const fn starttls(self) -> bool {
        self.extensions & EXT_START_TLS != 0
    }

    pub(in crate::delivery::transport) const fn pipelining(self) -> bool {
        self.extensions & EXT_PIPELINING != 0
    }

    pub(in crate::delivery::transport) const fn eight_bit_mime(self) -> bool {
        self.extensions & EXT_8BIT_MIME != 0
    }

    pub(in crate::delivery::transport) const fn smtp_utf8(self) -> bool {
        self.extensions & EXT_SMTP_UTF8 != 0
    }

    /// The best way to sign in that it takes.
    pub(in crate::delivery::transport) const fn mechanism(self) -> Option<Mechanism> {
        if self.mechanisms & AUTH_PLAIN != 0 {
            Some(Mechanism::Plain)
        } else if self.mechanisms & AUTH_LOGIN != 0 {
            Some(Mechanism::Login)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::reply::Reader;
    use super::*;

    fn offers(lines: &str) -> Offers {
        let (_, reply) = Reader::default().read(lines.replace('\n', "\r\n").as_bytes());
        Offers::of(&reply.expect("a reply"))
    }

    #[test]
    fn keywords_are_read_in_any_case_and_auth_with_an_equals_sign_too() {
        let offers = offers("250-mx Hello\n250-pipelining\n250-StartTLS\n250-8BITmime\n250-smtputf8\n250 auth=login\n");
        assert!(offers.pipelining() && offers.starttls() && offers.eight_bit_mime() && offers.smtp_utf8());
        assert_eq!(offers.mechanism(), Some(Mechanism::Login));
    }

    #[test]
    fn plain_goes_before_login_and_what_we_cannot_do_is_no_offer() {
        assert_eq!(offers("250-mx\n250 AUTH LOGIN PLAIN\n").mechanism(), Some(Mechanism::Plain));
        assert_eq!(offers("250-mx\n250-AUTH GSSAPI\n250 AUTH=CRAM-MD5 XOAUTH2\n").mechanism(), None);
        assert_eq!(offers("250-mx\n250-AUTH GSSAPI\n250 AUTH=PLAIN\n").mechanism(), Some(Mechanism::Plain));
    }

    #[test]
    fn the_name_is_no_keyword_and_a_line_that_makes_no_sense_hides_no_other() {
        assert_eq!(offers("250 PIPELINING\n"), Offers::default());
        let odd = "250-mx\n250-SIZE=many\n250-FUTURERELEASE x y\n250-\n250-\u{fffd}\n250 PIPELINING\n";
        assert!(offers(odd).pipelining());
        assert!(!offers("250-mx\n250-XPIPELINING\n250 PIPELININGX\n").pipelining());
    }
}
