//! A period's days as a file for spreadsheets.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;

use super::usage::Day;
use crate::web::error::PageError;

/// The file as an answer.
///
/// # Errors
/// 500 when it cannot be written.
pub fn answer(name: &str, days: &[Day]) -> Result<HttpResponse, PageError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |_| PageError::new(500);
    let head = ["day", "accepted", "delivered", "deferred", "bounced", "failed", "suppressed", "complaints"];
    writer.write_record(head).map_err(failed)?;
    for day in days {
        let counts =
            [day.accepted, day.delivered, day.deferred, day.bounced, day.failed, day.suppressed, day.complained];
        let cells = std::iter::once(day.key.clone()).chain(counts.map(|count| count.to_string()));
        writer.write_record(cells).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| {
        log::error!("a CSV file cannot be written: {error}");
        PageError::new(500)
    })?;
    Ok(download("text/csv; charset=utf-8", &file_name(name, "usage", "csv"), bytes))
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
