//! A new sending domain: its DKIM key pair, made before the transaction, and the records it is to publish.
//! Several accounts may add the same name; which one of them holds it is decided when its records are found.

use super::domain_records::{DEFAULT_MEDIA, DEFAULT_RETURN_PATH, DEFAULT_SUBSCRIPTION, DEFAULT_TRACKING};
use super::refresh_summary::refresh_summary;
use super::{ActionError, ActionResult, Cx, Services, domain_change, domain_holder};
use crate::domain::dkim_selector::{DEFAULT_SELECTOR, DkimSelector};
use crate::domain::domain_name::{DomainName, SubdomainLabel};
use crate::domain::ids::Id;
use crate::models::domains::{self, Domain};
use crate::models::{AnyConnection, accounts};
use crate::secrets::{DkimKey, DkimKeyError};

/// What a DKIM private key is sealed for.
pub const DKIM_CONTEXT: &str = "dkim";

/// Time to publish the records before the first look at DNS; whoever is quicker asks for a check.
const FIRST_LOOK_AFTER: chrono::TimeDelta = chrono::TimeDelta::minutes(10);

/// A DKIM key pair, its private half sealed.
pub struct SealedKey {
    sealed: Vec<u8>,
    public: String,
}

impl SealedKey {
    /// A fresh pair. Takes some 100 ms: run it off the async threads, outside any transaction.
    #[must_use]
    pub fn generate(services: &Services) -> Self {
        Self::of(services, &DkimKey::generate())
    }

    /// A customer's own key, as PEM.
    ///
    /// # Errors
    /// When it is no RSA key of at least 1024 bits.
    pub fn from_pem(services: &Services, pem: &str) -> Result<Self, DkimKeyError> {
        DkimKey::from_pem(pem).map(|key| Self::of(services, &key))
    }

    fn of(services: &Services, key: &DkimKey) -> Self {
        Self { sealed: services.secrets.seal(DKIM_CONTEXT, &key.to_pkcs8_der()), public: key.public_base64() }
    }
}

/// The labels asked for; `None` is the default.
#[derive(Clone, Debug, Default)]
pub struct Subdomains {
    pub tracking: Option<SubdomainLabel>,
    pub return_path: Option<SubdomainLabel>,
    pub subscription: Option<SubdomainLabel>,
    pub media: Option<SubdomainLabel>,
}

/// What a new domain is.
pub struct NewDomain {
    pub name: DomainName,
    pub selector: Option<DkimSelector>,
    pub subdomains: Subdomains,
    pub key: SealedKey,
}

/// Adds a domain to `account`.
///
/// # Errors
/// `Conflict` when the account has it or has [`domains::MOST`], `Invalid` while it is closed after another account removed
/// it, `Suspended`.
pub fn create_domain(conn: &mut AnyConnection, cx: &Cx, account: Id, new: NewDomain) -> ActionResult<Domain> {
    let account = domain_change::account(conn, cx, account)?;
    let name = new.name.as_str();
    if domains::find(conn, account.id, name)?.is_some() {
        return Err(ActionError::Conflict(format!("{name} is a domain of this account already.")));
    }
    if domains::count(conn, account.id)? >= domains::MOST {
        return Err(ActionError::Conflict(
            "An account has 1,000 domains at most. Remove one that is not used, or add this one to another sub account."
                .into(),
        ));
    }
    if let Some(until) = domain_holder::closed_until(conn, cx, account.id, name)? {
        return Err(ActionError::invalid("domain", domain_holder::closed(name, until)));
    }
    let domain = row(cx, account.id, new);
    refuse_shared_labels(&domain)?;
    domains::insert(conn, &domain)?;
    accounts::refresh_search_text(conn, account.id)?;
    refresh_summary(conn, account.id, cx.now)?;
    let after = Some(domain_change::shown(&domain));
    domain_change::note(conn, cx, &account, &domain, "domain.create", None, after)?;
    Ok(domain)
}

fn row(cx: &Cx, account_id: Id, new: NewDomain) -> Domain {
    let selector = new.selector.map(|selector| selector.as_str().to_owned());
    Domain {
        id: Id::new(cx.now),
        account_id,
        name: new.name.into(),
        active_selector: selector.clone().unwrap_or_else(|| DEFAULT_SELECTOR.to_owned()),
        dkim_selector: selector,
        dkim_private_sealed: new.key.sealed,
        dkim_public: new.key.public,
        tracking_subdomain: new.subdomains.tracking.map(String::from),
        return_path_subdomain: new.subdomains.return_path.map(String::from),
        subscription_subdomain: new.subdomains.subscription.map(String::from),
        media_subdomain: new.subdomains.media.map(String::from),
        dkim_rotation_interval_days: None,
        dsn_recipient: None,
        record_states: "{}".into(),
        verified_at: None,
        last_check_at: None,
        next_check_at: (cx.now + FIRST_LOOK_AFTER).naive_utc(),
        failed_checks: 0,
        share_digest: None,
        share_sealed: None,
        created_at: cx.at(),
        updated_at: cx.at(),
        deleted_at: None,
    }
}

/// A name has one CNAME (RFC 1034, section 3.6.2): no two subdomains may share a label.
pub(super) fn refuse_shared_labels(domain: &Domain) -> ActionResult<()> {
    let labels = [
        ("tracking_subdomain", domain.tracking_subdomain.as_deref().unwrap_or(DEFAULT_TRACKING)),
        ("return_path_subdomain", domain.return_path_subdomain.as_deref().unwrap_or(DEFAULT_RETURN_PATH)),
        ("subscription_subdomain", domain.subscription_subdomain.as_deref().unwrap_or(DEFAULT_SUBSCRIPTION)),
        ("media_subdomain", domain.media_subdomain.as_deref().unwrap_or(DEFAULT_MEDIA)),
    ];
    for (at, (field, label)) in labels.iter().enumerate() {
        if let Some((other, _)) = labels[..at].iter().find(|(_, earlier)| earlier == label) {
            let message = format!("“{label}” is the {} too. Give each a name of its own.", other.replace('_', " "));
            return Err(ActionError::invalid(field, message));
        }
    }
    Ok(())
}
