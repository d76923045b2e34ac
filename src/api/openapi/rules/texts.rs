//! The forms of texts, as patterns that every accepted text fits (ECMA-262, as JSON Schema has them).

use crate::domain::scopes::{Family, all_static_names};

/// Control characters, as inside a class.
const CONTROL: &str = r"\x00-\x1F\x7F-\x9F";
/// The same without the line feed and the tab.
const CONTROL_IN_LINES: &str = r"\x00-\x08\x0B-\x1F\x7F-\x9F";
/// What is trimmed at both ends (Unicode's White_Space).
const BLANK: &str = r"\t-\r \x85\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000";

/// What shows nothing by itself, trimmed like blanks where people give names (`domain::text`).
const UNSEEN: &str =
    r"\u00AD\u034F\u115F\u1160\u17B4\u17B5\u180E\u200B-\u200F\u2060-\u2064\u206A-\u206F\u2800\u3164\uFEFF\uFFA0";
/// What turns the direction of what stands around it.
const TURNS: &str = r"\u202A-\u202E\u2066-\u2069";

/// One line that shows something, trimmed.
pub fn line() -> String {
    format!("^{}$", shown(&format!("[^{CONTROL}{TURNS}]")))
}

/// One line, trimmed; one that shows nothing counts as none.
pub fn name_or_blank() -> String {
    format!("^(?:{}|[{BLANK}]*)$", shown(&format!("[^{CONTROL}{TURNS}]")))
}

/// Something to see, with `any` in between and what is trimmed around it.
fn shown(any: &str) -> String {
    let (edge, seen) = (format!("[{BLANK}{UNSEEN}]*"), format!("[^{BLANK}{UNSEEN}{CONTROL}{TURNS}]"));
    format!("{edge}{seen}(?:{any}*{seen})?{edge}")
}

/// One line, trimmed; a blank one counts as none.
pub fn line_or_blank() -> String {
    format!("^[{BLANK}]*(?:[^{BLANK}{CONTROL}](?:[^{CONTROL}]*[^{BLANK}{CONTROL}])?[{BLANK}]*)?$")
}

/// One line that is not blank, taken as it is.
pub fn line_as_it_is() -> String {
    format!("^[^{CONTROL}]*[^{BLANK}{CONTROL}][^{CONTROL}]*$")
}

/// Lines that show something, trimmed.
pub fn lines() -> String {
    format!("^{}$", shown(&format!(r"(?:\r\n|[^{CONTROL_IN_LINES}{TURNS}])")))
}

/// Lines, trimmed; blank ones count as none.
pub fn lines_or_blank() -> String {
    let any = format!(r"(?:\r\n|[^{CONTROL_IN_LINES}])*");
    format!("^[{BLANK}]*(?:[^{BLANK}{CONTROL}](?:{any}[^{BLANK}{CONTROL}])?[{BLANK}]*)?$")
}

/// A body: NUL breaks messages.
pub const BODY: &str = r"^[^\x00]*$";

/// A label under a domain of at most `most` characters, or blank for the default.
pub fn label_or_blank(most: usize) -> String {
    format!("^[{BLANK}]*(?:[A-Za-z0-9](?:[A-Za-z0-9-]{{0,{}}}[A-Za-z0-9])?[{BLANK}]*)?$", most - 2)
}

/// A letter or digit of any script: whatever is no sign of ASCII.
const SIGN: &str = r"[^\x00-/:-@\[-`{-\x7F]";
/// The same with the hyphen.
const SIGN_OR_HYPHEN: &str = r"[^\x00-,./:-@\[-`{-\x7F]";
/// The same without digits: no top-level domain is a number.
const LETTER: &str = r"[^\x00-@\[-`{-\x7F]";
/// What stands between labels (UTS 46).
const DOT: &str = r"[.\u3002\uFF0E\uFF61]";

/// Labels in any script with dots between them.
fn host() -> String {
    let end = format!("(?:{SIGN_OR_HYPHEN}*{SIGN})?");
    format!("(?:{SIGN}{end}{DOT})+[0-9-]*{LETTER}{end}{DOT}?")
}

/// A domain, in any script: neither an address nor a URL.
pub fn domain() -> String {
    format!("^[{BLANK}]*{}[{BLANK}]*$", host())
}

/// A bare host or an `http` URL without a user.
pub fn website() -> String {
    format!(r"^[{BLANK}]*(?:[Hh][Tt][Tt][Pp][Ss]?://)?{}(?::[0-9]{{0,5}})?(?:[/?#\\][\s\S]*)?[{BLANK}]*$", host())
}

/// An address or a block of addresses.
pub fn network() -> String {
    let octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    let four = format!(r"{octet}(?:\.{octet}){{3}}(?:/(?:3[0-2]|[12]?[0-9]))?");
    let six = "[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*(?:/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9]))?";
    format!("^[{BLANK}]*(?:{four}|{six})[{BLANK}]*$")
}

/// Every scope: plain ones, families with `:all`, families with a domain in braces.
pub fn scope() -> String {
    let families = Family::all().map(Family::as_str).join("|");
    format!(r"^(?:{}|(?:{families}):\{{[^{{}}]+\}})$", all_static_names().join("|"))
}

/// A cursor of ours: 16 bytes in base64url, the last digit of which has two bits.
pub const CURSOR: &str = "^[A-Za-z0-9_-]{21}[AQgw]$";
