//! Rules for fields of requests and answers, by schema and field.

use utoipa::openapi::Schema;
use utoipa::openapi::schema::{KnownFormat, SchemaFormat, SchemaType, Type};

use super::{Tighten, count, format, items, object, one_of, texts};
use crate::actions::update_account::LONGEST_ABOUT;
use crate::domain::bounce::Classification;
use crate::domain::hold::AccountState;
use crate::domain::ip_allow_list;
use crate::domain::message::status::{MessageStatus, SandboxResult};
use crate::domain::message::{attachment, draft, mailbox};
use crate::domain::role::Role;
use crate::domain::text::{
    AccountName, CredentialName, KeyLabel, PersonName, ShortText, SuspendReason, Tag, TransportName,
};
use crate::domain::transport::{Tls, TransportKind};

/// Schema, field, what it says.
pub(super) const RULES: &[(&str, &str, Tighten)] = &[
    // Accounts and members
    ("UpdateAccountRequest", "name", |schema| line(schema, AccountName::MAX)),
    ("UpdateAccountRequest", "website", website),
    ("UpdateAccountRequest", "about", |schema| text(schema, &texts::lines_or_blank(), LONGEST_ABOUT)),
    ("AddMemberRequest", "name", |schema| text(schema, &texts::name_or_blank(), PersonName::MAX)),
    ("AddMemberRequest", "role", role),
    ("UserAccount", "role", role),
    // Sub accounts
    ("CreateSubAccountRequest", "name", |schema| line(schema, AccountName::MAX)),
    ("CreateSubAccountRequest", "website", website),
    ("UpdateSubAccountRequest", "name", |schema| line(schema, AccountName::MAX)),
    ("UpdateSubAccountRequest", "website", website),
    ("SuspendSubAccountRequest", "reason", |schema| text(schema, &texts::lines(), SuspendReason::MAX)),
    ("SubAccount", "status", |schema| {
        object(schema, |field| one_of(field, AccountState::all().map(AccountState::as_str)));
    }),
    ("SubAccountUsageResponse", "currency", |schema| object(schema, |field| field.pattern = Some("^[a-z]{3}$".into()))),
    // Keys
    ("CreateAPIKeyRequest", "label", |schema| line(schema, KeyLabel::MAX)),
    ("CreateAPIKeyRequest", "scopes", scopes),
    ("CreateAPIKeyRequest", "ip_allow_list", networks),
    ("UpdateAPIKeyRequest", "label", |schema| line(schema, KeyLabel::MAX)),
    ("UpdateAPIKeyRequest", "scopes", scopes),
    ("UpdateAPIKeyRequest", "ip_allow_list", networks),
    ("APIKeyScope", "scope", |schema| object(schema, |field| field.pattern = Some(texts::scope()))),
    // SMTP credentials
    ("CreateSMTPCredentialRequest", "name", |schema| line(schema, CredentialName::MAX)),
    ("CreateSMTPCredentialRequest", "domains", |schema| items(schema, |name| format(name, "domain"))),
    // Domains
    ("CreateDomainRequest", "domain", |schema| {
        object(schema, |field| {
            field.pattern = Some(texts::domain());
            format(field, "domain");
        });
    }),
    ("CreateDomainRequest", "dkim_private_key", |schema| object(schema, |field| format(field, "pem"))),
    ("CreateDomainRequest", "tracking_subdomain", label),
    ("CreateDomainRequest", "return_path_subdomain", label),
    ("CreateDomainRequest", "subscription_subdomain", label),
    ("CreateDomainRequest", "media_subdomain", label),
    ("CreateDomainRequest", "dkim_selector", selector),
    ("CreateDomainRequest", "dkim_rotation_interval_days", never),
    ("UpdateDomainRequest", "tracking_subdomain", label),
    ("UpdateDomainRequest", "return_path_subdomain", label),
    ("UpdateDomainRequest", "subscription_subdomain", label),
    ("UpdateDomainRequest", "media_subdomain", label),
    ("UpdateDomainRequest", "dkim_selector", selector),
    ("UpdateDomainRequest", "dkim_rotation_interval_days", never),
    ("DNSRecord", "type", |schema| object(schema, |field| one_of(field, ["TXT", "CNAME", "MX"]))),
    // Suppressions
    ("CreateSuppressionRequest", "domain", domain_or_blank),
    ("CreateSuppressionRequest", "reason", |schema| text(schema, &texts::name_or_blank(), ShortText::MAX)),
    // Messages
    ("CreateMessageRequest", "recipients", |schema| count(schema, Some(1), draft::MAX_RECIPIENTS)),
    ("CreateConversationMessageRequest", "to", |schema| count(schema, Some(1), draft::MAX_CONVERSATION)),
    ("CreateConversationMessageRequest", "cc", |schema| count(schema, None, draft::MAX_CONVERSATION)),
    ("CreateConversationMessageRequest", "bcc", |schema| count(schema, None, draft::MAX_CONVERSATION)),
    ("Address", "email", |schema| {
        object(schema, |field| field.format = Some(SchemaFormat::KnownFormat(KnownFormat::Email)));
    }),
    ("Address", "name", |schema| text(schema, &texts::line_or_blank(), mailbox::MAX_NAME)),
    ("CommonInput", "subject", |schema| text(schema, &texts::line_as_it_is(), draft::MAX_SUBJECT)),
    ("CommonInput", "text_content", |schema| text(schema, texts::BODY, draft::MAX_BODY_BYTES)),
    ("CommonInput", "html_content", |schema| text(schema, texts::BODY, draft::MAX_BODY_BYTES)),
    ("CommonInput", "amp_content", |schema| text(schema, texts::BODY, draft::MAX_BODY_BYTES)),
    ("CommonInput", "attachments", |schema| count(schema, None, attachment::MAX_ATTACHMENTS)),
    ("CommonInput", "tags", |schema| {
        count(schema, None, draft::MAX_TAGS);
        items(schema, |tag| (tag.pattern, tag.max_length) = (Some(texts::line()), Some(Tag::MAX)));
    }),
    ("CommonInput", "sandbox_result", |schema| {
        object(schema, |field| one_of(field, SandboxResult::all().map(SandboxResult::as_str)));
    }),
    ("Attachment", "content_type", |schema| object(schema, |field| format(field, "media-type"))),
    ("Attachment", "file_name", |schema| line(schema, 255)),
    ("Attachment", "content_disposition", |schema| object(schema, |field| one_of(field, ["inline", "attachment"]))),
    ("MessageSummary", "direction", |schema| object(schema, |field| one_of(field, ["outbound"]))),
    ("MessageSummary", "status", |schema| {
        object(schema, |field| one_of(field, MessageStatus::all().map(MessageStatus::api_name)));
    }),
    ("MessageSummary", "bounce_classification", |schema| {
        object(schema, |field| {
            one_of(field, Classification::all().map(Classification::as_str).into_iter().chain([""]))
        });
    }),
    // Transports
    ("Transport", "kind", transport_kind),
    ("Transport", "tls", transport_tls),
    ("CreateTransportRequest", "name", |schema| line(schema, TransportName::MAX)),
    ("CreateTransportRequest", "kind", transport_kind),
    ("UpdateTransportRequest", "name", |schema| line(schema, TransportName::MAX)),
    ("UpdateTransportRequest", "kind", transport_kind),
    ("TransportSettings", "tls", transport_tls),
    ("DeliveryEvent", "status", |schema| {
        object(schema, |field| one_of(field, MessageStatus::all().map(MessageStatus::api_name)));
    }),
];

fn text(schema: &mut Schema, pattern: &str, most: usize) {
    object(schema, |field| (field.pattern, field.max_length) = (Some(pattern.to_owned()), Some(most)));
}

fn line(schema: &mut Schema, most: usize) {
    text(schema, &texts::line(), most);
}

fn website(schema: &mut Schema) {
    object(schema, |field| {
        field.pattern = Some(texts::website());
        format(field, "website");
    });
}

fn role(schema: &mut Schema) {
    object(schema, |field| one_of(field, Role::given_over_api().map(Role::label)));
}

fn transport_kind(schema: &mut Schema) {
    object(schema, |field| one_of(field, TransportKind::ALL.map(TransportKind::as_str)));
}

fn transport_tls(schema: &mut Schema) {
    object(schema, |field| one_of(field, Tls::ALL.map(Tls::as_str)));
}

fn scopes(schema: &mut Schema) {
    items(schema, |scope| {
        scope.pattern = Some(texts::scope());
        format(scope, "scope");
    });
    if let Schema::Array(array) = schema {
        array.unique_items = true;
    }
}

fn networks(schema: &mut Schema) {
    count(schema, None, ip_allow_list::MAX_ENTRIES);
    items(schema, |network| {
        network.pattern = Some(texts::network());
        format(network, "network");
    });
}

fn label(schema: &mut Schema) {
    object(schema, |field| field.pattern = Some(texts::label_or_blank(63)));
}

fn selector(schema: &mut Schema) {
    object(schema, |field| field.pattern = Some(texts::label_or_blank(62)));
}

/// Nothing but null is taken.
fn never(schema: &mut Schema) {
    object(schema, |field| (field.schema_type, field.format) = (SchemaType::Type(Type::Null), None));
}

fn domain_or_blank(schema: &mut Schema) {
    object(schema, |field| format(field, "domain"));
}
