//! What strangers, mistakes and odd programs send: values that no database keeps alike, numbers and dates out of every
//! range, addresses written in another way, headers that proxies did not write.

mod addresses;
mod api;
mod csv;
mod dashboard;
mod forms;
mod proxies;
mod times;

use std::fmt::Write as _;

/// Letters that no database makes shorter: an index takes them whole, or not at all.
pub fn letters(count: usize) -> String {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + u8::try_from(state % 26).expect("a letter"))
    };
    (0..count).map(|_| letter()).collect()
}

/// Texts for every field that takes one.
pub fn texts() -> Vec<String> {
    let mut all: Vec<String> = [
        "\0",
        "a\0b@reader.example",
        "+12026-12-31T23:59",
        "+12026-12-31T23:59:00Z",
        "+12026-12-31",
        "9999-12-31T23:59:59Z",
        "2026-12-31T23:59:60Z",
        "9223372036854775807",
        "9223372036854775808",
        "1e999",
        "1,5",
        "%_\\",
        "\u{ffff}\u{10ffff}\u{feff}\u{202e}",
        "\r\n.\r\n",
    ]
    .map(str::to_owned)
    .into();
    all.extend([255, 60_000].map(letters));
    all
}

/// Every byte as a URL or a form has it: `%41%00`.
pub fn percent_encoded(text: &[u8]) -> String {
    text.iter().fold(String::new(), |mut all, byte| {
        if byte.is_ascii_alphanumeric() {
            all.push(char::from(*byte));
        } else {
            write!(all, "%{byte:02X}").expect("a String takes everything");
        }
        all
    })
}

/// The same texts percent-encoded, and what no text encodes to: halves of UTF-8, surrogates, broken escapes.
pub fn encoded() -> Vec<String> {
    let odd = ["%FF%FE", "%ED%A0%80", "%F0%9F", "%zz"].map(str::to_owned);
    texts().iter().map(|text| percent_encoded(text.as_bytes())).chain(odd).collect()
}

/// The beginning of a text, for telling what went wrong.
pub fn shown(text: &str) -> String {
    text.chars().take(160).collect()
}
