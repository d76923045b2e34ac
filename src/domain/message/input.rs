//! The bodies of `POST messages` and `POST messages/conversation` as they arrive. Unknown fields are ignored, `null`
//! counts as absent. What is required is checked in `draft`, so that every refusal is a sentence that names the field.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// `CreateMessageRequest`: one message for each recipient.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = CreateMessageRequest)]
pub struct MessageInput {
    #[schema(required, nullable = false)]
    pub from: Option<AddressInput>,
    #[schema(required, nullable = false)]
    pub recipients: Option<Vec<RecipientInput>>,
    #[schema(value_type = Option<Object>)]
    pub substitutions: Option<Map<String, Value>>,
    #[serde(flatten)]
    pub common: CommonInput,
}

/// `CreateConversationMessageRequest`: one message that all recipients see each other on.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = CreateConversationMessageRequest)]
pub struct ConversationInput {
    #[schema(required, nullable = false)]
    pub from: Option<AddressInput>,
    #[schema(required, nullable = false)]
    pub to: Option<Vec<ListedInput>>,
    pub cc: Option<Vec<ListedInput>>,
    pub bcc: Option<Vec<ListedInput>>,
    #[serde(flatten)]
    pub common: CommonInput,
}

/// What both requests share.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct CommonInput {
    pub reply_to: Option<AddressInput>,
    #[schema(required, nullable = false)]
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
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = Address)]
pub struct AddressInput {
    #[schema(required, nullable = false)]
    pub email: Option<String>,
    pub name: Option<String>,
}

/// A recipient of a conversation. One that cannot be written to is answered as an `error` entry of its own.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = ConversationRecipient)]
pub struct ListedInput {
    #[schema(required, nullable = false)]
    pub email: Option<String>,
    pub name: Option<String>,
}

/// An address with values for its own copy. One that cannot be written to is answered as an `error` entry of its own.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = Recipient)]
pub struct RecipientInput {
    #[schema(required, nullable = false)]
    pub email: Option<String>,
    pub name: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub substitutions: Option<Map<String, Value>>,
}

/// A file, as text or base64.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = Attachment)]
pub struct AttachmentInput {
    pub base64: Option<bool>,
    #[schema(required, nullable = false)]
    pub data: Option<String>,
    #[schema(required, nullable = false)]
    pub content_type: Option<String>,
    pub content_disposition: Option<String>,
    pub content_id: Option<String>,
    #[schema(required, nullable = false)]
    pub file_name: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = Tracking)]
pub struct TrackingInput {
    pub open: Option<bool>,
    pub click: Option<bool>,
}

/// Days to keep.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[schema(as = Retention)]
pub struct RetentionInput {
    #[schema(minimum = 1, maximum = 30)]
    pub metadata: Option<i64>,
    #[schema(minimum = 0, maximum = 30)]
    pub data: Option<i64>,
}

/// RFC 3339 times.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = ScheduleRequest)]
pub struct ScheduleInput {
    #[schema(format = DateTime)]
    pub first_attempt: Option<String>,
    #[schema(format = DateTime)]
    pub expires: Option<String>,
}
