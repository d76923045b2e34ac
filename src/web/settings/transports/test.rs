//! Trying a transport: one message to oneself, at once, and everything that is said on the way.

use actix_web::web::Path;
use askama::Template;

use super::{named, where_to};
use crate::actions::note_transport_test::note_transport_test;
use crate::domain::conversation::{Conversation, Speaker};
use crate::models::domains;
use crate::models::transports::Transport;
use crate::web::acting::Acting;
use crate::web::error::{PageError, PageResult};
use crate::web::forms::{Nothing, Posted};
use crate::web::layout::Shell;
use crate::web::navigation;
use crate::web::page::html;
use crate::web::scope::Tab;

#[derive(Template)]
#[template(path = "settings/transport_test.html")]
struct TestPage {
    shell: Shell,
    tabs: Vec<Tab>,
    id: String,
    name: String,
    place: String,
    from: String,
    to: String,
    said: Option<Said>,
}

struct Said {
    taken: bool,
    verdict: String,
    text: String,
}

impl Said {
    fn new(said: &Conversation) -> Self {
        let mark = |speaker| match speaker {
            Speaker::Us => '>',
            Speaker::Server => '<',
            Speaker::Note => '*',
        };
        let lines: Vec<String> =
            said.lines.iter().map(|line| format!("{} {}", mark(line.speaker), line.text)).collect();
        Self { taken: said.taken, verdict: said.verdict.clone(), text: lines.join("\n") }
    }
}

/// `GET /settings/transports/{transport}/test`
pub async fn show(acting: Acting, path: Path<String>) -> PageResult {
    let row = named(&acting, &path).await?;
    let from = sender(&acting).await?;
    page(&acting, &row, from, None)
}

fn page(acting: &Acting, row: &Transport, from: String, said: Option<Said>) -> PageResult {
    html(&TestPage {
        shell: acting.shell("Test transport"),
        tabs: navigation::settings(acting),
        id: row.id.to_string(),
        name: row.name.clone(),
        place: where_to(row),
        from,
        to: acting.user.email.clone(),
        said,
    })
}

/// Who the test comes from: a verified domain of the agency, else the platform's own sender.
async fn sender(acting: &Acting) -> crate::actions::ActionResult<String> {
    let account = acting.account.id;
    let all = acting.app.read(move |conn| Ok(domains::all(conn, account)?)).await?;
    let verified = all.into_iter().find(|row| row.verified_at.is_some());
    Ok(verified.map_or_else(|| acting.app.config.mail_from_address.clone(), |row| format!("test@{}", row.name)))
}

/// `POST /settings/transports/{transport}/test`
pub async fn send(acting: Acting, path: Path<String>, _: Posted<Nothing>) -> PageResult {
    let row = named(&acting, &path).await?;
    let (from, to) = (sender(&acting).await?, acting.user.email.clone());
    // Whoever hangs up meanwhile has tried it all the same.
    let trying = actix_web::rt::spawn(tried(acting.clone(), row.clone(), from.clone(), to));
    let said = trying.await.map_err(|error| {
        log::error!("the test of a transport did not finish: {error}");
        PageError::new(500)
    })??;
    page(&acting, &row, from, Some(Said::new(&said)))
}

/// Tries it, and writes that down.
async fn tried(acting: Acting, row: Transport, from: String, to: String) -> Result<Conversation, PageError> {
    // A server that is slow to answer keeps no other account waiting.
    let place = acting.app.load.looks.enter(acting.owner()).await?;
    let said = acting.app.try_transport(row.clone(), &from, &to).await?;
    drop(place);

    let (cx, parent, noted) = (acting.cx(), acting.account.id, said.clone());
    acting.app.write(move |conn| note_transport_test(conn, &cx, parent, &row, &to, &noted)).await?;
    Ok(said)
}
