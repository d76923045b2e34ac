//! What a check found, in a sentence, and what to do about it.

use serde::Serialize;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    /// It does not apply here, or was not asked for.
    Skip,
    Warn,
    Fail,
}

impl Verdict {
    /// The word at the beginning of a line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skip => "skip",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

/// The outcome of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at: `database`, `disk`, `relay mx.example:587`.
    pub subject: String,
    pub verdict: Verdict,
    /// A sentence, without secrets.
    pub found: String,
    /// What to do; empty when all is well.
    pub advice: String,
    /// The other side's own words: for the operator at the command line, and for whoever set it up.
    pub detail: String,
    /// About something that the account which asks has set up itself.
    #[serde(skip)]
    pub own: bool,
}

impl Finding {
    pub fn ok(subject: &str, found: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Ok, found, "")
    }

    pub fn skip(subject: &str, found: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Skip, found, "")
    }

    pub fn warn(subject: &str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Warn, found, advice)
    }

    pub fn fail(subject: &str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Fail, found, advice)
    }

    fn new(subject: &str, verdict: Verdict, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            subject: subject.to_owned(),
            verdict,
            found: found.into(),
            advice: advice.into(),
            detail: String::new(),
            own: false,
        }
    }

    /// The same with the other side's words.
    #[must_use]
    pub fn because(self, detail: impl std::fmt::Display) -> Self {
        Self { detail: detail.to_string(), ..self }
    }
}
