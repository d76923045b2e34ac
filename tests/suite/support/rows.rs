//! Rows that tests and benchmarks begin with, written past the forms: people, members, keys, verified domains, clients.

use canopy::actions::create_sub_account::{NewSubAccount, create_sub_account};
use canopy::actions::{ActionResult, Cx};
use canopy::domain::cap::MonthlyCap;
use canopy::domain::ids::Id;
use canopy::domain::text::AccountName;
use canopy::domain::website::Website;
use canopy::models::AnyConnection;
use canopy::models::api_keys::{self, ApiKey, KeyScope};
use canopy::models::domains::{self, Domain};
use canopy::models::memberships::{self, Membership};
use canopy::models::users::{self, User};
use canopy::secrets::{ApiSecret, DkimKey, SecretKeys};

/// A user with a password, given as its hash.
pub fn person(conn: &mut AnyConnection, cx: &Cx, email: &str, hash: &str) -> ActionResult<Id> {
    let user = User {
        id: Id::new(cx.now),
        email: email.into(),
        email_lower: email.to_lowercase(),
        name: "Test Person".into(),
        password_hash: Some(hash.into()),
        disabled_at: None,
        last_sign_in_at: None,
        created_at: cx.at(),
        updated_at: cx.at(),
    };
    users::insert(conn, &user)?;
    Ok(user.id)
}

/// An accepted membership.
pub fn join(conn: &mut AnyConnection, cx: &Cx, account: Id, user: Id, role: &str) -> ActionResult<()> {
    let membership = Membership {
        account_id: account,
        user_id: user,
        role: role.into(),
        invited_by: None,
        accepted_at: Some(cx.at()),
        created_at: cx.at(),
        updated_at: cx.at(),
    };
    Ok(memberships::insert(conn, &membership)?)
}

/// A sub account whose website is `{label}.example`, with a cap (0 for none).
pub fn sub_account(conn: &mut AnyConnection, cx: &Cx, parent: Id, label: &str, cap: i64) -> ActionResult<Id> {
    let new = NewSubAccount {
        name: AccountName::parse(label).expect("a name"),
        website: Website::parse(&format!("{label}.example")).expect("a website"),
        cap: MonthlyCap::new(cap).expect("a cap"),
        external_id: None,
        tags: Vec::new(),
    };
    Ok(create_sub_account(conn, cx, parent, &new)?.id)
}

/// Every scope that names no domain.
pub fn all_scopes() -> Vec<String> {
    canopy::domain::scopes::all_static_names()
}

/// Every scope that a sub account's key may have.
pub fn child_scopes() -> Vec<String> {
    all_scopes().into_iter().filter(|scope| !scope.starts_with("sub-account")).collect()
}

/// A key of an account with these scopes; answers its secret.
pub fn key(conn: &mut AnyConnection, cx: &Cx, account: Id, scopes: &[String]) -> ActionResult<String> {
    let secret = ApiSecret::generate();
    let key = ApiKey {
        id: Id::new(cx.now),
        account_id: account,
        label: "test".into(),
        public_key: secret.public.clone(),
        secret_digest: secret.digest().to_vec(),
        ip_allow_list: "[]".into(),
        created_by: "test".into(),
        last_used_at: None,
        created_at: cx.at(),
        updated_at: cx.at(),
        deleted_at: None,
        maker_id: None,
    };
    let row = |scope: &String| KeyScope {
        id: Id::new(cx.now),
        api_key_id: key.id,
        scope: scope.clone(),
        domain_id: None,
        created_at: cx.at(),
        updated_at: cx.at(),
    };
    api_keys::insert(conn, &key, &scopes.iter().map(row).collect::<Vec<_>>())?;
    Ok(secret.secret.clone())
}

/// A DKIM key as a domain's row keeps it.
#[derive(Clone)]
pub struct Signing {
    sealed: Vec<u8>,
    public: String,
}

impl Signing {
    /// A fresh one: making it takes a while, so that many domains may share it.
    pub fn new(secrets: &SecretKeys) -> Self {
        let key = DkimKey::generate();
        Self { sealed: secrets.seal("dkim", &key.to_pkcs8_der()), public: key.public_base64() }
    }
}

/// A domain of an account whose DNS is taken as verified.
pub fn verified_domain(
    conn: &mut AnyConnection,
    cx: &Cx,
    account: Id,
    name: &str,
    signing: &Signing,
) -> ActionResult<Id> {
    let domain = Domain {
        id: Id::new(cx.now),
        account_id: account,
        name: name.to_owned(),
        dkim_selector: None,
        active_selector: "canopy".into(),
        dkim_private_sealed: signing.sealed.clone(),
        dkim_public: signing.public.clone(),
        tracking_subdomain: None,
        return_path_subdomain: None,
        subscription_subdomain: None,
        media_subdomain: None,
        dkim_rotation_interval_days: None,
        dsn_recipient: None,
        record_states: "{}".into(),
        verified_at: Some(cx.at()),
        last_check_at: Some(cx.at()),
        next_check_at: (cx.now + chrono::TimeDelta::hours(1)).naive_utc(),
        failed_checks: 0,
        share_digest: None,
        share_sealed: None,
        created_at: cx.at(),
        updated_at: cx.at(),
        deleted_at: None,
    };
    domains::insert(conn, &domain)?;
    Ok(domain.id)
}
