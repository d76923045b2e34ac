//! A period's days, domains and tags of one account as a spreadsheet: numbers are numbers, days are dates, texts are texts
//! whatever they begin with, and a last sheet says what is counted.

use chrono::{DateTime, Utc};
use rust_xlsxwriter::{ExcelDateTime, Format, FormatAlign, Worksheet, XlsxError};

use super::usage::{Day, Usage, total};
use crate::web::error::PageResult;
use crate::web::files::{self, COUNTS, file_name, head_of, whole_number, write_count};
use crate::web::format;
use crate::web::scope::AccountScope;

/// The file as an answer.
///
/// # Errors
/// 500 when it cannot be written.
pub async fn answer(scope: &AccountScope, now: DateTime<Utc>, days: Vec<Day>, usage: Usage) -> PageResult {
    let account = scope.account.name.clone();
    let name = file_name(&account, &format!("usage-{}", usage.span.first_day()), "xlsx");
    files::spreadsheet(&scope.acting, &name, move || written(&account, now, &days, &usage)).await
}

fn written(account: &str, now: DateTime<Utc>, days: &[Day], usage: &Usage) -> Result<Vec<u8>, XlsxError> {
    let mut book = files::workbook(now)?;
    by_day(book.add_worksheet(), days)?;
    let domains = usage.domains.iter().map(|(name, counts)| {
        (name.as_str(), vec![counts.accepted, counts.delivered, counts.bounced, counts.complained])
    });
    parts(book.add_worksheet(), "Domains", ("Domain", &["accepted", "delivered", "bounced", "complaints"]), domains)?;
    let tags = usage.tags.iter().map(|(tag, accepted)| (tag.as_str(), vec![*accepted]));
    parts(book.add_worksheet(), "Tags", ("Tag", &["accepted"]), tags)?;
    files::about(book.add_worksheet(), &lines(account, now, usage))?;
    book.save_to_buffer()
}

fn by_day(sheet: &mut Worksheet, days: &[Day]) -> Result<(), XlsxError> {
    sheet.set_name("Usage")?;
    head(sheet, "Day", 14.0, &COUNTS)?;
    let date = Format::new().set_num_format("yyyy-mm-dd").set_align(FormatAlign::Left);
    for (row, day) in (1..).zip(days) {
        sheet.write_datetime_with_format(row, 0, &ExcelDateTime::parse_from_str(&day.key)?, &date)?;
        numbers(sheet, row, day, &whole_number())?;
    }
    let last = u32::try_from(days.len()).unwrap_or(u32::MAX - 1) + 1;
    sheet.write_string_with_format(last, 0, "Total", &Format::new().set_bold())?;
    numbers(sheet, last, &total(days), &whole_number().set_bold())
}

fn numbers(sheet: &mut Worksheet, row: u32, day: &Day, look: &Format) -> Result<(), XlsxError> {
    for (column, count) in (1..).zip(day.counts()) {
        write_count(sheet, row, column, i64::try_from(count).unwrap_or(i64::MAX), look)?;
    }
    Ok(())
}

/// A sheet of named rows with their counts.
fn parts<'a>(
    sheet: &mut Worksheet,
    title: &str,
    (what, counted): (&str, &[&str]),
    rows: impl Iterator<Item = (&'a str, Vec<i64>)>,
) -> Result<(), XlsxError> {
    sheet.set_name(title)?;
    head(sheet, what, 34.0, counted)?;
    for (row, (name, counts)) in (1..).zip(rows) {
        sheet.write_string(row, 0, name)?;
        for (column, count) in (1..).zip(counts) {
            write_count(sheet, row, column, count, &whole_number())?;
        }
    }
    Ok(())
}

fn head(sheet: &mut Worksheet, first: &str, width: f64, counted: &[&str]) -> Result<(), XlsxError> {
    sheet.set_freeze_panes(1, 1)?.set_column_width(0, width)?;
    sheet.write_string_with_format(0, 0, first, &Format::new().set_bold())?;
    let right = Format::new().set_bold().set_align(FormatAlign::Right);
    for (column, count) in (1..).zip(counted) {
        sheet.set_column_width(column, 12)?;
        sheet.write_string_with_format(0, column, head_of(count), &right)?;
    }
    Ok(())
}

/// What the numbers count, and since when.
fn lines(account: &str, now: DateTime<Utc>, usage: &Usage) -> Vec<(&'static str, String)> {
    let (span, at) = (&usage.span, now.naive_utc());
    let state = if span.is_current(at) { "open: the numbers still grow" } else { "ended" };
    vec![
        ("Account", account.to_owned()),
        ("Period", format!("{}, in {}", span.label(at), span.tz)),
        ("State", state.to_owned()),
        ("Read at", format::date_time(at, span.tz)),
        ("Accepted", "Messages taken, one per recipient; sandbox messages are not counted.".to_owned()),
        ("Delivered, bounced, failed", "What became of them so far, on the day they were accepted.".to_owned()),
        ("Suppressed", "Not sent, because the recipient is suppressed; not among the accepted.".to_owned()),
        ("Tags", "A message with several tags counts under each of them.".to_owned()),
    ]
}
