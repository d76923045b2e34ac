//! Bringing many clients at once from a CSV: upload or paste, look at every row with its errors, then create the ones
//! that are right.

use std::collections::HashSet;

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::cap::shown;
use crate::actions::ActionResult;
use crate::actions::bulk_start::import_start;
use crate::domain::cap::MonthlyCap;
use crate::domain::client_import::{self, Client, Line};
use crate::domain::ids::Id;
use crate::domain::number::NumberStyle;
use crate::domain::role::Permission;
use crate::load;
use crate::models::{AnyConnection, accounts, domains, summaries};
use crate::web::acting::Acting;
use crate::web::error::PageResult;
use crate::web::format;
use crate::web::forms::{Errors, Posted};
use crate::web::jobs;
use crate::web::layout::Shell;
use crate::web::page::{html, html_with, see_other};

/// Rows that the preview shows; those with errors come first.
const SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "sub_accounts/import.html")]
struct ImportPage {
    shell: Shell,
    numbers: NumberStyle,
    text: String,
    errors: Errors,
}

#[derive(Template)]
#[template(path = "sub_accounts/import_preview.html")]
struct PreviewPage {
    shell: Shell,
    text: String,
    lines: Vec<Line>,
    good: usize,
    bad: usize,
    hidden: usize,
    numbers: NumberStyle,
    errors: Errors,
}

impl PreviewPage {
    /// A cap as it was understood.
    fn cap(&self, line: &Line) -> Option<String> {
        line.cap.map(|cap| shown(cap, self.numbers))
    }

    /// A cap as it stands in the list, where it was written otherwise than it is shown.
    fn written<'a>(&self, line: &'a Line) -> &'a str {
        let shown = self.cap(line).unwrap_or_default();
        if line.client.cap == shown || line.cap == Some(MonthlyCap::NONE) { "" } else { &line.client.cap }
    }

    fn good_label(&self) -> String {
        format::count(self.good as u64, "sub account", "sub accounts")
    }

    fn bad_label(&self) -> String {
        format::count(self.bad as u64, "row has a problem", "rows have problems")
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Form {
    csv: String,
    /// `create` on the preview's form.
    go: String,
    /// The number style in which the preview was read.
    style: String,
}

/// `GET /sub-accounts/import`
pub async fn show(acting: Acting) -> PageResult {
    acting.require(Permission::CreateSubAccounts)?;
    html(&ImportPage {
        shell: acting.shell("Import sub accounts"),
        numbers: acting.numbers,
        text: String::new(),
        errors: Errors::none(),
    })
}

/// `POST /sub-accounts/import`: the preview, or with `go=create` the creation of the rows that are right.
pub async fn submit(acting: Acting, form: Posted<Form>) -> PageResult {
    acting.require(Permission::CreateSubAccounts)?;
    let text = match form.file("file") {
        None => form.csv.clone(),
        Some(file) => match String::from_utf8(file.bytes.clone()) {
            Ok(text) => text,
            Err(_) => {
                return refused(&acting, String::new(), "file", "The file is not text in UTF-8. Save it as CSV UTF-8.");
            }
        },
    };
    let numbers = acting.numbers;
    let place = acting.app.load.preparing.enter(acting.owner()).await?;
    let (text, lines) = load::off_thread(place, move || {
        let lines = client_import::parse(&text, numbers);
        Ok((text, lines))
    })
    .await?;
    let lines = match lines {
        Ok(lines) => lines,
        Err(refusal) => return refused(&acting, text, "csv", refusal.message()),
    };
    let parent = acting.account.id;
    let lines = acting.app.read(move |conn| with_taken(conn, parent, lines)).await?;
    // Whoever changed the number style meanwhile looks at what it means now.
    if form.go != "create" || form.style != acting.numbers.as_str() {
        return preview(&acting, text, lines);
    }
    let clients: Vec<Client> = lines.iter().filter(|line| line.errors.is_empty()).map(Line::settled).collect();
    let cx = acting.cx();
    match acting.app.write(move |conn| import_start(conn, &cx, parent, &clients)).await {
        Ok(started) => Ok(see_other(&jobs::begin(&acting.app, started))),
        Err(error) => {
            let errors = Errors::from_action(error, "csv")?;
            html_with(
                StatusCode::UNPROCESSABLE_ENTITY,
                &ImportPage { shell: acting.shell("Import sub accounts"), numbers: acting.numbers, text, errors },
            )
        }
    }
}

fn refused(acting: &Acting, text: String, field: &str, message: &str) -> PageResult {
    let text = if text.len() > client_import::MAX_BYTES { String::new() } else { text };
    let errors = Errors::one(field, message);
    html_with(
        StatusCode::UNPROCESSABLE_ENTITY,
        &ImportPage { shell: acting.shell("Import sub accounts"), numbers: acting.numbers, text, errors },
    )
}

fn preview(acting: &Acting, text: String, lines: Vec<Line>) -> PageResult {
    let (wrong, right): (Vec<Line>, Vec<Line>) = lines.into_iter().partition(|line| !line.errors.is_empty());
    let (bad, good) = (wrong.len(), right.len());
    let mut lines = wrong;
    lines.extend(right);
    let hidden = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    html(&PreviewPage {
        shell: acting.shell("Look at the rows"),
        text,
        lines,
        good,
        bad,
        hidden,
        numbers: acting.numbers,
        errors: Errors::none(),
    })
}

/// Notes what exists already beside each line.
fn with_taken(conn: &mut AnyConnection, parent: Id, mut lines: Vec<Line>) -> ActionResult<Vec<Line>> {
    let all = |value: fn(&Client) -> String| -> Vec<String> {
        lines.iter().map(|line| value(&line.client)).filter(|text| !text.is_empty()).collect()
    };
    let names = summaries::names_taken(conn, parent, &all(|client| client.name.to_lowercase()))?;
    let external = accounts::external_ids_taken(conn, parent, &all(|client| client.external_id.clone()))?;
    let sending = domains::taken_below(conn, parent, &all(|client| client.domain.to_lowercase()))?;
    let set = |texts: Vec<String>| -> HashSet<String> { texts.into_iter().collect() };
    let (names, external, sending) = (set(names), set(external), set(sending));
    for line in &mut lines {
        let client = &line.client;
        let mut note = |taken: bool, text: &str| {
            if taken {
                line.errors.push(text.to_owned());
            }
        };
        note(names.contains(&client.name.to_lowercase()), "A sub account with this name exists.");
        note(external.contains(&client.external_id), "A sub account with this external ID exists.");
        note(sending.contains(&client.domain.to_lowercase()), "Another of your sub accounts sends from this domain.");
    }
    Ok(lines)
}
