//! One message: what became of it step by step, what it said, and the file itself.

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;
use serde::Deserialize;

use super::activity::title;
use super::frame::{self, Facts, Frame};
use super::message_story::{self, Step};
use super::{locked, messages as list};
use crate::actions::cancel_message::cancel_message;
use crate::actions::{ActionError, ActionResult, build_message};
use crate::domain::ids::Id;
use crate::domain::message::parse::{self, ContentParsed};
use crate::domain::message::reference::MessageRef;
use crate::domain::message::status::MessageStatus;
use crate::domain::role::Permission;
use crate::load::{self, SHOWN, Share};
use crate::models::AnyConnection;
use crate::models::messages::{self, Attempt, Event, Message};
use crate::models::queue::{self, Queued};
use crate::telemetry::held::held;
use crate::web::error::{PageError, PageResult};
use crate::web::files::download;
use crate::web::format;
use crate::web::forms::{Nothing, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html, see_other};
use crate::web::scope::AccountScope;

#[derive(Template)]
#[template(path = "account/message.html")]
struct MessagePage {
    shell: Shell,
    frame: Frame,
    base: String,
    id: String,
    facts: Vec<(&'static str, String)>,
    tags: Vec<String>,
    steps: Vec<Step>,
    next_try: String,
    content: Option<Content>,
    /// Why there is no content.
    gone: String,
    /// The mailbox on this machine holds it as it was delivered.
    kept: bool,
    may_cancel: bool,
}

/// What a message said, as text: HTML is shown as its source and never drawn.
struct Content {
    headers: Vec<(String, String)>,
    parts: Vec<(String, String)>,
    files: Vec<(String, String)>,
    size: String,
}

struct Found {
    message: Message,
    events: Vec<Event>,
    attempts: Vec<Attempt>,
    queued: Option<Queued>,
    raw: Option<Vec<u8>>,
}

#[derive(Deserialize)]
pub struct MessagePath {
    message: String,
}

impl MessagePath {
    fn read(&self) -> Result<Id, PageError> {
        MessageRef::parse(&self.message).map(|reference| reference.id).ok_or_else(PageError::not_found)
    }
}

/// `GET .../messages/{message}`
pub async fn show(scope: AccountScope, path: Path<MessagePath>) -> PageResult {
    if let Some(page) = locked::page(&scope, Permission::ViewMessages, "Messages").await? {
        return Ok(page);
    }
    let id = path.read()?;
    let mailbox = scope.acting.app.mailbox.clone();
    let mut share = scope.acting.share();
    let (facts, (found, kept, share)) = frame::load(&scope, move |conn, account, facts| {
        let found = read(conn, account.id, id, facts)?;
        share.reach(found.raw.as_ref().map_or(0, Vec::len) * SHOWN)?;
        // The rest of the page is worth showing without its copy.
        let kept = mailbox.read(account.id, id).unwrap_or_else(|error| {
            log::error!("the kept copy of the message {id} cannot be read: {error}");
            None
        });
        Ok((found, kept.is_some(), share))
    })
    .await?;
    let (found, shown) = parsed(&scope, found).await?;
    let Found { message, events, attempts, queued, .. } = &found;
    let scheduled = message.status == MessageStatus::Scheduled.as_str();
    let subject = if message.subject.is_empty() { "(no subject)" } else { &message.subject };
    let page = html(&MessagePage {
        frame: Frame { state: Some(list::state(&message.status)), ..Frame::new(&scope, &facts, subject) }
            .below("Messages", scope.path("/messages")),
        shell: scope.shell(&title(&scope, &message.subject)),
        base: scope.base.clone(),
        id: message.id.to_string(),
        facts: about(message, &facts),
        tags: serde_json::from_str(&message.tags).unwrap_or_default(),
        steps: message_story::steps(message, events, attempts, &facts),
        next_try: queued.as_ref().map(|row| message_story::next_try(row, message, &facts)).unwrap_or_default(),
        gone: if shown.is_some() { String::new() } else { gone(message, &facts) },
        content: shown,
        kept,
        may_cancel: scheduled && scope.may(Permission::SendTest),
    });
    Ok(held(page?, share))
}

/// Reads the parts of what was found. That may take seconds: it is done off the threads that serve pages, in a place of the
/// account's.
async fn parsed(scope: &AccountScope, mut found: Found) -> ActionResult<(Found, Option<Content>)> {
    let Some(raw) = found.raw.take() else { return Ok((found, None)) };
    let place = scope.acting.app.load.preparing.enter(scope.acting.owner()).await?;
    let shown = load::off_thread(place, move || Ok(content(&raw, parse::parse(&raw)))).await?;
    Ok((found, Some(shown)))
}

fn read(conn: &mut AnyConnection, account: Id, id: Id, facts: &Facts) -> ActionResult<Found> {
    let message = messages::find(conn, account, id)?.ok_or(ActionError::NotFound("message"))?;
    Ok(Found {
        events: messages::events(conn, id)?,
        attempts: messages::attempts_of(conn, &[id])?,
        queued: queue::find_many(conn, &[id])?.into_iter().next(),
        raw: raw(conn, &message, facts)?,
        message,
    })
}

/// The message's bytes, until its retention ends, whether or not the purge has come by.
fn raw(conn: &mut AnyConnection, message: &Message, facts: &Facts) -> ActionResult<Option<Vec<u8>>> {
    if facts.now.naive_utc() >= message.retain_until {
        return Ok(None);
    }
    let Some(content) = messages::content(conn, message.content_id)? else { return Ok(None) };
    let attachments = messages::attachments(conn, content.request_id)?;
    build_message::raw(message, &content, &attachments).map(Some)
}

fn about(message: &Message, facts: &Facts) -> Vec<(&'static str, String)> {
    let name = message.recipient_name.as_ref().map(|name| format!("{name} <{}>", message.recipient));
    let at = |at: Option<chrono::NaiveDateTime>| at.map(|at| format::exact(at, facts.tz()));
    let rows = [
        ("To", Some(name.unwrap_or_else(|| message.recipient.clone()))),
        ("From", Some(message.sender.clone())),
        ("Message-ID", Some(format!("<{}>", message.header_id()))),
        ("Accepted", at(Some(message.created_at))),
        ("Scheduled for", at(message.scheduled_at)),
        ("Delivered", at(message.delivered_at)),
        ("Given up after", at(Some(message.expires_at)).filter(|_| message.delivered_at.is_none())),
        ("Attempts", Some(message.num_attempts.to_string())),
        ("Bounce", Some(message.bounce_classification.clone()).filter(|text| !text.is_empty())),
    ];
    rows.into_iter().filter_map(|(label, value)| Some((label, value?))).collect()
}

fn gone(message: &Message, facts: &Facts) -> String {
    let until = format::exact(message.retain_until, facts.tz());
    format!("What it said was kept until {until}, as this account's retention asks. What became of it stays longer.")
}

fn content(raw: &[u8], parsed: ContentParsed) -> Content {
    let flat = |(name, values): (String, Vec<String>)| values.into_iter().map(move |value| (name.clone(), value));
    // Four letters of base64 stand for three bytes.
    let file = |file: parse::ParsedAttachment| {
        (file.filename, format!("{}, {}", file.content_type, format::bytes(file.content.len() as u64 * 3 / 4)))
    };
    Content {
        headers: parsed.headers.into_iter().flat_map(flat).collect(),
        parts: parsed.parts.into_iter().map(|part| (part.content_type, part.content)).collect(),
        files: parsed.attachments.into_iter().map(file).collect(),
        size: format::bytes(raw.len() as u64),
    }
}

/// `GET .../messages/{message}/raw`: as it was built, unsigned.
pub async fn download_raw(scope: AccountScope, path: Path<MessagePath>) -> PageResult {
    scope.require(Permission::ViewMessages)?;
    let (id, mut share) = (path.read()?, scope.acting.share());
    let (_, (raw, share)) = frame::load(&scope, move |conn, account, facts| {
        let message = messages::find(conn, account.id, id)?.ok_or(ActionError::NotFound("message"))?;
        let raw = raw(conn, &message, facts)?;
        share.reach(raw.as_ref().map_or(0, Vec::len))?;
        Ok((raw, share))
    })
    .await?;
    eml(id, raw, share)
}

/// `GET .../messages/{message}/kept`: as the mailbox on this machine took it, signed.
pub async fn download_kept(scope: AccountScope, path: Path<MessagePath>) -> PageResult {
    scope.require(Permission::ViewMessages)?;
    let id = path.read()?;
    let (mailbox, mut share) = (scope.acting.app.mailbox.clone(), scope.acting.share());
    let (_, (kept, share)) = frame::load(&scope, move |conn, account, _| {
        messages::find(conn, account.id, id)?.ok_or(ActionError::NotFound("message"))?;
        let kept = mailbox.read(account.id, id);
        let kept = kept.map_err(|error| ActionError::Internal(format!("the mailbox: {error}")))?;
        share.reach(kept.as_ref().map_or(0, Vec::len))?;
        Ok((kept, share))
    })
    .await?;
    eml(id, kept, share)
}

fn eml(id: Id, bytes: Option<Vec<u8>>, share: Share) -> Result<HttpResponse, PageError> {
    let bytes = bytes.ok_or_else(PageError::not_found)?;
    Ok(held(download("message/rfc822", &format!("{id}.eml"), bytes), share))
}

/// `POST .../messages/{message}/cancel`
pub async fn cancel(scope: AccountScope, path: Path<MessagePath>, _: Posted<Nothing>) -> PageResult {
    scope.require(Permission::SendTest)?;
    let (id, account, cx) = (path.read()?, scope.account.id, scope.acting.cx());
    let done = scope.acting.app.write(move |conn| cancel_message(conn, &cx, account, id)).await;
    let flash = match done {
        Ok(message) => Flash::new(Tone::Good, format!("The message to {} will not be sent.", message.recipient)),
        Err(ActionError::Invalid(_)) => {
            Flash::new(Tone::Warn, "It has left already, or is leaving now: too late to cancel.")
        }
        Err(error) => return Err(error.into()),
    };
    scope.acting.flash(&flash);
    Ok(see_other(&scope.path(&format!("/messages/{id}"))))
}
