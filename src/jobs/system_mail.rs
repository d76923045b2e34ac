//! Sends the platform's own mail: invitations, resets, alerts. Tried again for three days, then given up and logged.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::pause;
use crate::actions::{ActionResult, notify, outbox, pass_on_letter};
use crate::app::App;
use crate::mailer::{NotSent, SystemMail};
use crate::models::system_mails;

const POLL: Duration = Duration::from_secs(1);

/// Sends until `stop` turns true.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        match send_due(&app).await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => log::error!("system mail could not be sent: {error:?}"),
        }
        pause(POLL, &mut stop).await;
    }
}

/// Tries each mail that is due once; answers how many there were.
///
/// # Errors
/// Only the database's.
pub async fn send_due(app: &Arc<App>) -> ActionResult<usize> {
    let now = app.clock.now();
    if !app.read(move |conn| outbox::anything_due(conn, now)).await? {
        return Ok(0);
    }
    let mails = app.write(move |conn| outbox::claim(conn, now)).await?;
    let count = mails.len();
    for mail in mails {
        let sent = attempt(app, &mail).await;
        let now = app.clock.now();
        app.write(move |conn| match sent {
            Ok(()) => outbox::sent(conn, &mail),
            Err(error) => outbox::not_sent(conn, now, &mail, error.again, &error.reason),
        })
        .await?;
    }
    Ok(count)
}

async fn attempt(app: &App, mail: &system_mails::SystemMail) -> Result<(), NotSent> {
    let body = notify::open(&app.services, mail)
        .map_err(|error| NotSent { again: true, reason: format!("it cannot be read: {error:?}") })?;
    let letter =
        SystemMail { to: mail.recipient.clone(), subject: mail.subject.clone(), text: body.text, html: body.html };
    match mail.kind.as_str() {
        pass_on_letter::KIND => app.mailer.pass_on(&letter, app.clock.now()).await,
        _ => app.mailer.send(&letter, app.clock.now()).await,
    }
}
