//! Retry now, and Cancel: for the ticked messages, or for all that match. Cancelling asks first.

use actix_web::HttpResponse;
use askama::Template;
use serde::Deserialize;

use super::list::{Asked, asked, changes};
use super::params::Params;
use crate::actions::cancel_queued::cancel_queued;
use crate::actions::queue_selection::{CHUNK, QueueOf, Selection};
use crate::actions::retry_queued::retry_queued;
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::models::queue_view::{self, Page, Whose};
use crate::web::acting::Acting;
use crate::web::error::{PageError, PageResult};
use crate::web::format;
use crate::web::forms::Posted;
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html, see_other};
use crate::web::scope::AccountScope;

/// Transactions of one request: what is beyond is left for the next, so that nobody waits for minutes. Making due
/// writes one row a message, cancelling several.
const RETRIED: usize = 200;
const CANCELLED: usize = 20;

#[derive(Template)]
#[template(path = "queue/cancel.html")]
struct CancelPage {
    shell: Shell,
    path: String,
    back: String,
    form: Form,
    /// "3 ticked messages".
    what: String,
}

/// What the list and the question send.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    pub id: Vec<String>,
    /// `retry`, `cancel`, `retry-all` or `cancel-all`.
    #[serde(rename = "do")]
    pub verb: String,
    /// The question was answered.
    pub sure: String,
    pub client: String,
    pub destination: String,
    pub reason: String,
}

impl Form {
    fn params(&self) -> Params {
        Params {
            client: self.client.clone(),
            destination: self.destination.clone(),
            reason: self.reason.clone(),
            ..Params::default()
        }
    }

    fn selection(&self) -> Selection {
        if self.verb.ends_with("-all") {
            return Selection::Matching(self.params().filter(), None);
        }
        Selection::Ids(self.id.iter().filter_map(|id| id.parse::<Id>().ok()).collect())
    }
}

/// `POST /queue`
pub async fn change(acting: Acting, form: Posted<Form>) -> PageResult {
    acting.require(Permission::Suspend)?;
    let form = form.into_inner();
    let (root, client) = (acting.account.id, form.client.clone());
    let whose = acting.app.read(move |conn| asked(conn, root, &client)).await?;
    let Asked::One(whose) = whose else { return Err(PageError::not_found()) };
    let of = QueueOf { holder: acting.account.clone(), whose };
    changed(&acting, of, "/queue", form).await
}

/// `POST .../queue`
pub async fn change_of_account(scope: AccountScope, form: Posted<Form>) -> PageResult {
    scope.require(changes(&scope))?;
    let form = Form { client: String::new(), ..form.into_inner() };
    let of = QueueOf { holder: scope.account.clone(), whose: Whose::Account(scope.account.id) };
    changed(&scope.acting, of, &scope.path("/queue"), form).await
}

async fn changed(acting: &Acting, of: QueueOf, path: &str, form: Form) -> PageResult {
    let back = form.params().href(path);
    let selection = form.selection();
    if matches!(&selection, Selection::Ids(ids) if ids.is_empty()) {
        acting.flash(&Flash::new(Tone::Warn, "Nothing was ticked: tick messages, or choose all that match."));
        return Ok(see_other(&back));
    }
    let flash = match form.verb.as_str() {
        "retry" | "retry-all" => retry(acting, of, selection).await?,
        "cancel" | "cancel-all" if form.sure.is_empty() => return ask(acting, of, path, form, selection).await,
        "cancel" | "cancel-all" => cancel(acting, of, selection).await?,
        _ => Flash::new(Tone::Warn, "Choose what to do: retry now, or cancel."),
    };
    acting.flash(&flash);
    Ok(see_other(&back))
}

async fn ask(
    acting: &Acting,
    of: QueueOf,
    path: &str,
    form: Form,
    selection: Selection,
) -> Result<HttpResponse, PageError> {
    let what = match selection {
        Selection::Ids(ids) => format::count(ids.len() as u64, "ticked message", "ticked messages"),
        Selection::Matching(filter, _) => {
            let limit = i64::try_from(CHUNK + 1).unwrap_or(i64::MAX);
            let (page, now) = (Page { limit, ..Page::default() }, acting.now().naive_utc());
            let found = acting
                .app
                .read(move |conn| Ok(queue_view::page(conn, of.whose, of.holder.root_id(), &filter, page, now)?.len()));
            match found.await? {
                many if many > CHUNK => format!("all that match, more than {CHUNK} messages"),
                few => format::count(few as u64, "message that matches", "messages that match"),
            }
        }
    };
    html(&CancelPage {
        shell: acting.shell("Cancel messages"),
        path: path.to_owned(),
        back: form.params().href(path),
        form,
        what,
    })
}

/// What was done in all, and whether more is left to do.
#[derive(Default)]
struct Sum {
    changed: usize,
    left: usize,
    more: bool,
}

async fn retry(acting: &Acting, of: QueueOf, mut selection: Selection) -> Result<Flash, PageError> {
    let mut sum = Sum::default();
    for _ in 0..RETRIED {
        let (cx, of, chosen) = (acting.cx(), of.clone(), selection.clone());
        let done = acting.app.write(move |conn| retry_queued(conn, &cx, &of, &chosen)).await?;
        if !sum.goes_on(done, &mut selection) {
            break;
        }
    }
    let (changed, left) = (sum.changed, sum.left);
    let made = format::count(changed as u64, "message is due now", "messages are due now");
    let text = if changed == 0 { "No message was deferred: nothing to try again.".into() } else { format!("{made}.") };
    let skipped = format::count(left as u64, "other", "others");
    let detail = if changed > 0 && left > 0 {
        format!("{skipped} left alone: only what was deferred is tried again.")
    } else {
        String::new()
    };
    Ok(Flash { detail: sum.detail(detail), ..Flash::new(if changed == 0 { Tone::Warn } else { Tone::Good }, text) })
}

async fn cancel(acting: &Acting, of: QueueOf, mut selection: Selection) -> Result<Flash, PageError> {
    let mut sum = Sum::default();
    for _ in 0..CANCELLED {
        let (cx, of, chosen) = (acting.cx(), of.clone(), selection.clone());
        let done = acting.app.write(move |conn| cancel_queued(conn, &cx, &of, &chosen)).await?;
        if !sum.goes_on(done, &mut selection) {
            break;
        }
    }
    let text = format!("{} cancelled.", format::count(sum.changed as u64, "message is", "messages are"));
    let left = format::count(sum.left as u64, "message", "messages");
    let detail = if sum.left > 0 {
        format!("{left} left alone: on the way already, or no longer in the queue.")
    } else {
        String::new()
    };
    let tone = if sum.changed == 0 { Tone::Warn } else { Tone::Good };
    Ok(Flash { detail: sum.detail(detail), ..Flash::new(tone, text) })
}

impl Sum {
    /// Adds one transaction; answers whether another follows, with the selection that it is about.
    fn goes_on(&mut self, done: crate::actions::queue_selection::Done, selection: &mut Selection) -> bool {
        self.changed += done.changed;
        self.left += done.looked - done.changed.min(done.looked);
        self.more = done.next.is_some();
        match (selection, done.next) {
            (Selection::Matching(_, after), Some(next)) => {
                *after = Some(next);
                true
            }
            _ => false,
        }
    }

    fn detail(&self, text: String) -> String {
        if self.more { "More match: do it again for the rest.".into() } else { text }
    }
}
