//! Where a message stands, as it is stored and as the contract names it.

use super::super::refusal::Refusal;

/// The state of one message to one recipient. A cancelled or expired one is `Failed`; its event says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageStatus {
    /// Accepted, waiting for its first attempt.
    Received,
    /// Accepted, waiting for its hour; the contract shows it as Received.
    Scheduled,
    /// Accepted, waiting at the cap, not counted yet; the contract shows it as Received.
    Held,
    Delivered,
    /// Tried at least once; another attempt follows.
    Deferred,
    Bounced,
    Failed,
    Suppressed,
    SandboxDelivered,
    SandboxDeferred,
    SandboxBounced,
    SandboxFailed,
    SandboxSuppressed,
}

impl MessageStatus {
    #[must_use]
    pub const fn all() -> [Self; 13] {
        [
            Self::Received,
            Self::Scheduled,
            Self::Held,
            Self::Delivered,
            Self::Deferred,
            Self::Bounced,
            Self::Failed,
            Self::Suppressed,
            Self::SandboxDelivered,
            Self::SandboxDeferred,
            Self::SandboxBounced,
            Self::SandboxFailed,
            Self::SandboxSuppressed,
        ]
    }

    /// The stored form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Scheduled => "scheduled",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::Deferred => "deferred",
            Self::Bounced => "bounced",
            Self::Failed => "failed",
            Self::Suppressed => "suppressed",
            Self::SandboxDelivered => "sandbox_delivered",
            Self::SandboxDeferred => "sandbox_deferred",
            Self::SandboxBounced => "sandbox_bounced",
            Self::SandboxFailed => "sandbox_failed",
            Self::SandboxSuppressed => "sandbox_suppressed",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::all()
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| Refusal::new("Choose one of the listed message statuses."))
    }

    /// The contract's name.
    #[must_use]
    pub const fn api_name(self) -> &'static str {
        match self {
            Self::Received | Self::Scheduled | Self::Held => "Received",
            Self::Delivered => "Delivered",
            Self::Deferred => "Deferred",
            Self::Bounced => "Bounced",
            Self::Failed => "Failed",
            Self::Suppressed => "Suppressed",
            Self::SandboxDelivered => "Sandbox Delivered",
            Self::SandboxDeferred => "Sandbox Deferred",
            Self::SandboxBounced => "Sandbox Bounced",
            Self::SandboxFailed => "Sandbox Failed",
            Self::SandboxSuppressed => "Sandbox Suppressed",
        }
    }

    /// The name on screen, where a scheduled message is told from a received one.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Scheduled => "Scheduled",
            Self::Held => "Held at the cap",
            other => other.api_name(),
        }
    }

    /// The states that the contract's name stands for, in any case; none for an unknown name.
    #[must_use]
    pub fn named(api_name: &str) -> Vec<Self> {
        Self::all().into_iter().filter(|status| status.api_name().eq_ignore_ascii_case(api_name.trim())).collect()
    }

    /// Whether nothing more will happen to the message.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Received | Self::Scheduled | Self::Held | Self::Deferred)
    }

    #[must_use]
    pub const fn is_sandbox(self) -> bool {
        matches!(
            self,
            Self::SandboxDelivered
                | Self::SandboxDeferred
                | Self::SandboxBounced
                | Self::SandboxFailed
                | Self::SandboxSuppressed
        )
    }
}

/// How a sandbox message ends, as the sender asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum SandboxResult {
    #[default]
    Deliver,
    Bounce,
    Defer,
    Fail,
    Suppress,
}

impl SandboxResult {
    #[must_use]
    pub const fn all() -> [Self; 5] {
        [Self::Deliver, Self::Bounce, Self::Defer, Self::Fail, Self::Suppress]
    }

    /// The contract's word, which is also the stored form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::Bounce => "bounce",
            Self::Defer => "defer",
            Self::Fail => "fail",
            Self::Suppress => "suppress",
        }
    }

    /// Reads the contract's word.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::all()
            .into_iter()
            .find(|result| result.as_str() == text)
            .ok_or_else(|| Refusal::new("Use deliver, bounce, defer, fail or suppress."))
    }

    /// The status that the message ends in.
    #[must_use]
    pub const fn status(self) -> MessageStatus {
        match self {
            Self::Deliver => MessageStatus::SandboxDelivered,
            Self::Bounce => MessageStatus::SandboxBounced,
            Self::Defer => MessageStatus::SandboxDeferred,
            Self::Fail => MessageStatus::SandboxFailed,
            Self::Suppress => MessageStatus::SandboxSuppressed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_survive_storage() {
        for status in MessageStatus::all() {
            assert_eq!(MessageStatus::parse(status.as_str()), Ok(status));
            assert!(MessageStatus::named(status.api_name()).contains(&status));
        }
    }

    #[test]
    fn a_scheduled_message_is_received_to_the_contract() {
        assert_eq!(
            MessageStatus::named("received"),
            [MessageStatus::Received, MessageStatus::Scheduled, MessageStatus::Held]
        );
        assert_eq!(MessageStatus::named("nonsense"), []);
    }

    #[test]
    fn every_sandbox_result_ends_in_a_sandbox_status() {
        for word in ["deliver", "bounce", "defer", "fail", "suppress"] {
            assert!(SandboxResult::parse(word).expect("listed").status().is_sandbox());
        }
        assert!(SandboxResult::parse("Deliver").is_err());
    }
}
