//! A person changes their address: it counts only after the link mailed to the new one was opened. Otherwise somebody
//! could take an address that is not theirs, and with it the invitations meant for its owner.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::TimeDelta;

use super::user_audit::{self, as_user};
use super::void_links::{Changed, void_links};
use super::{ActionError, ActionResult, Cx, Services, notify, throttle};
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::Id;
use crate::emails::{Action, Notice};
use crate::models::AnyConnection;
use crate::models::user_tokens::{self, UserToken};
use crate::models::users::{self, User};
use crate::secrets::digest;

/// The kind of the tokens in these links.
pub const EMAIL: &str = "email";
const CONTEXT: &str = "change_email";
const LASTS: TimeDelta = TimeDelta::hours(1);

/// Links that one person may have mailed to addresses that are not theirs yet, within [`throttle::WINDOW`].
const PER_PERSON: i64 = 5;

/// Mails the link to the new address. The address travels sealed in the link itself.
///
/// # Errors
/// `NotFound` when the person is gone, `Conflict` for too many at once.
pub fn request_email(
    conn: &mut AnyConnection,
    cx: &Cx,
    services: &Services,
    user: Id,
    new: &EmailAddress,
) -> ActionResult<()> {
    let user = users::find(conn, user)?.ok_or(ActionError::NotFound("user"))?;
    let subject = (digest(&format!("new address of {}", user.id)), PER_PERSON);
    if throttle::count(conn, cx.now, &[subject])?.is_none() {
        return Err(ActionError::Conflict("So many links were just sent. Wait a quarter of an hour.".into()));
    }
    let sealed = services.secrets.seal(CONTEXT, new.to_string().as_bytes());
    let token = BASE64_URL_SAFE_NO_PAD.encode(sealed);
    user_tokens::revoke(conn, EMAIL, Some(user.id), None, cx.at())?;
    user_tokens::insert(
        conn,
        &UserToken {
            id: Id::new(cx.now),
            kind: EMAIL.into(),
            digest: digest(&token).to_vec(),
            user_id: Some(user.id),
            account_id: None,
            created_at: cx.at(),
            expires_at: (cx.now + LASTS).naive_utc(),
            used_at: None,
        },
    )?;
    let notice = Notice {
        brand: "Canopy".into(),
        subject: "Confirm your new e-mail address".into(),
        heading: "Confirm your new e-mail address".into(),
        paragraphs: vec![
            format!("{} asked to sign in with this address from now on.", user.name),
            "The link works once, within one hour.".into(),
        ],
        action: Some(Action {
            label: "Use this address".into(),
            url: format!("{}/settings/profile/email/{token}", services.public_url),
        }),
        footer: "If it was not you, ignore this: nothing changes.".into(),
    };
    notify::send(conn, cx.now, services, None, "confirm_email", &new.to_string(), &notice)
}

fn address_in(services: &Services, sealed: &[u8]) -> Result<EmailAddress, String> {
    let bytes = services.secrets.open(CONTEXT, sealed).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
    EmailAddress::parse(&text).map_err(|refusal| refusal.to_string())
}

/// Uses a link up: the address is the person's from now on, and the old one is told.
///
/// # Errors
/// `NotFound` for a link that is unknown, used, too old or another's; `Conflict` for an address that somebody has.
pub fn confirm_email(
    conn: &mut AnyConnection,
    cx: &Cx,
    services: &Services,
    user: Id,
    token: &str,
) -> ActionResult<User> {
    let gone = || ActionError::NotFound("link");
    let row = user_tokens::find_live(conn, EMAIL, &digest(token), cx.at())?.ok_or_else(gone)?;
    let mut user = users::find(conn, user)?.filter(|user| row.user_id == Some(user.id)).ok_or_else(gone)?;
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| gone())?;
    let new = address_in(services, &sealed).map_err(|why| {
        // The link is one of ours, so the fault is too: a key that was taken out of `secret_key`, or damage.
        log::error!("the link to a new address of the user {} cannot be opened: {why}", user.id);
        gone()
    })?;
    if users::find_by_email(conn, &new.lower())?.is_some_and(|other| other.id != user.id) {
        return Err(ActionError::Conflict("Somebody signs in with that address already.".into()));
    }
    if !user_tokens::use_up(conn, row.id, cx.at())? {
        return Err(gone());
    }
    void_links(conn, cx, user.id, Changed::Address)?;
    let old = std::mem::replace(&mut user.email, new.to_string());
    user.email_lower = new.lower();
    user.updated_at = cx.at();
    users::save(conn, &user)?;
    user_audit::record(conn, &as_user(cx, &user), &user, "user.change_email")?;
    let notice = Notice {
        brand: "Canopy".into(),
        subject: "Your e-mail address was changed".into(),
        heading: "Your e-mail address was changed".into(),
        paragraphs: vec![format!("You sign in with {} from now on.", user.email)],
        action: None,
        footer: "If it was not you, tell the owner of your account at once.".into(),
    };
    notify::send(conn, cx.now, services, None, "email_changed", &old, &notice)?;
    Ok(user)
}
