//! A period's days as a file for spreadsheets.

use actix_web::HttpResponse;

use super::usage::Day;
use crate::web::csv::line;
use crate::web::files::{COUNTS, download, file_name};

/// The file as an answer.
#[must_use]
pub fn answer(name: &str, days: &[Day]) -> HttpResponse {
    let head: Vec<&str> = std::iter::once("day").chain(COUNTS).collect();
    let mut text = line(&head);
    for day in days {
        let cells: Vec<String> =
            std::iter::once(day.key.clone()).chain(day.counts().map(|count| count.to_string())).collect();
        text.push_str(&line(&cells));
    }
    download("text/csv; charset=utf-8", &file_name(name, "usage", "csv"), text.into_bytes())
}
