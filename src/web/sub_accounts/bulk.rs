//! One thing done to many: the ticked rows, or all that match at this moment. A page asks for what is needed, then a
//! job does it row by row.

use actix_web::http::StatusCode;
use actix_web::web::Query as UrlQuery;
use askama::Template;
use serde::Deserialize;

use super::bulk_cap::{self, Understood};
use super::cap::chosen;
use super::params::Params;
use super::suspend::Form as HoldForm;
use crate::actions::bulk_start::{Selection, bulk_start, matching};
use crate::actions::bulk_work::Work;
use crate::actions::undelete_sub_account::UNDELETE_WITHIN;
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::domain::text::Tag;
use crate::models::sub_account_list;
use crate::web::acting::Acting;
use crate::web::error::{PageError, PageResult};
use crate::web::format;
use crate::web::forms::{Errors, Posted};
use crate::web::jobs;
use crate::web::layout::Shell;
use crate::web::page::{html_with, see_other};

#[derive(Template)]
#[template(path = "sub_accounts/bulk.html")]
struct BulkPage {
    shell: Shell,
    form: Form,
    hold: HoldForm,
    zone_hint: String,
    ticked: Vec<String>,
    matching: i64,
    caps: bool,
    holds: bool,
    tags_edit: bool,
    errors: Errors,
}

impl BulkPage {
    fn ticked_label(&self) -> String {
        format::count(self.ticked.len() as u64, "ticked account", "ticked accounts")
    }

    fn all_label(&self) -> String {
        let count = format::count(self.matching.unsigned_abs(), "account", "accounts");
        if self.form.params().filter().is_empty() { format!("All {count}") } else { format!("All {count} that match") }
    }
}

/// What the list and the page send. The list's own filters carry a prefix: a row has a field `cap` too.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    pub(super) id: Vec<String>,
    #[serde(rename = "do")]
    pub(super) verb: String,
    /// `ticked` or `all`.
    pub(super) scope: String,
    pub(super) f_q: String,
    pub(super) f_hold: String,
    pub(super) f_cap: String,
    pub(super) f_health: String,
    pub(super) f_tag: String,
    pub(super) cap: String,
    pub(super) cap_kind: String,
    /// What the page before said that it had understood.
    pub(super) understood: String,
    /// `edit` on the button that goes back to the form.
    go: String,
    tag: String,
    tag_kind: String,
    kind: String,
    reason: String,
    customer_text: String,
    until: String,
    tell_client: String,
    tell_members: String,
}

impl Form {
    pub(super) fn params(&self) -> Params {
        Params {
            q: self.f_q.clone(),
            hold: self.f_hold.clone(),
            cap: self.f_cap.clone(),
            health: self.f_health.clone(),
            tag: self.f_tag.clone(),
            ..Params::default()
        }
    }

    fn of(params: &Params) -> Self {
        Self {
            f_q: params.q.clone(),
            f_hold: params.hold.clone(),
            f_cap: params.cap.clone(),
            f_health: params.health.clone(),
            f_tag: params.tag.clone(),
            scope: "all".into(),
            ..Self::default()
        }
    }

    fn hold_form(&self) -> HoldForm {
        HoldForm {
            kind: self.kind.clone(),
            reason: self.reason.clone(),
            customer_text: self.customer_text.clone(),
            until: self.until.clone(),
            tell_client: self.tell_client.clone(),
            tell_members: self.tell_members.clone(),
        }
    }

    pub(super) fn ids(&self) -> Vec<Id> {
        self.id.iter().filter_map(|id| id.parse().ok()).collect()
    }
}

/// What a selection of nobody is answered with.
const NONE: &str = "No sub account is selected. Tick at least one.";

fn permission(verb: &str) -> Option<Permission> {
    match verb {
        "suspend" | "lift" => Some(Permission::Suspend),
        "cap" => Some(Permission::SetCap),
        "tag" => Some(Permission::EditSubAccounts),
        _ => None,
    }
}

/// `GET /sub-accounts/bulk`: for all that match, without ticking.
pub async fn show(acting: Acting, params: UrlQuery<Params>) -> PageResult {
    acting.require(Permission::ViewSubAccounts)?;
    page(&acting, Form::of(&params), HoldForm::fresh(), Errors::none()).await
}

/// `POST /sub-accounts/bulk`: from the list, to ask for what is needed.
pub async fn ask(acting: Acting, form: Posted<Form>) -> PageResult {
    acting.require(permission(&form.verb).unwrap_or(Permission::ViewSubAccounts))?;
    let mut form = form.into_inner();
    form.scope = if form.id.is_empty() { "all".into() } else { "ticked".into() };
    page(&acting, form, HoldForm::fresh(), Errors::none()).await
}

/// `POST /sub-accounts/bulk/start`
pub async fn start(acting: Acting, form: Posted<Form>) -> PageResult {
    let form = form.into_inner();
    let mut errors = Errors::none();
    let Some(needed) = permission(&form.verb) else {
        errors.add("do", "Choose what to do.");
        let hold = form.hold_form();
        return page(&acting, form, hold, errors).await;
    };
    acting.require(needed)?;
    if form.go == "edit" {
        return page(&acting, form, HoldForm::fresh(), errors).await;
    }
    let Some(work) = work(&acting, &form, &mut errors) else {
        let hold = form.hold_form();
        return page(&acting, form, hold, errors).await;
    };
    if let Work::SetCap { cap } = work
        && form.understood != bulk_cap::understood(&form, cap)
    {
        return match Understood::read(&acting, &form, cap).await? {
            Some(understood) => understood.page(&acting, form),
            None => page(&acting, form, HoldForm::fresh(), Errors::one("scope", NONE)).await,
        };
    }
    let selection = selection(&acting, &form).await?;
    let (cx, parent) = (acting.cx(), acting.account.id);
    match acting.app.write(move |conn| bulk_start(conn, &cx, parent, work, selection)).await {
        Ok(started) => Ok(see_other(&jobs::begin(&acting.app, started))),
        Err(error) => {
            let hold = form.hold_form();
            let errors = Errors::from_action(error, "scope")?;
            page(&acting, form, hold, errors).await
        }
    }
}

/// What was chosen: all that match are read now, so that no later ones are among them.
async fn selection(acting: &Acting, form: &Form) -> Result<Selection, PageError> {
    if form.scope != "all" {
        return Ok(Selection::Ids(form.ids()));
    }
    let (now, parent, filter) = (acting.now(), acting.account.id, form.params().filter());
    Ok(Selection::All(acting.app.read(move |conn| matching(conn, now, parent, &filter)).await?))
}

fn work(acting: &Acting, form: &Form, errors: &mut Errors) -> Option<Work> {
    match form.verb.as_str() {
        "suspend" => form.hold_form().hold(acting.time_zone(), acting.now(), errors).map(|hold| Work::suspend(&hold)),
        "lift" => Some(Work::Lift),
        "cap" => {
            let cap = errors.take("cap", chosen(&form.cap, form.cap_kind == "none", acting.numbers))?;
            Some(Work::SetCap { cap: cap.value() })
        }
        "tag" => {
            let tag = errors.take("tag", Tag::parse(&form.tag))?.as_str().to_owned();
            Some(if form.tag_kind == "remove" { Work::Untag { tag } } else { Work::Tag { tag } })
        }
        _ => None,
    }
}

async fn page(
    acting: &Acting,
    form: Form,
    hold: HoldForm,
    errors: Errors,
) -> Result<actix_web::HttpResponse, PageError> {
    let (parent, filter) = (acting.account.id, form.params().filter());
    let since = (acting.now() - UNDELETE_WITHIN).naive_utc();
    let matching = acting.app.read(move |conn| Ok(sub_account_list::total(conn, parent, &filter, since)?)).await?;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    html_with(
        status,
        &BulkPage {
            shell: acting.shell("Change many sub accounts"),
            ticked: form.ids().iter().map(Id::to_string).collect(),
            matching,
            hold,
            zone_hint: format!(
                "In the time zone {}. Left empty, it holds until somebody lifts it.",
                acting.time_zone()
            ),
            caps: acting.may(Permission::SetCap),
            holds: acting.may(Permission::Suspend),
            tags_edit: acting.may(Permission::EditSubAccounts),
            form,
            errors,
        },
    )
}
