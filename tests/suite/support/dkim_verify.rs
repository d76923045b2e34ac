//! An independent opinion on a DKIM signature: dkimpy's.

use super::environment::{helper_script, python};
use super::process::Process;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// Whether the signature of `message` holds against the published `records` (name, text); `Err` says what is wrong.
/// `None` where the verifier is missing.
pub fn dkim_verify(message: &[u8], records: &[(&str, &str)]) -> Option<Result<(), String>> {
    let script = helper_script("dkim_verify.py");
    let mut verifier = Process::spawn(python()?, &[script], &[]);
    let txt: Map<String, Value> = records.iter().map(|(name, text)| (name.to_string(), (*text).into())).collect();
    verifier.tell(&json!({"message": STANDARD.encode(message), "txt": txt}).to_string());
    verifier.end_input();
    let verdict = verifier.next_json();
    let reason = verdict["reason"].as_str().unwrap_or_default().to_owned();
    Some(if verdict["pass"] == true { Ok(()) } else { Err(reason) })
}
