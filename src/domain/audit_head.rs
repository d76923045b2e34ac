//! How a chain of the audit ended at some time, as a line that is kept outside the database: in a log, a file, a mail. What a
//! line says is read again wherever it stands, with whatever a log wrote around it.

use std::fmt;

use super::ids::Id;

/// A chain, how many entries it had, and the hash of the last one (hexadecimal).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditHead {
    pub root: Id,
    pub seq: i64,
    pub hash: String,
}

impl AuditHead {
    /// The head that a line tells of; `None` for every other line.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (_, rest) = line.split_once("audit head ")?;
        let word = |name: &str| {
            let mut words = rest.split([' ', '\t', '"', ',']);
            words.find_map(|word| word.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')))
        };
        let hash = word("hash")?.trim().to_ascii_lowercase();
        if hash.is_empty() || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        Some(Self { root: word("root")?.parse().ok()?, seq: word("seq")?.parse().ok()?, hash })
    }
}

impl fmt::Display for AuditHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "audit head root={} seq={} hash={}", self.root, self.seq, self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_back_wherever_it_stands() {
        let root = Id::new(chrono::DateTime::UNIX_EPOCH);
        let head = AuditHead { root, seq: 12, hash: "ab01".into() };
        for line in [
            format!("{head}"),
            format!("2026-11-30T12:00:00Z {head}"),
            format!("{{\"level\":\"INFO\",\"message\":\"{head}\",\"node\":\"a\"}}"),
            format!("Nov 30 12:00 host canopy[17]: {head} and more"),
        ] {
            assert_eq!(AuditHead::parse(&line), Some(head.clone()), "{line}");
        }
        for line in ["", "audit head", "audit head root=x seq=1 hash=ab", "root=1 seq=1 hash=ab"] {
            assert_eq!(AuditHead::parse(line), None, "{line}");
        }
        assert_eq!(AuditHead::parse(&format!("audit head root={root} seq=1 hash=xy")), None);
    }
}
