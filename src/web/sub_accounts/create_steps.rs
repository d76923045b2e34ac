//! What the steps of a new sub account ask for, read into what it means.

use super::create::{Form, cap_of};
use crate::actions::create_sub_account::NewSubAccount;
use crate::domain::cap::MonthlyCap;
use crate::domain::number::NumberStyle;
use crate::domain::text::{AccountName, ExternalId, KeyLabel, Tag};
use crate::domain::website::Website;
use crate::web::forms::Errors;

/// Scopes to choose from: name, what it allows, and whether it is ticked at first. A client rarely needs more; every
/// other scope can be given in its credentials.
pub const SCOPES: [(&str, &str, &str); 8] = [
    ("messages:send:all", "Send from all its domains", "on"),
    ("messages:read:all", "Read its messages and what became of them", "on"),
    ("messages:cancel:all", "Cancel messages that wait", ""),
    ("domains:read", "See its domains and their records", "on"),
    ("domains:write", "Add domains and check them", ""),
    ("suppressions:read", "See who is suppressed", ""),
    ("suppressions:write", "Add to the suppressions", ""),
    ("statistics-transactional:read:all", "Read its statistics", ""),
];

/// The first step.
pub struct Details {
    name: AccountName,
    website: Website,
    external_id: Option<ExternalId>,
    tags: Vec<Tag>,
    cap: MonthlyCap,
}

impl Details {
    /// Reads it, or notes what is wrong beside each field.
    pub fn read(form: &Form, numbers: NumberStyle, errors: &mut Errors) -> Option<Self> {
        let name = errors.take("name", AccountName::parse(&form.name));
        let website = errors.take("website", Website::parse(&form.website));
        let external_id = match form.external_id.trim() {
            "" => Some(None),
            text => errors.take("external_id", ExternalId::parse(text)).map(Some),
        };
        let tags = errors.take("tags", tags(&form.tags));
        let cap = cap_of(form, numbers, errors);
        Some(Self { name: name?, website: website?, external_id: external_id?, tags: tags?, cap: cap? })
    }

    #[must_use]
    pub fn into_new(self) -> NewSubAccount {
        NewSubAccount {
            name: self.name,
            website: self.website,
            cap: self.cap,
            external_id: self.external_id,
            tags: self.tags,
        }
    }
}

/// Tags with commas between them.
pub fn tags(text: &str) -> Result<Vec<Tag>, crate::domain::refusal::Refusal> {
    let mut tags: Vec<Tag> =
        text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(Tag::parse).collect::<Result<_, _>>()?;
    tags.sort_unstable();
    tags.dedup();
    Ok(tags)
}

/// The last step.
pub struct Key {
    pub label: KeyLabel,
    pub scopes: Vec<String>,
}

impl Key {
    /// Reads it, or notes what is wrong beside each field.
    pub fn read(form: &Form, errors: &mut Errors) -> Option<Self> {
        let label = errors.take("label", KeyLabel::parse(&form.label));
        let scopes: Vec<String> =
            form.scopes.iter().filter(|scope| SCOPES.iter().any(|(known, ..)| known == scope)).cloned().collect();
        if scopes.is_empty() {
            errors.add("scopes", "Choose at least one thing that the key may do.");
            return None;
        }
        Some(Self { label: label?, scopes })
    }
}
