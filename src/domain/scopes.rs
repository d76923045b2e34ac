//! What an API key may do: the contract's scopes, plain ones and those of a family that name a domain or `:all`.
//! A scope is stored and shown as its text; `ScopeSet` answers every question about a key.

use std::collections::BTreeSet;
use std::fmt;

use super::domain_name::DomainName;
use super::ids::Id;
use super::refusal::Refusal;

/// Scopes without a domain.
const PLAIN: [&str; 24] = [
    "accounts:read",
    "accounts:write",
    "accounts:billing",
    "accounts:members:read",
    "accounts:members:add",
    "accounts:members:update",
    "accounts:members:remove",
    "domains:read",
    "domains:write",
    "suppressions:read",
    "suppressions:write",
    "suppressions:delete",
    "suppressions:wipe",
    "api-keys:read",
    "api-keys:write",
    "api-keys:delete",
    "sub-accounts:read",
    "sub-accounts:write",
    "sub-accounts:delete",
    "sub-accounts:suspend",
    "sub-accounts:usage",
    "sub-account-api-keys:read",
    "sub-account-api-keys:write",
    "sub-account-api-keys:delete",
];

/// A family of scopes whose members end in `:all` or in a domain in braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    MessagesSend,
    MessagesCancel,
    MessagesRead,
    WebhooksRead,
    WebhooksWrite,
    WebhooksDelete,
    RoutesRead,
    RoutesWrite,
    RoutesDelete,
    SmtpCredentialsRead,
    SmtpCredentialsWrite,
    SmtpCredentialsDelete,
    StatisticsRead,
    DomainsDelete,
}

impl Family {
    #[must_use]
    pub const fn all() -> [Self; 14] {
        [
            Self::MessagesSend,
            Self::MessagesCancel,
            Self::MessagesRead,
            Self::WebhooksRead,
            Self::WebhooksWrite,
            Self::WebhooksDelete,
            Self::RoutesRead,
            Self::RoutesWrite,
            Self::RoutesDelete,
            Self::SmtpCredentialsRead,
            Self::SmtpCredentialsWrite,
            Self::SmtpCredentialsDelete,
            Self::StatisticsRead,
            Self::DomainsDelete,
        ]
    }

    /// The text before `:all` or `:{domain}`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessagesSend => "messages:send",
            Self::MessagesCancel => "messages:cancel",
            Self::MessagesRead => "messages:read",
            Self::WebhooksRead => "webhooks:read",
            Self::WebhooksWrite => "webhooks:write",
            Self::WebhooksDelete => "webhooks:delete",
            Self::RoutesRead => "routes:read",
            Self::RoutesWrite => "routes:write",
            Self::RoutesDelete => "routes:delete",
            Self::SmtpCredentialsRead => "smtp-credentials:read",
            Self::SmtpCredentialsWrite => "smtp-credentials:write",
            Self::SmtpCredentialsDelete => "smtp-credentials:delete",
            Self::StatisticsRead => "statistics-transactional:read",
            Self::DomainsDelete => "domains:delete",
        }
    }
}

/// One scope of a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    Plain(&'static str),
    All(Family),
    Domain(Family, String),
}

impl Scope {
    /// Reads a scope's text. Whether the account owns the domain is not known here: see `normalise`.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if let Some(name) = PLAIN.into_iter().find(|name| *name == text) {
            return Ok(Self::Plain(name));
        }
        for family in Family::all() {
            let Some(rest) = text.strip_prefix(family.as_str()).and_then(|rest| rest.strip_prefix(':')) else {
                continue;
            };
            if rest == "all" {
                return Ok(Self::All(family));
            }
            if let Some(domain) = rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                let domain = DomainName::parse(domain).map_err(|_| unknown(text))?;
                return Ok(Self::Domain(family, domain.into()));
            }
        }
        Err(unknown(text))
    }

    /// Whether only a key of a parent account can hold it.
    #[must_use]
    pub fn is_for_parents_only(&self) -> bool {
        match self {
            Self::Plain(name) => name.starts_with("sub-accounts:") || name.starts_with("sub-account-api-keys:"),
            Self::All(_) | Self::Domain(..) => false,
        }
    }

    /// The domain that it is limited to.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        match self {
            Self::Domain(_, domain) => Some(domain),
            Self::Plain(_) | Self::All(_) => None,
        }
    }

    /// The id of the domain that it is limited to, out of those the account owns.
    #[must_use]
    pub fn domain_id(&self, owned_domains: &[(Id, String)]) -> Option<Id> {
        let wanted = self.domain()?;
        owned_domains.iter().find(|(_, name)| name == wanted).map(|(id, _)| *id)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(name) => f.write_str(name),
            Self::All(family) => write!(f, "{}:all", family.as_str()),
            Self::Domain(family, domain) => write!(f, "{}:{{{domain}}}", family.as_str()),
        }
    }
}

fn unknown(text: &str) -> Refusal {
    let shown: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
    Refusal::new(format!(
        "“{shown}” is not a scope. Use one of the listed scopes; a domain goes in braces, as in messages:send:{{example.com}}."
    ))
}

/// Every scope that names no domain: the plain ones, then each family's `:all`.
#[must_use]
pub fn all_static_names() -> Vec<String> {
    let families = Family::all().into_iter().map(|family| Scope::All(family).to_string());
    PLAIN.into_iter().map(str::to_owned).chain(families).collect()
}

/// Turns the scopes of a request into those to store: at least one, none twice, domains only of the account,
/// and no domain scope beside the `:all` that covers it.
pub fn normalise(wanted: Vec<String>, owned_domains: &[(Id, String)]) -> Result<Vec<Scope>, Refusal> {
    if wanted.is_empty() {
        return Err(Refusal::new("Choose at least one scope."));
    }
    let mut seen = BTreeSet::new();
    let mut scopes = Vec::with_capacity(wanted.len());
    for text in wanted {
        let scope = Scope::parse(&text)?;
        if let Some(domain) = scope.domain()
            && scope.domain_id(owned_domains).is_none()
        {
            return Err(Refusal::new(format!("The scope {scope} names {domain}, which this account does not have.")));
        }
        if !seen.insert(scope.clone()) {
            return Err(Refusal::new(format!("The scope {scope} is listed twice. List it once.")));
        }
        scopes.push(scope);
    }
    scopes.retain(|scope| !matches!(scope, Scope::Domain(family, _) if seen.contains(&Scope::All(*family))));
    Ok(scopes)
}

/// What an operation needs of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Required {
    /// A plain scope, by its text.
    Plain(&'static str),
    /// The family's `:all`.
    All(Family),
    /// The family for this domain, or its `:all`.
    Domain(Family, String),
    /// The family for any domain at all; what the answer shows is filtered by `reach`.
    Any(Family),
}

impl fmt::Display for Required {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(name) => f.write_str(name),
            Self::All(family) => write!(f, "{}:all", family.as_str()),
            Self::Domain(family, domain) => write!(f, "{}:{{{domain}}}", family.as_str()),
            Self::Any(family) => write!(f, "{}:all or {}:{{domain}}", family.as_str(), family.as_str()),
        }
    }
}

/// The domains that a family reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    Everything,
    /// These domains alone; may be empty.
    Domains(Vec<String>),
}

/// The scopes of one key.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ScopeSet(BTreeSet<Scope>);

impl ScopeSet {
    /// Reads stored scopes. Texts that are no scopes any more grant nothing.
    pub fn from_stored<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Self {
        Self(texts.into_iter().filter_map(|text| Scope::parse(text.as_ref()).ok()).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    #[must_use]
    pub fn allows(&self, required: &Required) -> bool {
        match required {
            Required::Plain(name) => self.0.contains(&Scope::Plain(name)),
            Required::All(family) => self.0.contains(&Scope::All(*family)),
            Required::Domain(family, domain) => self.allows_domain(*family, domain),
            Required::Any(family) => self.reach(*family) != Reach::Domains(Vec::new()),
        }
    }

    /// Whether the family covers `domain` (in its stored form).
    #[must_use]
    pub fn allows_domain(&self, family: Family, domain: &str) -> bool {
        self.0.contains(&Scope::All(family)) || self.0.contains(&Scope::Domain(family, domain.to_owned()))
    }

    /// Which domains the family covers, for lists that are silently filtered.
    #[must_use]
    pub fn reach(&self, family: Family) -> Reach {
        if self.0.contains(&Scope::All(family)) {
            return Reach::Everything;
        }
        let domains = self.0.iter().filter_map(|scope| match scope {
            Scope::Domain(of, domain) if *of == family => Some(domain.clone()),
            _ => None,
        });
        Reach::Domains(domains.collect())
    }

    /// Whether a key with these scopes may give a key of the same account `wanted`: never more than it holds.
    #[must_use]
    pub fn may_grant(&self, wanted: &Self) -> bool {
        wanted.0.iter().all(|scope| self.holds(scope))
    }

    /// The first of `wanted` that a key with these scopes cannot give.
    #[must_use]
    pub fn first_not_held<'a>(&self, wanted: &'a Self) -> Option<&'a Scope> {
        wanted.0.iter().find(|scope| !self.holds(scope))
    }

    /// Whether a child's key can have all of these: nothing that belongs to parents.
    #[must_use]
    pub fn fits_a_child(&self) -> bool {
        !self.0.iter().any(Scope::is_for_parents_only)
    }

    fn holds(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Domain(family, domain) => self.allows_domain(*family, domain),
            Scope::Plain(_) | Scope::All(_) => self.0.contains(scope),
        }
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
