//! MTA-STS (RFC 8461): what a domain says in DNS and over HTTPS of how its mail has to be delivered, read to the letter.
//! What does not fit the grammar says nothing: the domain is then as one that has no policy.

/// Above this a policy may not ask to be kept (section 3.2): a year, in seconds.
const LONGEST: i64 = 31_557_600;

/// What becomes of a server that does not fit the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is sent to it.
    Enforce,
    /// It gets its mail all the same.
    Testing,
    /// The domain takes its policy back.
    None,
}

impl Mode {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Testing => "testing",
            Self::None => "none",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Enforce, Self::Testing, Self::None].into_iter().find(|mode| mode.as_str() == text)
    }
}

/// A policy, as its file says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub mode: Mode,
    /// Names of servers in lower case; one that begins with `*.` stands for one more label before it.
    pub mx: Vec<String>,
    /// Seconds.
    pub max_age: i64,
}

/// The id of the policy that the TXT records at `_mta-sts.{domain}` speak of: none unless exactly one of them is
/// MTA-STS's, and written as section 3.1 has it.
#[must_use]
pub fn policy_id(records: &[String]) -> Option<&str> {
    let mut ours = records.iter().filter(|record| record.starts_with("v=STSv1;"));
    let (Some(record), None) = (ours.next(), ours.next()) else { return None };
    let fields = record.strip_prefix("v=STSv1;")?;
    // A last separator may stand alone.
    let fields = fields.trim_end_matches(WSP).strip_suffix(';').unwrap_or(fields);
    let mut id = None;
    for field in fields.split(';') {
        let (name, value) = field.trim_matches(WSP).split_once('=')?;
        let fits = match name {
            "id" => (1..=32).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            _ => is_extension(name) && !value.is_empty() && value.bytes().all(is_value_of_record),
        };
        if !fits {
            return None;
        }
        if name == "id" {
            id = id.or(Some(value));
        }
    }
    id
}

impl Policy {
    /// Reads a policy file (section 3.2). Of a field that may stand once the first counts.
    ///
    /// # Errors
    /// What is wrong with it, for the log.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut version, mut mode, mut max_age, mut mx) = (None, None, None, Vec::new());
        let text = text.trim_end_matches(WSP);
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            let line = line.strip_suffix('\r').unwrap_or(line).trim_end_matches(WSP);
            let (name, value) = line.split_once(':').ok_or_else(|| format!("{line:?} is no field"))?;
            let value = value.trim_start_matches(WSP);
            let wrong = || format!("{name} is {value:?}");
            match name {
                "version" => version = version.or(Some(value)),
                "mode" => mode = mode.or(Some(Mode::parse(value).ok_or_else(wrong)?)),
                "max_age" => max_age = max_age.or(Some(age(value).ok_or_else(wrong)?)),
                "mx" => mx.push(pattern(value).ok_or_else(wrong)?),
                _ if is_extension(name) && is_value_of_policy(value) => {}
                _ => return Err(format!("{line:?} is no field")),
            }
        }
        if version != Some("STSv1") {
            return Err("its version is not STSv1".to_owned());
        }
        let (mode, max_age) = (mode.ok_or("it has no mode")?, max_age.ok_or("it has no max_age")?);
        if mx.is_empty() && mode != Mode::None {
            return Err("it names no mx".to_owned());
        }
        Ok(Self { mode, mx, max_age })
    }

    /// Whether `host` is one of the servers it names (section 4.1).
    #[must_use]
    pub fn names(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.mx.iter().any(|pattern| match pattern.strip_prefix("*.") {
            Some(parent) => host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
            None => *pattern == host,
        })
    }
}

/// White space within a line (RFC 5234).
const WSP: [char; 2] = [' ', '\t'];

fn is_extension(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (1..=32).contains(&name.len()) && name.as_bytes()[0].is_ascii_alphanumeric() && name.bytes().all(inner)
}

/// Printable, but for what separates fields and names.
fn is_value_of_record(byte: u8) -> bool {
    (0x21..=0x7e).contains(&byte) && byte != b';' && byte != b'='
}

fn is_value_of_policy(value: &str) -> bool {
    !value.is_empty() && !value.chars().any(char::is_control)
}

fn age(text: &str) -> Option<i64> {
    let digits = (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|age| digits && *age <= LONGEST)
}

/// A host name, or `*.` before one (RFC 5321 section 4.1.2, Domain).
fn pattern(text: &str) -> Option<String> {
    let label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    let host = text.strip_prefix("*.").unwrap_or(text);
    (host.len() <= 253 && host.split('.').all(label)).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
#[path = "mta_sts_tests.rs"]
mod tests;
