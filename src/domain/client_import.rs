//! A list of clients as CSV: what an agency pastes or uploads to bring all of them at once. Header names are
//! forgiving, each line keeps its own errors, and nothing here knows what exists already.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::cap::MonthlyCap;
use super::domain_name::DomainName;
use super::number::{self, NumberStyle};
use super::refusal::Refusal;
use super::text::{AccountName, ExternalId};
use super::website::Website;

/// The most lines of one list.
pub const MAX_LINES: usize = 5_000;
/// The most bytes of one list.
pub const MAX_BYTES: usize = 2 * 1024 * 1024;

/// What a cap of 0 is answered with.
const ZERO: &str = "A cap of 0 could mean two things. Leave it empty or write “none” for no cap, or leave the line out and suspend the account once it is there.";

/// A client as written in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    pub name: String,
    pub website: String,
    /// Empty or "none" is no cap; a 0 is refused.
    pub cap: String,
    pub domain: String,
    pub external_id: String,
}

/// A client whose values are all right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    pub name: AccountName,
    pub website: Website,
    pub cap: MonthlyCap,
    pub domain: Option<DomainName>,
    pub external_id: Option<ExternalId>,
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// As an editor counts it: the header is line 1.
    pub number: u64,
    pub client: Client,
    /// What its cap was read as; `None` where it was not understood.
    pub cap: Option<MonthlyCap>,
    /// What is wrong with it; empty when nothing is.
    pub errors: Vec<String>,
}

impl Client {
    /// The values as what they mean, or the first thing that is wrong with them.
    ///
    /// # Errors
    /// A sentence for whoever wrote the list.
    pub fn parsed(&self, style: NumberStyle) -> Result<Parsed, Refusal> {
        let mut errors = Vec::new();
        self.read(style, &mut errors).ok_or_else(|| Refusal::new(errors.into_iter().next().unwrap_or_default()))
    }

    fn read(&self, style: NumberStyle, errors: &mut Vec<String>) -> Option<Parsed> {
        let mut note = |refusal: Refusal| errors.push(refusal.into());
        let name = AccountName::parse(&self.name).map_err(&mut note).ok();
        let website = Website::parse(if self.website.is_empty() { &self.domain } else { &self.website });
        let website = website.map_err(&mut note).ok();
        let cap = cap(&self.cap, style).map_err(&mut note).ok();
        let domain = optional(&self.domain, DomainName::parse).map_err(&mut note).ok();
        let external_id = optional(&self.external_id, ExternalId::parse).map_err(&mut note).ok();
        Some(Parsed { name: name?, website: website?, cap: cap?, domain: domain?, external_id: external_id? })
    }
}

impl Line {
    /// The client with its cap in plain digits, which read the same whatever the number style is by then.
    #[must_use]
    pub fn settled(&self) -> Client {
        let cap = match self.cap.and_then(MonthlyCap::limit) {
            Some(limit) => limit.to_string(),
            None => String::new(),
        };
        Client { cap, ..self.client.clone() }
    }
}

fn optional<T>(text: &str, parse: impl Fn(&str) -> Result<T, Refusal>) -> Result<Option<T>, Refusal> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
}

fn cap(text: &str, style: NumberStyle) -> Result<MonthlyCap, Refusal> {
    if matches!(text.to_lowercase().as_str(), "" | "none" | "no cap" | "unlimited" | "-") {
        return Ok(MonthlyCap::NONE);
    }
    if number::whole(text, style) == Ok(0) {
        return Err(Refusal::new(ZERO));
    }
    MonthlyCap::parse(text, style)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Name,
    Website,
    Cap,
    Domain,
    ExternalId,
}

fn column(head: &str) -> Option<Column> {
    let word: String = head.to_lowercase().chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    Some(match word.as_str() {
        "name" | "client" | "clientname" | "account" | "accountname" | "company" | "customer" => Column::Name,
        "website" | "site" | "url" | "web" | "homepage" => Column::Website,
        "cap" | "monthlycap" | "monthlycredit" | "limit" | "monthlylimit" | "quota" => Column::Cap,
        "domain" | "sendingdomain" | "emaildomain" | "maildomain" => Column::Domain,
        "externalid" | "external" | "id" | "number" | "reference" | "ref" | "clientid" | "customerid" => {
            Column::ExternalId
        }
        _ => return None,
    })
}

/// Reads a list whose numbers are written in `style`. Commas, semicolons and tabs part columns; the first line names
/// them.
///
/// # Errors
/// When it is no list at all: too long, no columns of ours, no lines.
pub fn parse(text: &str, style: NumberStyle) -> Result<Vec<Line>, Refusal> {
    // The reader counts a line only at its LF: with CRLF every number would be one too small.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    if text.len() > MAX_BYTES {
        return Err(Refusal::new("The list is larger than 2 MB. Split it."));
    }
    if text.contains('\0') {
        return Err(Refusal::new("The list is not text in UTF-8: it contains a NUL character. Save it as CSV UTF-8."));
    }
    let head = text.lines().next().unwrap_or_default();
    let by = [b'\t', b';', b','].into_iter().find(|by| head.as_bytes().contains(by)).unwrap_or(b',');
    let mut reader =
        csv::ReaderBuilder::new().delimiter(by).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let unreadable = |_| Refusal::new("The list cannot be read. Save it as CSV in UTF-8.");
    let columns: Vec<Option<Column>> = reader.headers().map_err(unreadable)?.iter().map(column).collect();
    refuse_columns_named_twice(&columns, reader.headers().map_err(unreadable)?)?;
    if !columns.contains(&Some(Column::Name)) {
        return Err(Refusal::new(
            "The first line must name the columns, among them “name”. The others are website, cap, domain and external_id.",
        ));
    }
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        if record.iter().all(str::is_empty) {
            continue;
        }
        if lines.len() == MAX_LINES {
            return Err(Refusal::new(format!(
                "The list has more than {} lines. Split it.",
                style.whole(MAX_LINES as i64)
            )));
        }
        lines.push(line(&columns, &record, style));
    }
    if lines.is_empty() {
        return Err(Refusal::new("The list has no lines below its header."));
    }
    note_duplicates(&mut lines);
    Ok(lines)
}

fn line(columns: &[Option<Column>], record: &csv::StringRecord, style: NumberStyle) -> Line {
    let mut client = Client::default();
    for (column, value) in columns.iter().zip(record) {
        let place = match column {
            Some(Column::Name) => &mut client.name,
            Some(Column::Website) => &mut client.website,
            Some(Column::Cap) => &mut client.cap,
            Some(Column::Domain) => &mut client.domain,
            Some(Column::ExternalId) => &mut client.external_id,
            None => continue,
        };
        value.clone_into(place);
    }
    let mut errors = Vec::new();
    match wrong_count(columns.len(), record) {
        Some(error) => errors.push(error),
        None => drop(client.read(style, &mut errors)),
    }
    let cap = cap(&client.cap, style).ok().filter(|_| errors.is_empty());
    Line { number: record.position().map_or(0, csv::Position::line), client, cap, errors }
}

/// What is wrong with a line that has more cells than the header names, or fewer: its values may stand in the wrong columns.
/// Empty cells at its end are none.
fn wrong_count(columns: usize, record: &csv::StringRecord) -> Option<String> {
    let cells = record.len();
    if record.iter().skip(columns).any(|cell| !cell.is_empty()) {
        return Some(format!(
            "The line has {cells} cells, but the first line names {columns} columns. A value with a separator in it, such as \
             5,000, must stand in quotes."
        ));
    }
    (cells < columns).then(|| {
        format!("The line has {cells} cells, but the first line names {columns} columns. Leave a cell empty, not out.")
    })
}

/// Two columns for one thing: nobody can say which is meant.
fn refuse_columns_named_twice(columns: &[Option<Column>], heads: &csv::StringRecord) -> Result<(), Refusal> {
    for (at, column) in columns.iter().enumerate().filter(|(_, column)| column.is_some()) {
        if let Some(first) = columns[..at].iter().position(|other| other == column) {
            let [first, second] = [first, at].map(|at| heads.get(at).unwrap_or_default());
            return Err(Refusal::new(format!(
                "The columns “{first}” and “{second}” mean the same. Leave one of them out, or rename it."
            )));
        }
    }
    Ok(())
}

/// Two lines for one client: the later one is refused, and says which the first is.
fn note_duplicates(lines: &mut [Line]) {
    type Value = fn(&Client) -> &str;
    let kinds: [(&str, Value); 3] =
        [("name", |c| &c.name), ("domain", |c| &c.domain), ("external ID", |c| &c.external_id)];
    for (what, value) in kinds {
        let mut first: HashMap<String, u64> = HashMap::new();
        for line in lines.iter_mut() {
            let key = value(&line.client).to_lowercase();
            if key.is_empty() {
                continue;
            }
            match first.get(&key) {
                Some(number) => line.errors.push(format!("Line {number} has the same {what}.")),
                None => drop(first.insert(key, line.number)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn columns_are_found_by_the_names_people_give_them() {
        for head in [
            "name,website,cap,domain,external_id",
            "Client Name;Web-site;Monthly cap;Sending domain;Ref",
            "NAME\tURL\tLimit\tDomain\tID",
        ] {
            let by = head.chars().find(|c| matches!(c, ',' | ';' | '\t')).expect("a separator");
            let body = ["Acme", "acme.example", "5000", "mail.acme.example", "A-1"].join(&by.to_string());
            let lines = parse(&format!("\u{feff}{head}\r\n{body}\r\n"), NumberStyle::Point).expect("a list");
            assert_eq!(lines.len(), 1, "{head}");
            assert!(lines[0].errors.is_empty(), "{:?}", lines[0]);
            assert_eq!((lines[0].client.external_id.as_str(), lines[0].number), ("A-1", 2));
        }
    }

    #[test]
    fn a_line_names_everything_that_is_wrong_with_it() {
        let lines = parse("name,website,cap,domain\n,nonsense,many,-\nGood,good.example,none,\n", NumberStyle::Point)
            .expect("a list");
        assert_eq!(lines[0].errors.len(), 4, "{:?}", lines[0].errors);
        assert!(lines[1].errors.is_empty());
    }

    #[test]
    fn the_second_of_two_equal_lines_is_refused() {
        let lines =
            parse("name,domain\nAcme,acme.example\nACME,other.example\nThird,ACME.example\n", NumberStyle::Point)
                .expect("a list");
        let said: Vec<_> = lines.iter().map(|line| line.errors.join(" ")).collect();
        assert_eq!(said, ["", "Line 2 has the same name.", "Line 2 has the same domain."]);
    }

    #[test]
    fn a_cap_is_read_in_the_writers_style_or_refused_with_its_reason() {
        let list = "name;website;cap\nA;a.example;5000,00\nB;b.example;5.000\nC;c.example;0\nD;d.example;none\n";
        let caps = |style| -> Vec<_> {
            let lines = parse(list, style).expect("a list");
            lines.iter().map(|line| (line.cap.map(MonthlyCap::value), line.errors.join(" "))).collect()
        };
        let (point, comma) = (caps(NumberStyle::Point), caps(NumberStyle::Comma));
        assert_eq!(
            [&point, &comma].map(|all| all.iter().map(|(cap, _)| *cap).collect::<Vec<_>>()),
            [vec![None, None, None, Some(0)], vec![None, Some(5_000), None, Some(0)]]
        );
        assert!(comma[0].1.contains("with decimals") && comma[2].1 == ZERO, "{comma:?}");
        let settled = parse(list, NumberStyle::Comma).expect("a list")[1].settled();
        for style in NumberStyle::ALL {
            assert_eq!(settled.parsed(style).map(|parsed| parsed.cap.value()), Ok(5_000));
        }
    }

    #[test]
    fn a_line_with_more_or_fewer_cells_than_the_header_is_refused_and_not_shifted() {
        for (list, cells) in [
            ("name,website,cap\nAa,a.example,5,000\n", "4 cells"),
            ("name,website,cap\nAa,a.example,1,500.00\n", "4 cells"),
            ("name,website,cap,external_id\nAa,a.example,5,000,X1\n", "5 cells"),
            ("name,website,cap\nAa,a.example\n", "2 cells"),
            ("name\twebsite\tcap\nAa\ta.example\t5\t000\n", "4 cells"),
        ] {
            let lines = parse(list, NumberStyle::Point).expect("a list");
            assert_eq!((lines[0].cap, lines[0].errors.len()), (None, 1), "{list}");
            assert!(lines[0].errors[0].contains(cells), "{:?}", lines[0].errors);
        }
        for list in ["name,website,cap\nAa,a.example,\"5,000\",,\n", "name;website;cap\nAa;a.example;5,000\n"] {
            let lines = parse(list, NumberStyle::Point).expect("a list");
            assert_eq!((lines[0].cap.map(MonthlyCap::value), lines[0].errors.len()), (Some(5_000), 0), "{list}");
        }
    }

    #[test]
    fn a_column_that_is_named_twice_is_refused() {
        let refusal = parse("name,cap,Limit\nAa,5,6\n", NumberStyle::Point).expect_err("two caps");
        assert!(refusal.message().contains("“cap” and “Limit”"), "{}", refusal.message());
        assert!(parse("name,website,notes,notes\nAa,a.example,x,y\n", NumberStyle::Point).is_ok());
    }

    #[test]
    fn without_a_website_the_domain_is_the_website() {
        let lines = parse("name,domain\nAcme,acme.example\n", NumberStyle::Point).expect("a list");
        assert_eq!(lines[0].client.parsed(NumberStyle::Point).expect("right").website.host(), "acme.example");
    }

    #[test]
    fn what_is_no_list_is_refused_with_a_sentence() {
        for text in ["", "\n\n", "foo,bar\n1,2", "name,website\n", "name\na\0b\n", "n\0a\0m\0e\0"] {
            assert!(parse(text, NumberStyle::Point).is_err(), "{text:?}");
        }
        let long = format!("name\n{}", "x\n".repeat(MAX_LINES + 1));
        assert!(parse(&long, NumberStyle::Point).is_err());
        assert!(parse(&"x".repeat(MAX_BYTES + 1), NumberStyle::Point).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*", tail in "(name,cap\n)?([\"a,;\n0]{0,30})") {
            drop(parse(&text, NumberStyle::Point));
            drop(parse(&tail, NumberStyle::Comma));
        }
    }
}
