//! CSV for spreadsheets.

use std::borrow::Cow;

/// What a spreadsheet may take a cell for a formula by (CWE-1236), in either width.
const SIGNS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
/// What makes text out of it.
const TEXT: char = '\'';

/// One line of cells. A cell that a spreadsheet would take for a formula is made text; all are quoted that need it
/// (RFC 4180). Where the decimal sign is a comma, spreadsheets part cells at semicolons, and some at tabs, and quotes in
/// the middle of their cells hold nothing together: so whatever may begin a cell there is made text, too.
#[must_use]
pub fn line<S: AsRef<str>>(cells: &[S]) -> String {
    let mut text = String::new();
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        let cell = safe(cell.as_ref());
        if cell.contains([',', ';', '"', '\n', '\r', '\t']) {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(&cell);
        }
    }
    text.push_str("\r\n");
    text
}

/// The cell with every place disarmed at which one may begin.
fn safe(cell: &str) -> Cow<'_, str> {
    let begins = |at: usize| at == 0 || cell[..at].ends_with([';', '\t', '\n', '\r']);
    let places = || cell.char_indices().map(|(at, _)| at).filter(|at| begins(*at) && is_formula(&cell[*at..]));
    if places().next().is_none() {
        return cell.into();
    }
    let (mut safe, mut from) = (String::with_capacity(cell.len() + 8), 0);
    for at in places() {
        safe.push_str(&cell[from..at]);
        safe.push(TEXT);
        from = at;
    }
    safe.push_str(&cell[from..]);
    safe.into()
}

/// Whether text that begins a cell makes it a formula, behind blanks, quotes and what else is skipped.
fn is_formula(text: &str) -> bool {
    let skipped = |letter: char| letter == '"' || letter.is_whitespace() || letter.is_control();
    text.trim_start_matches(skipped).starts_with(SIGNS) || text.starts_with(['\t', '\r'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The cells of a line as a program reads them that parts them at `by`.
    fn read(line: &str, by: u8) -> Vec<String> {
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(by).from_reader(line.as_bytes());
        reader
            .records()
            .flat_map(|record| record.expect("text").iter().map(str::to_owned).collect::<Vec<_>>())
            .collect()
    }

    fn harmless(line: &str) {
        for by in [b',', b';', b'\t'] {
            for cell in read(line, by) {
                let begins = cell.trim_start_matches([' ', '"']);
                assert!(!begins.starts_with(SIGNS), "{cell:?} of {line:?}, parted at {:?}", char::from(by));
            }
        }
    }

    #[test]
    fn a_formula_is_text_and_quotes_are_doubled() {
        assert_eq!(line(&["=1+1", "a,\"b\"", "plain", "@x"]), "'=1+1,\"a,\"\"b\"\"\",plain,'@x\r\n");
        assert_eq!(line(&["a;=1", "-5", "a-b", "x@y.example"]), "\"a;'=1\",'-5,a-b,x@y.example\r\n");
    }

    #[test]
    fn no_cell_is_a_formula_wherever_a_spreadsheet_parts_them() {
        for cells in [
            &["id", "name;=cmd|'/c calc'!A1", "x"][..],
            &["id", "a\t=1+1"],
            &["id", "a;\"=1+1\"", "b"],
            &["id", "a\n=1+1"],
            &["id", "a\r\n+1", "\";=1"],
            &["a;;  =1", " =1", "\"=1", "\u{feff}=1"],
            &["＝1", "x;＠1"],
            &[";=1", "\t=1", "\r=1", "\n=1"],
        ] {
            let text = line(cells);
            harmless(&text);
            assert_eq!(read(&text, b',').len(), cells.len(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_line_holds_a_formula_and_each_keeps_its_cells(
            cells in proptest::collection::vec("[a;,\"'=+@\t\r\n -]{0,8}", 1..5)
        ) {
            let text = line(&cells);
            harmless(&text);
            // A reader skips a line without any cell in it.
            let found = read(&text, b',');
            prop_assert!(found.len() == cells.len() || cells.iter().all(|cell| cell.trim().is_empty()));
        }
    }
}
