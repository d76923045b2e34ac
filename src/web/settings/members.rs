//! Settings, Members: who belongs to the agency, in which role; invitations.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use serde::Deserialize;

use crate::actions::change_role::change_role;
use crate::actions::invite_member::{NewMember, invite_member, resend_invitation};
use crate::actions::remove_member::remove_member;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::Id;
use crate::domain::role::{Permission, Role};
use crate::domain::text::PersonName;
use crate::models::memberships::{self, Membership};
use crate::models::users::User;
use crate::web::acting::Acting;
use crate::web::error::{PageError, PageResult};
use crate::web::format::When;
use crate::web::forms::{Errors, Nothing, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::navigation;
use crate::web::page::{html, html_with, see_other};
use crate::web::scope::Tab;

const PAGE: &str = "/settings/members";

#[derive(Template)]
#[template(path = "settings/members.html")]
struct MembersPage {
    shell: Shell,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    form: Invite,
    errors: Errors,
    roles: Vec<(&'static str, &'static str)>,
    table: Vec<(&'static str, &'static str)>,
    may_manage: bool,
}

#[derive(Template)]
#[template(path = "settings/member_remove.html")]
struct RemovePage {
    shell: Shell,
    tabs: Vec<Tab>,
    row: Row,
}

/// A member as the page shows it.
struct Row {
    id: String,
    name: String,
    email: String,
    role: &'static str,
    role_value: String,
    since: When,
    invited: bool,
    yourself: bool,
    /// Neither the owner nor oneself.
    changeable: bool,
}

/// The invitation form.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Invite {
    email: String,
    name: String,
    role: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct RoleForm {
    role: String,
}

fn allowed(acting: &Acting, permission: Permission) -> Result<(), PageError> {
    acting.require(permission)
}

fn row(acting: &Acting, member: &Membership, user: &User) -> Row {
    let role = Role::parse(&member.role).unwrap_or(Role::Analyst);
    let since = member.accepted_at.unwrap_or(member.created_at);
    let yourself = user.id == acting.user.id;
    Row {
        id: user.id.to_string(),
        name: if user.name.is_empty() { user.email.clone() } else { user.name.clone() },
        email: user.email.clone(),
        role: role.label(),
        role_value: role.as_str().to_owned(),
        since: When::new(since, acting.now().naive_utc(), acting.time_zone()),
        invited: member.accepted_at.is_none(),
        yourself,
        changeable: !yourself && role != Role::Owner && acting.may(Permission::ManageMembers),
    }
}

/// Roles that can be given: an account has one owner.
fn given() -> impl Iterator<Item = Role> {
    Role::all().into_iter().filter(|role| *role != Role::Owner)
}

async fn page(acting: &Acting, form: Invite, errors: Errors) -> PageResult {
    let account = acting.account.id;
    let found = acting.app.read(move |conn| Ok(memberships::of_account(conn, account)?)).await?;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    html_with(
        status,
        &MembersPage {
            tabs: navigation::settings(acting),
            shell: acting.shell("Members"),
            rows: found.iter().map(|(member, user)| row(acting, member, user)).collect(),
            form,
            errors,
            roles: given().map(|role| (role.as_str(), role.label())).collect(),
            table: Role::all().map(|role| (role.label(), role.explanation())).to_vec(),
            may_manage: acting.may(Permission::ManageMembers),
        },
    )
}

/// `GET /settings/members`
pub async fn show(acting: Acting) -> PageResult {
    allowed(&acting, Permission::ViewMembers)?;
    page(&acting, Invite { role: Role::Analyst.as_str().into(), ..Invite::default() }, Errors::none()).await
}

/// `POST /settings/members`: invites.
pub async fn invite(acting: Acting, form: Posted<Invite>) -> PageResult {
    allowed(&acting, Permission::ManageMembers)?;
    let form = form.into_inner();
    let new = match parsed(&form) {
        Ok(new) => new,
        Err(errors) => return page(&acting, form, errors).await,
    };
    let (cx, services, account) = (acting.cx(), acting.app.services.clone(), acting.account.id);
    match acting.app.write(move |conn| invite_member(conn, &cx, &services, account, &new)).await {
        Ok((_, user)) => {
            acting.flash(&Flash {
                detail: "The link works once, within 7 days. Until it is followed, the member can do nothing.".into(),
                ..Flash::new(Tone::Good, format!("An invitation is on its way to {}.", user.email))
            });
            Ok(see_other(PAGE))
        }
        Err(error) => page(&acting, form, Errors::from_action(error, "email")?).await,
    }
}

fn parsed(form: &Invite) -> Result<NewMember, Errors> {
    let mut errors = Errors::none();
    let email = errors.take("email", EmailAddress::parse(&form.email));
    let role = errors.take("role", Role::parse(&form.role));
    let name = match form.name.trim() {
        "" => None,
        name => errors.take("name", PersonName::parse(name)),
    };
    match (email, role) {
        (Some(email), Some(role)) if errors.is_empty() => Ok(NewMember { email, name, role }),
        _ => Err(errors),
    }
}

fn user_id(path: &Path<String>) -> Result<Id, PageError> {
    path.parse().map_err(|_| PageError::not_found())
}

/// `POST /settings/members/{user}/role`
pub async fn role(acting: Acting, path: Path<String>, form: Posted<RoleForm>) -> PageResult {
    allowed(&acting, Permission::ManageMembers)?;
    let (user, account, cx) = (user_id(&path)?, acting.account.id, acting.cx());
    let role = Role::parse(&form.role).map_err(|refusal| PageError::new(400).saying(refusal.message()))?;
    acting.app.write(move |conn| change_role(conn, &cx, account, user, role)).await?;
    acting.flash(&Flash::new(Tone::Good, format!("The role is {} from the next request on.", role.label())));
    Ok(see_other(PAGE))
}

/// `POST /settings/members/{user}/resend`
pub async fn resend(acting: Acting, path: Path<String>, _: Posted<Nothing>) -> PageResult {
    allowed(&acting, Permission::ManageMembers)?;
    let (user, account, cx, services) = (user_id(&path)?, acting.account.id, acting.cx(), acting.app.services.clone());
    acting.app.write(move |conn| resend_invitation(conn, &cx, &services, account, user)).await?;
    acting.flash(&Flash {
        detail: "The links before it do not work any more.".into(),
        ..Flash::new(Tone::Good, "A new invitation is on its way.")
    });
    Ok(see_other(PAGE))
}

/// `GET /settings/members/{user}/remove`: asks first.
pub async fn ask(acting: Acting, path: Path<String>) -> PageResult {
    allowed(&acting, Permission::ManageMembers)?;
    let (user, account) = (user_id(&path)?, acting.account.id);
    let found = acting.app.read(move |conn| Ok(memberships::of_account(conn, account)?)).await?;
    let found = found.iter().find(|(_, person)| person.id == user).ok_or_else(PageError::not_found)?;
    let row = row(&acting, &found.0, &found.1);
    html(&RemovePage { tabs: navigation::settings(&acting), shell: acting.shell("Remove a member"), row })
}

/// `POST /settings/members/{user}/remove`
pub async fn remove(acting: Acting, path: Path<String>, _: Posted<Nothing>) -> PageResult {
    allowed(&acting, Permission::ManageMembers)?;
    let (user, account, cx) = (user_id(&path)?, acting.account.id, acting.cx());
    acting.app.write(move |conn| remove_member(conn, &cx, account, user)).await?;
    acting.flash(&Flash::new(Tone::Good, "The member is removed, and can do nothing here any more."));
    Ok(see_other(PAGE))
}
