//! CSV for spreadsheets.

/// One line of cells. A cell that a spreadsheet would take for a formula is made text (CWE-1236); all are quoted that
/// need it (RFC 4180).
#[must_use]
pub fn line<S: AsRef<str>>(cells: &[S]) -> String {
    let mut text = String::new();
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        let cell = safe(cell.as_ref());
        if cell.contains([',', '"', '\n', '\r']) {
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

fn safe(cell: &str) -> std::borrow::Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}").into() } else { cell.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_text_and_quotes_are_doubled() {
        assert_eq!(line(&["=1+1", "a,\"b\"", "plain", "@x"]), "'=1+1,\"a,\"\"b\"\"\",plain,'@x\r\n");
    }
}
