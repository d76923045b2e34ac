//! What no text from outside may hold, wherever it comes in: NUL, which one of the databases cannot keep and the other
//! gives back cut, and more than anybody writes. Asked at the edges, once for all of a request; what a field may be
//! beyond that is its own type's.

use std::fmt::Write as _;

use serde_json::Value;

use super::refusal::Refusal;

/// The longest value of a query, in bytes: two thousand ids fit, and whatever a page of ours writes.
pub const MAX_PARAMETER: usize = 8 * 1024;
/// The longest text of a form's field, in bytes, where the field is not a file's stand-in.
pub const MAX_FIELD: usize = 64 * 1024;
/// Of a name that a refusal repeats.
const SHOWN: usize = 60;

/// Refuses a text with NUL in it, or with more than `most` bytes, by the name of its field.
pub fn text(name: &str, text: &str, most: usize) -> Result<(), Refusal> {
    if name.contains('\0') || text.contains('\0') {
        return Err(nul(name));
    }
    if text.len() > most {
        return Err(Refusal::new(format!("It is longer than {most} bytes. Shorten it.")).at(&shown(name)));
    }
    Ok(())
}

/// Refuses an address: `path` as it is matched, `query` as it came.
pub fn address(path: &str, query: &str) -> Result<(), Refusal> {
    if path.contains('\0') {
        return Err(nul("address"));
    }
    // Nearly all queries are right by their looks, and cost no reading.
    if query.len() <= MAX_PARAMETER && !query.contains("%00") {
        return Ok(());
    }
    let pairs: Vec<(String, String)> = serde_html_form::from_str(query).unwrap_or_default();
    pairs.iter().try_for_each(|(name, value)| text(name, value, MAX_PARAMETER))
}

/// Refuses a JSON document with NUL in any text or name of it. One that cannot be read is left to whoever reads it as
/// what it should be.
pub fn json(document: &str) -> Result<(), Refusal> {
    // JSON has one way to write it.
    if !document.contains("\\u0000") {
        return Ok(());
    }
    let Ok(value) = serde_json::from_str(document) else { return Ok(()) };
    match place(&value, "") {
        Some(place) => Err(nul(&place)),
        None => Ok(()),
    }
}

/// Where NUL stands first: `recipients[0].name`.
fn place(value: &Value, at: &str) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(|| at.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| place(item, &format!("{at}[{index}]")))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let dot = if at.is_empty() { "" } else { "." };
            let here = format!("{at}{dot}{name}");
            if name.contains('\0') { Some(here) } else { place(value, &here) }
        }),
        _ => None,
    }
}

fn nul(name: &str) -> Refusal {
    Refusal::new("It contains a NUL character. Remove it.").at(&shown(name))
}

/// A name as it may be repeated: short, and with signs that show.
fn shown(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars().take(SHOWN) {
        if letter.is_control() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\u{:04x}", u32::from(letter));
        } else {
            text.push(letter);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(result: Result<(), Refusal>) -> String {
        result.expect_err("refused").message().to_owned()
    }

    #[test]
    fn nul_is_refused_by_the_name_of_what_holds_it() {
        assert_eq!(said(text("reason", "a\0b", 9)), "reason: It contains a NUL character. Remove it.");
        assert!(said(text("a\0", "b", 9)).starts_with("a\\u0000: "));
        assert!(said(address("/a\0", "")).starts_with("address: "));
        assert!(said(address("/a", "q=1&subject=%00")).starts_with("subject: "));
        assert!(said(json(r#"{"a":[{"b":"x"},{"b":"\u0000"}]}"#)).starts_with("a[1].b: "));
        assert!(said(json(r#"{"a":{"b\u0000":1}}"#)).starts_with("a.b\\u0000: "));
    }

    #[test]
    fn what_only_looks_like_it_is_taken() {
        assert!(address("/a%00", "q=%2500&r=0").is_ok());
        assert!(json(r#"{"a":"\\u0000"}"#).is_ok() && json("{\"a\":\"\\u0000").is_ok());
        assert!(text("a", "é", 2).is_ok() && text("a", "éé", 3).is_err());
    }

    #[test]
    fn a_query_is_long_by_a_single_value_not_by_many() {
        let many = "id=0123456789&".repeat(1_000);
        assert!(many.len() > MAX_PARAMETER && address("/", &many).is_ok());
        assert!(said(address("/", &format!("q={}", "x".repeat(MAX_PARAMETER + 1)))).starts_with("q: It is longer"));
    }
}
