//! Who belongs to an account, in which role: invite, change, remove. Only the account's own people see this.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use serde::Deserialize;

use super::activity::title;
use super::frame::{self, Facts, Frame};
use super::locked;
use crate::actions::accept_invitation::stands;
use crate::actions::change_role::change_role;
use crate::actions::cut_keys::{Cut, cuts};
use crate::actions::invite_member::{NewMember, invite_member, resend_invitation};
use crate::actions::remove_member::remove_member;
use crate::actions::{ActionError, ActionResult};
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::Id;
use crate::domain::role::{Permission, Role};
use crate::domain::text::PersonName;
use crate::models::AnyConnection;
use crate::models::accounts::Account;
use crate::models::key_makers::Member;
use crate::models::memberships::{self, Membership};
use crate::models::users::{self, User};
use crate::web::error::{PageError, PageResult};
use crate::web::format::{self, When};
use crate::web::forms::{Errors, Nothing, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html_with, see_other};
use crate::web::scope::AccountScope;

/// A member of the list.
pub struct Row {
    id: String,
    name: String,
    email: String,
    role: String,
    role_label: &'static str,
    invited: bool,
    /// Invited by somebody who may not give that role any more: the link leads nowhere.
    lapsed: bool,
    since: When,
    last_sign_in: Option<When>,
    /// Neither the owner nor the one who looks.
    changeable: bool,
    is_self: bool,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct InviteForm {
    email: String,
    name: String,
    role: String,
}

#[derive(Template)]
#[template(path = "account/members.html")]
struct MembersPage {
    shell: Shell,
    frame: Frame,
    path: String,
    rows: Vec<Row>,
    roles: Vec<(&'static str, &'static str)>,
    explained: Vec<(&'static str, &'static str)>,
    may_manage: bool,
    form: InviteForm,
    errors: Errors,
}

#[derive(Deserialize)]
pub struct MemberPath {
    member: String,
}

/// The roles that can be given.
fn given() -> impl Iterator<Item = Role> {
    Role::all().into_iter().filter(|role| *role != Role::Owner)
}

/// Members are changed by whoever may see them: the account's own people, or its agency in View as.
fn require_managing(scope: &AccountScope) -> Result<(), PageError> {
    scope.require(Permission::ViewMembers)?;
    scope.require(Permission::ManageMembers)
}

/// `GET .../members`
pub async fn list(scope: AccountScope) -> PageResult {
    if let Some(page) = locked::page(&scope, Permission::ViewMembers, "Members").await? {
        return Ok(page);
    }
    page(&scope, InviteForm { role: Role::Developer.as_str().into(), ..InviteForm::default() }, Errors::none()).await
}

async fn page(scope: &AccountScope, form: InviteForm, errors: Errors) -> PageResult {
    let (facts, members) = frame::load(scope, |conn, account, _| {
        let listed = memberships::of_account(conn, account.id)?;
        listed
            .into_iter()
            .map(|(row, user)| Ok((lapsed(conn, account, &row)?, row, user)))
            .collect::<ActionResult<Vec<_>>>()
    })
    .await?;
    let rows = members.iter().map(|(lapsed, found, user)| row(scope, &facts, found, user, *lapsed)).collect();
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    html_with(
        status,
        &MembersPage {
            frame: Frame::new(scope, &facts, "Members"),
            shell: scope.shell(&title(scope, "Members")),
            path: scope.path("/members"),
            rows,
            roles: given().map(|role| (role.as_str(), role.label())).collect(),
            explained: given().map(|role| (role.label(), role.explanation())).collect(),
            may_manage: scope.may(Permission::ManageMembers),
            form,
            errors,
        },
    )
}

/// Whether somebody is invited who cannot accept any more.
fn lapsed(conn: &mut AnyConnection, account: &Account, row: &Membership) -> ActionResult<bool> {
    Ok(row.accepted_at.is_none() && !stands(conn, account, row)?)
}

fn row(scope: &AccountScope, facts: &Facts, membership: &Membership, user: &User, lapsed: bool) -> Row {
    let role = Role::parse(&membership.role);
    let is_self = user.id == scope.acting.user.id;
    let is_owner = role == Ok(Role::Owner) || scope.account.owner_id == Some(user.id);
    let name = if user.name.is_empty() { user.email.clone() } else { user.name.clone() };
    Row {
        id: user.id.to_string(),
        name,
        email: user.email.clone(),
        role: membership.role.clone(),
        role_label: role.map_or("Unknown", Role::label),
        invited: membership.accepted_at.is_none(),
        lapsed,
        since: facts.when(membership.accepted_at.unwrap_or(membership.created_at)),
        last_sign_in: user.last_sign_in_at.map(|at| facts.when(at)),
        changeable: !is_self && !is_owner,
        is_self,
    }
}

/// `POST .../members`
pub async fn invite(scope: AccountScope, form: Posted<InviteForm>) -> PageResult {
    require_managing(&scope)?;
    let form = form.into_inner();
    let mut errors = Errors::none();
    let email = errors.take("email", EmailAddress::parse(&form.email));
    let role = errors.take("role", Role::parse(&form.role));
    let name = match form.name.trim() {
        "" => None,
        text => errors.take("name", PersonName::parse(text)),
    };
    let (Some(email), Some(role), true) = (email, role, errors.is_empty()) else {
        return page(&scope, form, errors).await;
    };
    let (cx, account, services) = (scope.acting.cx(), scope.account.id, scope.acting.app.services.clone());
    let new = NewMember { email, name, role };
    match scope.acting.app.write(move |conn| invite_member(conn, &cx, &services, account, &new)).await {
        Ok((_, user)) => {
            let detail = "They can do nothing until they accept. The link works once, within 7 days.".into();
            scope
                .acting
                .flash(&Flash { detail, ..Flash::new(Tone::Good, format!("{} is invited by mail.", user.email)) });
            Ok(see_other(&scope.path("/members")))
        }
        Err(error) => page(&scope, form, Errors::from_action(error, "email")?).await,
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RoleForm {
    role: String,
    /// Set by the page that lists what a smaller role takes away.
    confirmed: Option<String>,
}

/// Asked before a role that takes something from keys is given.
#[derive(Template)]
#[template(path = "account/role_confirm.html")]
struct ConfirmPage {
    shell: Shell,
    frame: Frame,
    path: String,
    person: String,
    member: String,
    role: Role,
    keys: Vec<KeyLoss>,
    credentials: Vec<String>,
}

/// A key, and what it loses.
struct KeyLoss {
    label: String,
    account: String,
    lost: String,
    ends: bool,
}

/// The page that lists what `role` would take from the keys of `user`; `None` where it takes nothing.
async fn confirmation(scope: &AccountScope, user: Id, role: Role) -> Result<Option<HttpResponse>, PageError> {
    let (facts, (cuts, person)) = frame::load(scope, move |conn, account, _| {
        let member = Member { account: account.id, user };
        Ok((cuts(conn, member, role)?, users::find(conn, user)?.ok_or(ActionError::NotFound("member"))?))
    })
    .await?;
    if cuts.is_empty() {
        return Ok(None);
    }
    let loss = |cut: &Cut| KeyLoss {
        label: cut.key.label.clone(),
        account: cut.account.name.clone(),
        lost: cut.lost().join(", "),
        ends: cut.ends(),
    };
    let page = ConfirmPage {
        frame: Frame::new(scope, &facts, "A smaller role").below("Members", scope.path("/members")),
        shell: scope.shell(&title(scope, "A smaller role")),
        path: scope.path("/members"),
        person: if person.name.is_empty() { person.email } else { person.name },
        member: user.to_string(),
        role,
        keys: cuts.keys.iter().map(loss).collect(),
        credentials: cuts
            .credentials
            .iter()
            .map(|(row, account)| format!("{} of {}", row.name, account.name))
            .collect(),
    };
    html_with(StatusCode::OK, &page).map(Some)
}

/// `POST .../members/{member}/role`
pub async fn set_role(scope: AccountScope, path: Path<MemberPath>, form: Posted<RoleForm>) -> PageResult {
    require_managing(&scope)?;
    let role = Role::parse(&form.role).map_err(|refusal| PageError::new(400).saying(refusal.message()))?;
    let (user, account, cx) = (member(&path)?, scope.account.id, scope.acting.cx());
    if form.confirmed.is_none()
        && let Some(page) = confirmation(&scope, user, role).await?
    {
        return Ok(page);
    }
    let done = scope.acting.app.write(move |conn| change_role(conn, &cx, account, user, role).map(drop)).await;
    finish(&scope, done, &format!("The role is now {}. It counts from their next page on.", role.label()))
}

/// `POST .../members/{member}/remove`
pub async fn remove(scope: AccountScope, path: Path<MemberPath>, _: Posted<Nothing>) -> PageResult {
    require_managing(&scope)?;
    let (user, account, cx) = (member(&path)?, scope.account.id, scope.acting.cx());
    let done = scope.acting.app.write(move |conn| remove_member(conn, &cx, account, user)).await;
    let passed = done.as_ref().map_or(0, |passed| passed.keys + passed.credentials);
    let mut text = "They are removed and can do nothing here any more.".to_owned();
    if passed > 0 {
        text.push_str(" What they made passes to you: ");
        text.push_str(&format::count(passed.unsigned_abs(), "key or SMTP credentials.", "keys and SMTP credentials."));
    }
    finish(&scope, done.map(drop), &text)
}

/// `POST .../members/{member}/invite`
pub async fn invite_again(scope: AccountScope, path: Path<MemberPath>, _: Posted<Nothing>) -> PageResult {
    require_managing(&scope)?;
    let (user, account, cx) = (member(&path)?, scope.account.id, scope.acting.cx());
    let services = scope.acting.app.services.clone();
    let done = scope.acting.app.write(move |conn| resend_invitation(conn, &cx, &services, account, user)).await;
    finish(&scope, done, "A fresh invitation is on its way; the links before it stopped working.")
}

fn member(path: &MemberPath) -> Result<Id, PageError> {
    path.member.parse().map_err(|_| PageError::not_found())
}

/// Back to the list, saying what came of it.
fn finish(scope: &AccountScope, done: ActionResult<()>, text: &str) -> PageResult {
    let flash = match done {
        Ok(()) => Flash::new(Tone::Good, text),
        Err(ActionError::Conflict(why) | ActionError::Forbidden(why)) => Flash::new(Tone::Warn, why),
        Err(error) => return Err(error.into()),
    };
    scope.acting.flash(&flash);
    Ok(see_other(&scope.path("/members")))
}
