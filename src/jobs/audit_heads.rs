//! Once a day the leader says outside the database how each chain of the audit ends: in the log always, and where the options
//! say so in a file and by mail to the operator.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::actions::{ActionResult, tell_audit_heads};
use crate::app::App;
use crate::domain::ids::Id;

/// Tells, if this day's turn was not taken yet by any node. What fails is logged and tried again in the next round.
///
/// # Errors
/// Only the database's.
pub async fn tell(app: &Arc<App>, now: DateTime<Utc>) -> ActionResult<()> {
    let teller = Id::new(now);
    if !app.write_behind(move |conn| tell_audit_heads::take_turn(conn, teller, now)).await? {
        return Ok(());
    }
    let told = tell_all(app, now).await;
    if !matches!(told, Ok(true)) {
        app.write_behind(move |conn| tell_audit_heads::give_back(conn, teller, now)).await?;
    }
    told.map(drop)
}

/// Answers whether all of it was told.
async fn tell_all(app: &Arc<App>, now: DateTime<Utc>) -> ActionResult<bool> {
    let mut after = None;
    loop {
        let heads = app.read(move |conn| tell_audit_heads::heads_after(conn, after)).await?;
        let Some(last) = heads.last() else { return Ok(true) };
        after = Some(last.root);
        let at = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        let lines: Vec<String> = heads.iter().map(|head| format!("{at} {head}")).collect();
        heads.iter().for_each(|head| log::info!("{head}"));
        if let Some(path) = app.config.audit_heads_file.clone()
            && !append(path, lines.clone()).await
        {
            return Ok(false);
        }
        if let Some(operator) = app.config.operator_address.clone().filter(|_| app.config.audit_heads_mail) {
            let services = Arc::clone(&app.services);
            app.write_behind(move |conn| tell_audit_heads::mail(conn, now, &services, &operator, &lines)).await?;
        }
    }
}

/// Adds lines to the file and waits for the disk; answers whether it could.
async fn append(path: PathBuf, lines: Vec<String>) -> bool {
    let shown = path.display().to_string();
    let written = tokio::task::spawn_blocking(move || {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
        file.write_all(format!("{}\n", lines.join("\n")).as_bytes())?;
        file.sync_all()
    });
    match written.await.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
        Ok(()) => true,
        Err(error) => {
            log::error!("how the audit ends could not be written to {shown} (audit_heads_file): {error}");
            false
        }
    }
}
