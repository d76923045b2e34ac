//! The addresses that reports about one message come back to (VERP), and the mark that it carries in its headers.
//! Here is only their shape; who signs them is in `actions::return_path`.
//!
//! `b` and a mark is a return path, `c` and a mark an address for complaints. A mark is the message's id and a signature
//! of 80 bits in base32 (RFC 4648, lower case): 42 characters that survive a host which changes their case, so that the
//! local part has 43 of the 64 octets there are (RFC 5321, section 4.5.3.1.1).

use std::fmt;

use uuid::Uuid;

use super::ids::Id;

/// Bytes of the signature in a mark: 80 bits, of which a guesser gets one try a message.
pub const TAG: usize = 10;
/// The longest host of a return path: with the local part and the `@` it fits into an address of 254 octets.
pub const MAX_HOST: usize = 210;

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const BYTES: usize = 16 + TAG;
/// 26 bytes are 208 bits: 41.6 characters.
const LETTERS: usize = 42;

/// A message's id and what signs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mark {
    pub id: Id,
    pub tag: [u8; TAG],
}

/// What an address, or a mark in a header, is for: a signature for one is none for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The envelope sender: bounces.
    Bounce,
    /// The address for complaint reports that the message names.
    Complaint,
    /// The headers of the message itself.
    Header,
}

/// An address made for one message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReturnAddress {
    pub purpose: Purpose,
    pub mark: Mark,
    /// Lower case.
    pub host: String,
}

impl Mark {
    /// Reads a mark in any case; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != LETTERS {
            return None;
        }
        let mut bytes = [0; BYTES];
        let (mut bits, mut held, mut at) = (0_u32, 0_u32, 0);
        for letter in text.bytes() {
            let letter = letter.to_ascii_lowercase();
            let value = ALPHABET.iter().position(|known| *known == letter)?;
            bits = (bits << 5 | u32::try_from(value).ok()?) & 0xfff;
            held += 5;
            if held >= 8 && at < BYTES {
                held -= 8;
                bytes[at] = u8::try_from(bits >> held & 0xff).ok()?;
                at += 1;
            }
        }
        // What does not fill a byte is nothing: a mark has one form.
        if bits & ((1 << held) - 1) != 0 {
            return None;
        }
        let (id, tag) = bytes.split_at(16);
        Some(Self { id: Id(Uuid::from_slice(id).ok()?), tag: tag.try_into().ok()? })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(LETTERS);
        let (mut bits, mut held) = (0_u32, 0_u32);
        for byte in self.id.as_bytes().iter().chain(&self.tag) {
            bits = bits << 8 | u32::from(*byte);
            held += 8;
            while held >= 5 {
                held -= 5;
                text.push(char::from(ALPHABET[(bits >> held & 31) as usize]));
            }
            bits &= (1 << held) - 1;
        }
        text.push(char::from(ALPHABET[(bits << (5 - held) & 31) as usize]));
        f.write_str(&text)
    }
}

impl Purpose {
    /// The letter in front of the mark; headers have none.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Bounce => "b",
            Self::Complaint => "c",
            Self::Header => "",
        }
    }
}

impl ReturnAddress {
    /// Reads an address of this shape, whoever signed it; `None` for any other.
    #[must_use]
    pub fn parse(address: &str) -> Option<Self> {
        let (local, host) = address.trim().rsplit_once('@')?;
        let purpose = match local.as_bytes().first()? {
            b'b' | b'B' => Purpose::Bounce,
            b'c' | b'C' => Purpose::Complaint,
            _ => return None,
        };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        (!host.is_empty() && host.len() <= MAX_HOST).then_some(())?;
        Some(Self { purpose, mark: Mark::parse(local.get(1..)?)?, host })
    }
}

impl fmt::Display for ReturnAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}@{}", self.purpose.letter(), self.mark, self.host)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_address_reads_back_in_any_case_and_fits_into_a_local_part(id in any::<[u8; 16]>(), tag in any::<[u8; TAG]>()) {
            let mark = Mark { id: Id(Uuid::from_bytes(id)), tag };
            for purpose in [Purpose::Bounce, Purpose::Complaint] {
                let address = ReturnAddress { purpose, mark, host: "bounces.example.com".into() };
                let text = address.to_string();
                prop_assert_eq!(text.find('@'), Some(43));
                prop_assert_eq!(ReturnAddress::parse(&text.to_uppercase()), Some(address.clone()));
                prop_assert_eq!(ReturnAddress::parse(&text), Some(address));
            }
        }

        #[test]
        fn a_mark_has_one_form(text in "[a-z2-7]{42}") {
            if let Some(mark) = Mark::parse(&text) {
                prop_assert_eq!(mark.to_string(), text);
            }
        }

        #[test]
        fn any_text_is_read_without_harm(text in ".{0,120}") {
            if let Some(address) = ReturnAddress::parse(&text) {
                prop_assert!(address.to_string().eq_ignore_ascii_case(text.trim().trim_end_matches('.')));
            }
        }
    }

    #[test]
    fn other_addresses_are_not_taken_for_one() {
        let mark = "a".repeat(42);
        for text in [
            "",
            "@",
            "b@x.example",
            &mark,
            &format!("b{mark}"),
            &format!("b{mark}@"),
            &format!("d{mark}@x"),
            &format!("b{mark}a@x"),
            &format!("b{}1@x", "a".repeat(41)),
            &format!("b{}b@x", "a".repeat(41)),
            "bü@x",
        ] {
            assert_eq!(ReturnAddress::parse(text), None, "{text}");
        }
    }
}
