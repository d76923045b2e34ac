//! Files to be saved: their names and answers, and what the tables of usage count, for CSV and for spreadsheets alike.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, ContentEncoding, HeaderValue};
use chrono::{DateTime, Utc};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use crate::actions::ActionError;
use crate::load;
use crate::models::counters::Delta;
use crate::web::acting::Acting;
use crate::web::error::PageResult;

const SPREADSHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// What is counted of messages, in the order of [`counts`].
pub const COUNTS: [&str; 7] = ["accepted", "delivered", "deferred", "bounced", "failed", "suppressed", "complaints"];

/// The numbers that [`COUNTS`] names.
#[must_use]
pub fn counts(messages: &Delta) -> [i64; 7] {
    [
        messages.accepted,
        messages.delivered,
        messages.deferred,
        messages.bounced,
        messages.failed,
        messages.suppressed,
        messages.complained,
    ]
}

/// The head of a column of a spreadsheet: "Accepted".
#[must_use]
pub fn head_of(count: &str) -> String {
    let mut letters = count.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A workbook made at `now`.
///
/// # Errors
/// Only for a time that no spreadsheet knows.
pub fn workbook(now: DateTime<Utc>) -> Result<Workbook, XlsxError> {
    let mut book = Workbook::new();
    let at = ExcelDateTime::from_timestamp(now.timestamp())?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&at));
    Ok(book)
}

/// How a count looks.
#[must_use]
pub fn whole_number() -> Format {
    Format::new().set_num_format("#,##0")
}

/// Writes a count as a number.
///
/// # Errors
/// Those of the sheet.
pub fn write_count(sheet: &mut Worksheet, row: u32, column: u16, count: i64, look: &Format) -> Result<(), XlsxError> {
    #[expect(clippy::cast_precision_loss, reason = "a spreadsheet knows doubles alone; exact below 2^53")]
    sheet.write_number_with_format(row, column, count as f64, look).map(drop)
}

/// Fills the sheet that says what the others count.
///
/// # Errors
/// Those of the sheet.
pub fn about(sheet: &mut Worksheet, lines: &[(&str, String)]) -> Result<(), XlsxError> {
    sheet.set_name("About")?.set_column_width(0, 28)?.set_column_width(1, 110)?;
    let bold = Format::new().set_bold();
    for (row, (name, text)) in (0..).zip(lines) {
        sheet.write_string_with_format(row, 0, *name, &bold)?;
        sheet.write_string(row, 1, text)?;
    }
    Ok(())
}

/// A spreadsheet as an answer, written off the threads that serve, once there is a place for it.
///
/// # Errors
/// 500 when it cannot be written, 503 where too many wait.
pub async fn spreadsheet(
    acting: &Acting,
    name: &str,
    write: impl FnOnce() -> Result<Vec<u8>, XlsxError> + Send + 'static,
) -> PageResult {
    let place = acting.app.load.exports.enter(acting.owner()).await?;
    let write =
        move || write().map_err(|error| ActionError::Internal(format!("a spreadsheet cannot be written: {error}")));
    let bytes = load::off_thread(place, write).await?;
    let mut answer = download(SPREADSHEET, name, bytes);
    // Compressed already.
    answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(ContentEncoding::Identity.as_str()));
    Ok(answer)
}

/// Bytes to be saved under a name, never shown in place.
#[must_use]
pub fn download(content_type: &str, name: &str, bytes: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .body(bytes)
}

/// `alder-dental-group-usage.csv`: letters, digits and dashes only, whatever the account is called.
#[must_use]
pub fn file_name(account: &str, what: &str, extension: &str) -> String {
    let plain: String =
        account.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(60).collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).chain([what]).collect();
    format!("{}.{extension}", words.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_in_plain_letters() {
        assert_eq!(file_name("Birch & Vale \"Hotels\"\r\n", "usage", "csv"), "birch-vale-hotels-usage.csv");
        assert_eq!(file_name("日本", "usage", "csv"), "usage.csv");
    }
}
