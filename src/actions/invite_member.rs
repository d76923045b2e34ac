//! Adding a member by address. Listed at once, able to do nothing until the mailed invitation is accepted.

use chrono::TimeDelta;
use serde_json::json;

use super::audit::{self, Record};
use super::bound::{bounding, refuse_above};
use super::refresh_summary::refresh_summary;
use super::{ActionError, ActionResult, ActorKind, Cx, Services, notify, throttle};
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::Id;
use crate::domain::role::Role;
use crate::domain::text::PersonName;
use crate::emails::{Action, Notice};
use crate::models::accounts::{self, Account};
use crate::models::memberships::{self, Membership};
use crate::models::user_tokens::{self, UserToken};
use crate::models::users::{self, User};
use crate::models::{AnyConnection, key_makers};
use crate::secrets::{Token, digest};

/// The kind of the tokens in invitation links.
pub const INVITE: &str = "invite";
/// How long an invitation can be accepted.
pub const INVITE_LASTS: TimeDelta = TimeDelta::days(7);

/// Invitations of one account, and those of it to one person, within [`throttle::WINDOW`]: they leave in the platform's name
/// with a text that the account chose, and nobody may send the world mail by them.
const PER_ACCOUNT: i64 = 50;
const PER_PERSON: i64 = 5;

/// Who is to be a member, as what.
pub struct NewMember {
    pub email: EmailAddress,
    /// For somebody who is not known yet; they may change it when they accept.
    pub name: Option<PersonName>,
    pub role: Role,
}

/// Adds a member and mails the invitation.
///
/// # Errors
/// `Conflict` for someone who is a member already, for one beyond [`memberships::MOST`] and for too many invitations at once,
/// `Invalid` for the owner's role, `NotFound` for a deleted account, `Forbidden` for a role above that of whoever invites.
pub fn invite_member(
    conn: &mut AnyConnection,
    cx: &Cx,
    services: &Services,
    account_id: Id,
    new: &NewMember,
) -> ActionResult<(Membership, User)> {
    let read = bounding(conn, cx, None)?;
    accounts::lock(conn, &read, &[account_id])?;
    let account = accounts::find(conn, account_id)?.ok_or(ActionError::NotFound("account"))?;
    if new.role == Role::Owner {
        return Err(ActionError::invalid("role", "An account has one owner. Choose another role."));
    }
    refuse_above(conn, cx, new.role)?;
    let user = known_or_new(conn, cx, new)?;
    if memberships::find(conn, account_id, user.id)?.is_some() {
        return Err(ActionError::Conflict(format!("{} is already a member of this account.", user.email)));
    }
    refuse_one_too_many(conn, account_id)?;
    let membership = Membership {
        account_id,
        user_id: user.id,
        role: new.role.as_str().to_owned(),
        invited_by: inviter(conn, cx)?,
        accepted_at: None,
        created_at: cx.at(),
        updated_at: cx.at(),
    };
    memberships::insert(conn, &membership)?;
    refresh_summary(conn, account_id, cx.now)?;
    mail_invitation(conn, cx, services, &account, &user, new.role)?;
    let after = Some(json!({ "role": new.role.label() }));
    audit::record(
        conn,
        cx,
        &account,
        Record { action: "member.invite", target: user.email.clone(), before: None, after },
    )?;
    Ok((membership, user))
}

/// An account has so many members at most.
///
/// # Errors
/// `Conflict` where it has them.
pub(super) fn refuse_one_too_many(conn: &mut AnyConnection, account: Id) -> ActionResult<()> {
    if memberships::count(conn, account)? < memberships::MOST {
        return Ok(());
    }
    let most = memberships::MOST;
    Err(ActionError::Conflict(format!("An account has {most} members at most. Remove somebody who left first.")))
}

/// Mails a fresh invitation to a member who has not accepted yet; the links before it stop working. It stands by the role of
/// whoever sends it now.
///
/// # Errors
/// `NotFound` for who is no member, `Conflict` for who has accepted and for too many invitations at once, `Forbidden` for a
/// role above that of whoever sends it.
pub fn resend_invitation(
    conn: &mut AnyConnection,
    cx: &Cx,
    services: &Services,
    account_id: Id,
    user_id: Id,
) -> ActionResult<()> {
    let read = bounding(conn, cx, None)?;
    accounts::lock(conn, &read, &[account_id])?;
    let account = accounts::find(conn, account_id)?.ok_or(ActionError::NotFound("account"))?;
    let membership = memberships::find(conn, account_id, user_id)?.ok_or(ActionError::NotFound("member"))?;
    let user = users::find(conn, user_id)?.ok_or(ActionError::NotFound("member"))?;
    if membership.accepted_at.is_some() {
        return Err(ActionError::Conflict(format!("{} has accepted the invitation already.", user.email)));
    }
    let role = Role::parse(&membership.role).map_err(|refusal| ActionError::Internal(refusal.to_string()))?;
    refuse_above(conn, cx, role)?;

    let sender = inviter(conn, cx)?;
    memberships::set_inviter(conn, account_id, user_id, sender, cx.at())?;
    user_tokens::revoke(conn, INVITE, Some(user_id), Some(account_id), cx.at())?;
    mail_invitation(conn, cx, services, &account, &user, role)?;
    let record = Record { action: "member.invite_again", target: user.email, before: None, after: None };
    audit::record(conn, cx, &account, record)
}

/// By whose role an invitation stands: a person's own, of a key that of whoever made it. None for the program itself and for
/// keys that are older than makers.
fn inviter(conn: &mut AnyConnection, cx: &Cx) -> ActionResult<Option<Id>> {
    match (cx.actor.kind, cx.actor.id) {
        (ActorKind::User, Some(user)) => Ok(Some(user)),
        (ActorKind::ApiKey, Some(key)) => Ok(key_makers::of_key(conn, key)?.map(|maker| maker.user_id)),
        _ => Ok(None),
    }
}

fn known_or_new(conn: &mut AnyConnection, cx: &Cx, new: &NewMember) -> ActionResult<User> {
    let email_lower = new.email.lower();
    if let Some(user) = users::find_by_email(conn, &email_lower)? {
        return Ok(user);
    }
    let user = User {
        id: Id::new(cx.now),
        email: new.email.to_string(),
        email_lower,
        name: new.name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        password_hash: None,
        disabled_at: None,
        last_sign_in_at: None,
        created_at: cx.at(),
        updated_at: cx.at(),
    };
    users::insert(conn, &user)?;
    Ok(user)
}

fn mail_invitation(
    conn: &mut AnyConnection,
    cx: &Cx,
    services: &Services,
    account: &Account,
    user: &User,
    role: Role,
) -> ActionResult<()> {
    let subjects = [
        (digest(&format!("invitations of {}", account.id)), PER_ACCOUNT),
        (digest(&format!("invitations of {} to {}", account.id, user.id)), PER_PERSON),
    ];
    if throttle::count(conn, cx.now, &subjects)?.is_none() {
        let why = "So many invitations were just sent. Wait a quarter of an hour before the next one.";
        return Err(ActionError::Conflict(why.into()));
    }
    let token = Token::generate();
    user_tokens::insert(
        conn,
        &UserToken {
            id: Id::new(cx.now),
            kind: INVITE.into(),
            digest: token.digest().to_vec(),
            user_id: Some(user.id),
            account_id: Some(account.id),
            created_at: cx.at(),
            expires_at: (cx.now + INVITE_LASTS).naive_utc(),
            used_at: None,
        },
    )?;
    let root = accounts::find(conn, account.root_id())?;
    let brand = root.map_or_else(|| "Canopy".into(), |root| root.brand_name.unwrap_or(root.name));
    let subject = format!("Join {}", account.name);
    let notice = Notice {
        brand,
        heading: subject.clone(),
        subject,
        paragraphs: vec![
            format!("You are invited to {} as {}. {}", account.name, role.label(), role.explanation()),
            "The link works once, within 7 days.".into(),
        ],
        action: Some(Action {
            label: "Accept the invitation".into(),
            url: format!("{}/invite/{}", services.public_url, token.as_str()),
        }),
        footer: "If you did not expect this, ignore it: nothing happens until you accept.".into(),
    };
    notify::send(conn, cx.now, services, Some(account.id), INVITE, &user.email, &notice)
}
