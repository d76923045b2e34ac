//! A new sub account in three short steps: the client, its domain, its key. What was typed travels in the form, so
//! that Back loses nothing; everything is created at the end, in one transaction, once.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::cap::{chosen, shown};
use super::create_steps::{Details, Key};
use crate::actions::create_api_key::NewApiKey;
use crate::actions::create_domain::{NewDomain, SealedKey, Subdomains};
use crate::actions::provision_sub_account::{Provision, Provisioned, provision_sub_account};
use crate::domain::cap::MonthlyCap;
use crate::domain::domain_name::DomainName;
use crate::domain::ids::Id;
use crate::domain::ip_allow_list::IpAllowList;
use crate::domain::number::NumberStyle;
use crate::domain::role::Permission;
use crate::models::accounts::Account;
use crate::web::acting::Acting;
use crate::web::error::{PageError, PageResult, query};
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html, html_with, see_other};

#[derive(Template)]
#[template(path = "sub_accounts/create.html")]
struct CreatePage {
    shell: Shell,
    step: Step,
    form: Form,
    numbers: NumberStyle,
    /// May the person give keys? Without, the last step only creates.
    keys: bool,
    errors: Errors,
}

#[derive(Template)]
#[template(path = "sub_accounts/created.html")]
struct CreatedPage {
    shell: Shell,
    id: String,
    name: String,
    domain: String,
    secret: String,
    curl: String,
}

/// Where the form stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Client,
    Domain,
    Key,
}

impl Step {
    fn parse(text: &str) -> Self {
        match text {
            "domain" => Self::Domain,
            "key" => Self::Key,
            _ => Self::Client,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Domain => "domain",
            Self::Key => "key",
        }
    }

    /// The step of a field, so that an error is shown where it can be mended.
    fn of(field: &str) -> Self {
        match field {
            "domain" => Self::Domain,
            "label" | "scopes" => Self::Key,
            _ => Self::Client,
        }
    }
}

/// Everything that is typed on the way.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    step: String,
    /// The button: `next`, `back` or empty.
    go: String,
    /// Made with the first page: the same form sent twice creates once.
    once: String,
    pub name: String,
    pub website: String,
    pub external_id: String,
    pub tags: String,
    pub cap_kind: String,
    pub cap: String,
    pub domain: String,
    pub label: String,
    pub scopes: Vec<String>,
}

impl CreatePage {
    fn has(&self, scope: &str) -> bool {
        self.form.scopes.iter().any(|has| has == scope)
    }

    /// The cap as it was understood.
    fn cap_text(&self) -> String {
        match chosen(&self.form.cap, self.form.cap_kind == "none", self.numbers) {
            Ok(cap) => shown(cap, self.numbers),
            Err(_) => self.form.cap.clone(),
        }
    }

    fn scopes(&self) -> [(&'static str, &'static str, &'static str); 8] {
        super::create_steps::SCOPES
    }
}

/// `GET /sub-accounts/new`
pub async fn show(acting: Acting) -> PageResult {
    acting.require(Permission::CreateSubAccounts)?;
    let form = Form {
        once: Id::new(acting.now()).to_string(),
        cap_kind: "cap".into(),
        label: "First key".into(),
        scopes: super::create_steps::SCOPES
            .iter()
            .filter(|scope| scope.2 == "on")
            .map(|scope| scope.0.into())
            .collect(),
        ..Form::default()
    };
    page(&acting, Step::Client, form, Errors::none())
}

/// `POST /sub-accounts/new`: one step on, one back, or at the end the creation.
pub async fn submit(acting: Acting, form: Posted<Form>) -> PageResult {
    acting.require(Permission::CreateSubAccounts)?;
    let form = form.into_inner();
    let at = Step::parse(&form.step);
    if form.go == "back" {
        let to = if at == Step::Key { Step::Domain } else { Step::Client };
        return page(&acting, to, form, Errors::none());
    }
    let mut errors = Errors::none();
    let details = Details::read(&form, acting.numbers, &mut errors);
    let domain = domain(&form, &mut errors);
    let key = (at == Step::Key && acting.may(Permission::ManageKeys)).then(|| Key::read(&form, &mut errors));
    // A step is only answerable for itself and those before it.
    let wrong = errors.list().iter().map(|(field, _)| Step::of(field)).min_by_key(|step| *step as u8);
    if let Some(wrong) = wrong.filter(|wrong| (*wrong as u8) <= (at as u8)) {
        return page(&acting, wrong, form, those_of(wrong, &errors));
    }
    match (at, details, domain) {
        (Step::Client, ..) => page(&acting, Step::Domain, form, Errors::none()),
        (Step::Domain, ..) => page(&acting, Step::Key, form, Errors::none()),
        (Step::Key, Some(details), Some(domain)) => create(acting, form, details, domain, key.flatten()).await,
        (Step::Key, ..) => Err(PageError::new(400)),
    }
}

fn those_of(step: Step, errors: &Errors) -> Errors {
    let mut own = Errors::none();
    for (field, message) in errors.list().into_iter().filter(|(field, _)| Step::of(field) == step) {
        own.add(field, message);
    }
    own
}

fn domain(form: &Form, errors: &mut Errors) -> Option<Option<DomainName>> {
    let text = form.domain.trim().trim_start_matches('@');
    if text.is_empty() {
        return Some(None);
    }
    errors.take("domain", DomainName::parse(text)).map(Some)
}

async fn create(
    acting: Acting,
    form: Form,
    details: Details,
    domain: Option<DomainName>,
    key: Option<Key>,
) -> PageResult {
    let Ok(once) = form.once.parse::<Id>() else { return Err(PageError::new(400)) };
    let (cx, parent, services) = (acting.cx(), acting.account.id, Arc::clone(&acting.app.services));
    let shown_domain = domain.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default();
    // The key pair is made before the transaction: it takes a while.
    let domain = match domain {
        Some(name) => acting.app.read(move |_| Ok(Some(new_domain(name, SealedKey::generate(&services))))).await?,
        None => None,
    };
    let key = key.map(|key| NewApiKey { label: key.label, scopes: key.scopes, allowed: IpAllowList::default() });
    let wanted = Provision { once, account: details.into_new(), domain, key };
    match acting.app.write(move |conn| provision_sub_account(conn, &cx, parent, wanted)).await {
        Ok(Some(Provisioned { account, key })) => {
            created(&acting, &account, shown_domain, key.map(|key| key.secret.expose_secret().to_owned()))
        }
        Ok(None) => {
            let detail = "A key is shown once. If you did not copy it, create another in the account's credentials.";
            let flash = Flash::new(Tone::Info, "This sub account was created already.");
            acting.flash(&Flash { detail: detail.into(), ..flash });
            Ok(see_other(&format!("/sub-accounts?{}", query(&[("q", &form.name)]))))
        }
        Err(error) => {
            let errors = Errors::from_action(error, "domain")?;
            let step = errors.list().first().map_or(Step::Client, |(field, _)| Step::of(field));
            page(&acting, step, form, errors)
        }
    }
}

fn new_domain(name: DomainName, key: SealedKey) -> NewDomain {
    NewDomain { name, selector: None, subdomains: Subdomains::default(), key }
}

fn created(acting: &Acting, account: &Account, domain: String, secret: Option<String>) -> PageResult {
    let Some(secret) = secret else {
        let detail = "Somebody who manages keys can give it one in its credentials.".to_owned();
        acting.flash(&Flash { detail, ..Flash::new(Tone::Good, format!("{} is created.", account.name)) });
        return Ok(see_other(&format!("/sub-accounts/{}", account.id)));
    };
    let from = if domain.is_empty() { "your-domain.example".to_owned() } else { domain.clone() };
    let curl = curl(&acting.app.config.public_url, account.id, &secret, &from);
    html(&CreatedPage {
        shell: acting.shell(&format!("{} is created", account.name)),
        id: account.id.to_string(),
        name: account.name.clone(),
        domain,
        secret,
        curl,
    })
}

/// A first message, ready to paste; to the sandbox until the domain is verified.
fn curl(public_url: &str, account: Id, secret: &str, from: &str) -> String {
    format!(
        "curl {public_url}/v2/accounts/{account}/messages \\\n  -H \"Authorization: Bearer {secret}\" \\\n  \
         -H \"Content-Type: application/json\" \\\n  \
         -d '{{\"from\": {{\"email\": \"hello@{from}\"}}, \"recipients\": [{{\"email\": \"you@example.com\"}}], \
         \"subject\": \"Hello\", \"text_content\": \"It works.\", \"sandbox\": true}}'"
    )
}

fn page(acting: &Acting, step: Step, form: Form, errors: Errors) -> Result<HttpResponse, PageError> {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let keys = acting.may(Permission::ManageKeys);
    html_with(
        status,
        &CreatePage { shell: acting.shell("New sub account"), step, form, numbers: acting.numbers, keys, errors },
    )
}

/// The cap that is chosen on the first step.
pub(super) fn cap_of(form: &Form, numbers: NumberStyle, errors: &mut Errors) -> Option<MonthlyCap> {
    errors.take("cap", chosen(&form.cap, form.cap_kind == "none", numbers))
}
