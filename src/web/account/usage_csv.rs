//! A period's days as a file for spreadsheets.

use actix_web::HttpResponse;

use super::usage::Day;
use crate::web::error::PageError;
use crate::web::files::{COUNTS, download, file_name};

/// The file as an answer.
///
/// # Errors
/// 500 when it cannot be written.
pub fn answer(name: &str, days: &[Day]) -> Result<HttpResponse, PageError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |_| PageError::new(500);
    writer.write_record(std::iter::once("day").chain(COUNTS)).map_err(failed)?;
    for day in days {
        let cells = std::iter::once(day.key.clone()).chain(day.counts().map(|count| count.to_string()));
        writer.write_record(cells).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| {
        log::error!("a CSV file cannot be written: {error}");
        PageError::new(500)
    })?;
    Ok(download("text/csv; charset=utf-8", &file_name(name, "usage", "csv"), bytes))
}
