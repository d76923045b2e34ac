//! A spreadsheet as somebody else reads it: Python's zipfile and XML parser.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::environment::{helper_script, python};
use super::process::Process;

/// The sheets by name, each a list of rows, and how many formulas they have; `None` where Python is missing. A cell is
/// null, a text, or a number as it stands there with its format.
pub fn sheets_of(file: &[u8]) -> Option<Value> {
    let script = helper_script("spreadsheet.py");
    let mut reader = Process::spawn(python()?, &[script], &[]);
    reader.tell(&json!({ "file": STANDARD.encode(file) }).to_string());
    reader.end_input();
    Some(reader.next_json())
}
