//! The reports of `tests/returned/`, filled in and as they go over the wire.

use std::collections::BTreeMap;
use std::fs;

use crate::support::environment::package_root;

/// What the placeholders stand for.
#[derive(Clone, Debug)]
pub struct About {
    pub return_path: String,
    pub recipient: String,
    pub sender: String,
    pub message_id: String,
    pub mark: String,
    /// Where a complaint is sent.
    pub to: String,
}

impl About {
    /// Some message that there is not.
    pub fn nothing() -> Self {
        let mark = "a".repeat(42);
        Self {
            return_path: format!("b{mark}@bounces.platform.example"),
            recipient: "unknown@receiver.example".into(),
            sender: "hello@sender.example".into(),
            message_id: "0193@sender.example".into(),
            to: "complaints@bounces.platform.example".into(),
            mark,
        }
    }

    /// A report with this message in it, every line ended by CRLF.
    pub fn fill(&self, report: &str) -> Vec<u8> {
        let pairs = [
            ("{{return_path}}", &self.return_path),
            ("{{recipient}}", &self.recipient),
            ("{{sender}}", &self.sender),
            ("{{message_id}}", &self.message_id),
            ("{{mark}}", &self.mark),
            ("{{to}}", &self.to),
        ];
        let filled = pairs.iter().fold(report.to_owned(), |text, (name, value)| text.replace(name, value));
        filled.replace('\n', "\r\n").into_bytes()
    }
}

/// The reports of one folder, by name.
pub fn all(folder: &str) -> BTreeMap<String, String> {
    let found: BTreeMap<String, String> = fs::read_dir(package_root().join("tests/returned").join(folder))
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").path())
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("text"))
        })
        .collect();
    assert!(found.len() >= 3, "{folder}: {} reports", found.len());
    found
}

/// One report.
pub fn one(folder: &str, name: &str) -> String {
    all(folder).remove(name).unwrap_or_else(|| panic!("there is no {folder}/{name}"))
}
