//! The whole table as a spreadsheet, for whoever reckons with it: numbers are numbers, money has its currency's decimals,
//! and a second sheet says what they count. Texts are written as texts: a name that begins like a formula stays a name.

use actix_web::web::Query;
use chrono::{DateTime, Utc};
use rust_xlsxwriter::{Format, FormatAlign, Worksheet, XlsxError};

use super::load::{Loaded, UsageQuery, load};
use crate::actions::usage_report::{Counted, UsageLine};
use crate::domain::money::{Currency, Money};
use crate::domain::role::Permission;
use crate::web::acting::Acting;
use crate::web::error::{PageError, PageResult};
use crate::web::files::{self, COUNTS, counts, file_name, head_of, whole_number, write_count};
use crate::web::format;

/// Accounts that fit on a sheet (1,048,576 rows) beside its head, the parent and the total.
const MOST: usize = 1_048_573;
/// The heads of the first columns, with the width of each in characters; the counts come behind them, then the id.
const HEAD: [(&str, f64); 3] = [("Account", 34.0), ("Kind", 20.0), ("External ID", 16.0)];
/// The column of the first count.
const FIRST: u16 = HEAD.len() as u16;
/// The column of the cost, or without one of the id.
const AFTER_COUNTS: u16 = FIRST + COUNTS.len() as u16;

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
    files::spreadsheet(&acting, &name, move || written(&loaded, money, now, &agency)).await
}

fn written(loaded: &Loaded, money: bool, now: DateTime<Utc>, agency: &str) -> Result<Vec<u8>, XlsxError> {
    let mut book = files::workbook(now)?;
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
        Self { currency, count: whole_number(), cost: Format::new().set_num_format(cost) }
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
    AFTER_COUNTS + u16::from(currency.is_some())
}

/// Costs stand between the counts and the ids, which nobody reads.
fn head(sheet: &mut Worksheet, currency: Option<Currency>, open: bool) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    let right = Format::new().set_bold().set_align(FormatAlign::Right);
    let cost = currency.map(|currency| {
        let estimate = if open { ", estimate" } else { "" };
        (format!("Allocated cost, {currency}{estimate}"), 28.0)
    });
    let named = HEAD.map(|(text, width)| (text.to_owned(), width));
    let counted = COUNTS.map(|count| (head_of(count), 12.0));
    let id = ("ID".to_owned(), 38.0);
    let all = named.into_iter().chain(counted).chain(cost).chain(std::iter::once(id));
    for (column, (text, width)) in (0..).zip(all) {
        sheet.set_column_width(column, width)?;
        let look = if (FIRST..last_column(currency)).contains(&column) { &right } else { &bold };
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
    for (column, count) in (FIRST..).zip(counts(&counted.messages)) {
        write_count(sheet, row, column, count, &looks.count)?;
    }
    if let Some((currency, minor)) = looks.currency.zip(counted.cost_minor) {
        let cost = Money::new(minor, currency).as_json_number();
        sheet.write_number_with_format(row, AFTER_COUNTS, cost, &looks.cost)?;
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
    files::about(sheet, &lines)
}
