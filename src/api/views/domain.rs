//! The contract's Domain.

use serde::Serialize;
use utoipa::ToSchema;

use super::time;
use crate::actions::domain_records;
use crate::dns::PlatformNames;
use crate::domain::ids::Id;
use crate::models::domains;

#[derive(Debug, Serialize, ToSchema)]
pub struct Domain {
    #[schema(inline)]
    object: Kind,
    #[schema(value_type = uuid::Uuid)]
    id: Id,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    domain: String,
    #[schema(value_type = uuid::Uuid)]
    account_id: Id,
    dns_records: Vec<DnsRecord>,
    #[schema(format = DateTime, required)]
    last_dns_check_at: Option<String>,
    /// Whether mail from this domain is accepted.
    dns_valid: bool,
    /// Null: the default.
    #[schema(required)]
    tracking_subdomain: Option<String>,
    #[schema(required)]
    return_path_subdomain: Option<String>,
    #[schema(required)]
    subscription_subdomain: Option<String>,
    #[schema(required)]
    media_subdomain: Option<String>,
    #[schema(required)]
    dkim_rotation_interval_days: Option<i32>,
    /// The selector asked for; null: the default.
    #[schema(required)]
    dkim_selector: Option<String>,
    rotation_ready: bool,
    #[schema(required)]
    dsn_recipient: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Domain,
}

/// One record to publish.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DNSRecord)]
pub struct DnsRecord {
    /// `TXT`, `CNAME` or `MX`.
    #[serde(rename = "type")]
    type_: &'static str,
    label: &'static str,
    host: String,
    content: String,
    required: bool,
    /// Whether the last look at DNS found it.
    propagated: bool,
}

impl Domain {
    #[must_use]
    pub fn new(domain: &domains::Domain, platform: &PlatformNames) -> Self {
        let records = domain_records::records(domain, platform);
        let dns_records = records.into_iter().map(|(record, state)| DnsRecord {
            type_: record.type_,
            label: record.label,
            host: record.host,
            content: record.content,
            required: record.required,
            propagated: state.is_some_and(|state| state.ok),
        });
        Self {
            object: Kind::Domain,
            id: domain.id,
            created_at: time(domain.created_at),
            updated_at: time(domain.updated_at),
            domain: domain.name.clone(),
            account_id: domain.account_id,
            dns_records: dns_records.collect(),
            last_dns_check_at: domain.last_check_at.map(time),
            dns_valid: domain.verified_at.is_some(),
            tracking_subdomain: domain.tracking_subdomain.clone(),
            return_path_subdomain: domain.return_path_subdomain.clone(),
            subscription_subdomain: domain.subscription_subdomain.clone(),
            media_subdomain: domain.media_subdomain.clone(),
            dkim_rotation_interval_days: domain.dkim_rotation_interval_days,
            dkim_selector: domain.dkim_selector.clone(),
            rotation_ready: false,
            dsn_recipient: domain.dsn_recipient.clone(),
        }
    }
}
