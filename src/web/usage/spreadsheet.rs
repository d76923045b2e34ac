//! The whole table as a spreadsheet, for whoever reckons with it: numbers are numbers, money has its currency's decimals,
//! and a second sheet says what they count. Texts are written as texts: a name that begins like a formula stays a name.

use actix_web::http::header::{CONTENT_ENCODING, ContentEncoding, HeaderValue};
use actix_web::web::{self, Query};
use chrono::{DateTime, Utc};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, Worksheet, XlsxError};

use super::load::{Loaded, UsageQuery, load};
use crate::actions::usage_report::{Counted, UsageLine};
use crate::domain::money::{Currency, Money};
use crate::domain::role::Permission;
use crate::web::account::usage_csv::{download, file_name};
use crate::web::acting::Acting;
use crate::web::error::{PageError, PageResult};
use crate::web::format;

const TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// Accounts that fit on a sheet (1,048,576 rows) beside its head, the parent and the total.
const MOST: usize = 1_048_573;
/// The heads of the first columns, with the width of each in characters.
const HEAD: [(&str, f64); 11] = [
    ("Account", 34.0),
    ("Kind", 20.0),
    ("External ID", 16.0),
    ("Accepted", 12.0),
    ("Delivered", 12.0),
    ("Deferred", 12.0),
    ("Bounced", 12.0),
    ("Failed", 12.0),
    ("Suppressed", 12.0),
    ("Complaints", 12.0),
    ("ID", 38.0),
];

/// `GET /usage.xlsx`
pub async fn xlsx(acting: Acting, asked: Query<UsageQuery>) -> PageResult {
    if acting.account.parent_id.is_some() {
        return Err(PageError::not_found());
    }
    acting.require(Permission::ViewUsage)?;
    let loaded = load(&acting, &asked).await?;
    if loaded.report.children.len() + loaded.report.removed.len() > MOST {
        return Err(
            PageError::new(400).saying("These are more accounts than a spreadsheet has rows. Export CSV instead.")
        );
    }
    let name = file_name(&acting.account.name, &format!("usage-{}", loaded.span.first_day()), "xlsx");
    let (money, now, agency) = (acting.may(Permission::ViewCost), acting.now(), acting.account.name.clone());
    let written = web::block(move || written(&loaded, money, now, &agency)).await;
    let bytes = written.map_err(|_| PageError::new(500))?.map_err(|error| {
        log::error!("a spreadsheet cannot be written: {error}");
        PageError::new(500)
    })?;
    let mut answer = download(TYPE, &name, bytes);
    // Compressed already.
    answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(ContentEncoding::Identity.as_str()));
    Ok(answer)
}

fn written(loaded: &Loaded, money: bool, now: DateTime<Utc>, agency: &str) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let at = ExcelDateTime::from_timestamp(now.timestamp())?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&at));
    // Rows go to disk as they are written: a hundred thousand accounts take no more memory than ten.
    let open = loaded.span.is_current(now.naive_utc());
    usage(book.add_worksheet_with_constant_memory()?, loaded, money, open)?;
    about(book.add_worksheet(), loaded, money, now, agency)?;
    book.save_to_buffer()
}

/// How the cells of one table look.
struct Looks {
    /// What costs are in; `None` where they are not shown.
    currency: Option<Currency>,
    count: Format,
    cost: Format,
}

impl Looks {
    fn new(currency: Option<Currency>) -> Self {
        let decimals = currency.map_or(0, Currency::exponent) as usize;
        let point = if decimals == 0 { "" } else { "." };
        let cost = format!("#,##0{point}{}", "0".repeat(decimals));
        Self { currency, count: Format::new().set_num_format("#,##0"), cost: Format::new().set_num_format(cost) }
    }

    fn bold(self) -> Self {
        Self { count: self.count.set_bold(), cost: self.cost.set_bold(), ..self }
    }
}

fn usage(sheet: &mut Worksheet, loaded: &Loaded, money: bool, open: bool) -> Result<(), XlsxError> {
    let report = &loaded.report;
    let currency = report.plan.as_ref().filter(|_| money).map(|plan| plan.currency);
    sheet.set_name("Usage")?.set_freeze_panes(1, 1)?;
    head(sheet, currency, open)?;
    let looks = Looks::new(currency);
    let mut row = 1;
    let rows = std::iter::once(("Your own sending", &report.parent))
        .chain(report.children.iter().map(|line| ("Sub account", line)))
        .chain(report.removed.iter().map(|line| ("Removed sub account", line)));
    for (kind, line) in rows {
        texts(sheet, row, kind, Some(line), &Format::new())?;
        numbers(sheet, row, line.counted, &looks)?;
        sheet.write_string(row, last_column(currency), line.account_id.to_string())?;
        row += 1;
    }
    texts(sheet, row, "", None, &Format::new().set_bold())?;
    numbers(sheet, row, report.total, &Looks::new(currency).bold())?;
    sheet.autofilter(0, 0, row - 1, last_column(currency))?;
    Ok(())
}

fn last_column(currency: Option<Currency>) -> u16 {
    HEAD.len() as u16 - u16::from(currency.is_none())
}

/// Costs stand between the counts and the ids, which nobody reads.
fn head(sheet: &mut Worksheet, currency: Option<Currency>, open: bool) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    let right = Format::new().set_bold().set_align(FormatAlign::Right);
    let cost = currency.map(|currency| {
        let estimate = if open { ", estimate" } else { "" };
        (format!("Allocated cost, {currency}{estimate}"), 28.0)
    });
    let (id, counts) = HEAD.split_last().map_or((&("", 0.0), &HEAD[..0]), |(id, counts)| (id, counts));
    let all = counts.iter().map(|(text, width)| ((*text).to_owned(), *width)).chain(cost);
    for (column, (text, width)) in (0..).zip(all.chain(std::iter::once((id.0.to_owned(), id.1)))) {
        sheet.set_column_width(column, width)?;
        let look = if (3..last_column(currency)).contains(&column) { &right } else { &bold };
        sheet.write_string_with_format(0, column, text, look)?;
    }
    Ok(())
}

fn texts(
    sheet: &mut Worksheet,
    row: u32,
    kind: &str,
    line: Option<&UsageLine>,
    look: &Format,
) -> Result<(), XlsxError> {
    sheet.write_string_with_format(row, 0, line.map_or("Total", |line| line.name.as_str()), look)?;
    if let Some(line) = line {
        sheet.write_string_with_format(row, 1, kind, look)?;
        if let Some(external) = &line.external_id {
            sheet.write_string_with_format(row, 2, external, look)?;
        }
    }
    Ok(())
}

/// The counts of a row, and its cost where there is one.
fn numbers(sheet: &mut Worksheet, row: u32, counted: Counted, looks: &Looks) -> Result<(), XlsxError> {
    let messages = counted.messages;
    let counts = [
        messages.accepted,
        messages.delivered,
        messages.deferred,
        messages.bounced,
        messages.failed,
        messages.suppressed,
        messages.complained,
    ];
    for (column, count) in (3..).zip(counts) {
        #[expect(clippy::cast_precision_loss, reason = "a spreadsheet knows doubles alone; exact below 2^53")]
        sheet.write_number_with_format(row, column, count as f64, &looks.count)?;
    }
    if let Some((currency, minor)) = looks.currency.zip(counted.cost_minor) {
        let cost = Money::new(minor, currency).as_json_number();
        sheet.write_number_with_format(row, 10, cost, &looks.cost)?;
    }
    Ok(())
}

/// What the numbers count, and since when.
fn about(
    sheet: &mut Worksheet,
    loaded: &Loaded,
    money: bool,
    now: DateTime<Utc>,
    agency: &str,
) -> Result<(), XlsxError> {
    let (span, at) = (&loaded.span, now.naive_utc());
    let open = span.is_current(at);
    let mut lines = vec![
        ("Account", agency.to_owned()),
        ("Period", format!("{}, in {}", span.label(at), span.tz)),
        ("State", if open { "open: the numbers still grow".to_owned() } else { "ended".to_owned() }),
        ("Read at", format::date_time(at, span.tz)),
        ("Accepted", "Messages taken, one per recipient; sandbox messages are not counted.".to_owned()),
        ("Delivered, bounced, failed", "What became of them so far.".to_owned()),
        ("Suppressed", "Not sent, because the recipient is suppressed; not among the accepted.".to_owned()),
        ("Removed sub accounts", "Deleted since; what they had used stays part of the total.".to_owned()),
    ];
    if money {
        let text = if loaded.report.plan.is_some() {
            "Each account's share of the pooled bill by its share of accepted messages, to the smallest coin; the coins \
             left over go to the largest remainders. The parts add up to the total."
        } else {
            "Not set: no plan was in force. A cost that is not known is no zero."
        };
        lines.push(("Allocated cost", text.to_owned()));
    }
    sheet.set_name("About")?.set_column_width(0, 28)?.set_column_width(1, 110)?;
    let bold = Format::new().set_bold();
    for (row, (name, text)) in (0..).zip(&lines) {
        sheet.write_string_with_format(row, 0, *name, &bold)?;
        sheet.write_string(row, 1, text)?;
    }
    Ok(())
}
