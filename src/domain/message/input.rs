//! The bodies of `POST messages` and `POST messages/conversation` as they arrive. Unknown fields are ignored, `null`
//! counts as absent. What is required is checked in `draft`, so that every refusal is a sentence that names the field.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// `CreateMessageRequest`: one message for each recipient.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct MessageInput {
    pub from: Option<AddressInput>,
    pub recipients: Option<Vec<RecipientInput>>,
    pub substitutions: Option<Map<String, Value>>,
    #[serde(flatten)]
    pub common: CommonInput,
}

/// `CreateConversationMessageRequest`: one message that all recipients see each other on.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConversationInput {
    pub from: Option<AddressInput>,
    pub to: Option<Vec<AddressInput>>,
    pub cc: Option<Vec<AddressInput>>,
    pub bcc: Option<Vec<AddressInput>>,
    #[serde(flatten)]
    pub common: CommonInput,
}

/// What both requests share.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CommonInput {
    pub reply_to: Option<AddressInput>,
    pub subject: Option<String>,
    pub text_content: Option<String>,
    pub html_content: Option<String>,
    pub amp_content: Option<String>,
    pub attachments: Option<Vec<AttachmentInput>>,
    pub headers: Option<BTreeMap<String, String>>,
    pub tags: Option<Vec<String>>,
    pub sandbox: Option<bool>,
    pub sandbox_result: Option<String>,
    pub tracking: Option<TrackingInput>,
    pub retention: Option<RetentionInput>,
    pub schedule: Option<ScheduleInput>,
}

/// An address with an optional display name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AddressInput {
    pub email: Option<String>,
    pub name: Option<String>,
}

/// An address with values for its own copy.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RecipientInput {
    pub email: Option<String>,
    pub name: Option<String>,
    pub substitutions: Option<Map<String, Value>>,
}

/// A file, as text or base64.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AttachmentInput {
    pub base64: Option<bool>,
    pub data: Option<String>,
    pub content_type: Option<String>,
    pub content_disposition: Option<String>,
    pub content_id: Option<String>,
    pub file_name: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TrackingInput {
    pub open: Option<bool>,
    pub click: Option<bool>,
}

/// Days to keep.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RetentionInput {
    pub metadata: Option<i64>,
    pub data: Option<i64>,
}

/// RFC 3339 times.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ScheduleInput {
    pub first_attempt: Option<String>,
    pub expires: Option<String>,
}
