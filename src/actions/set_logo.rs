//! An agency's logo, which its clients see: PNG, JPEG or WebP, told by its first bytes, at most 200 kB.

use serde_json::json;

use super::audit::{self, Record};
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::models::{AnyConnection, accounts};

/// Bytes.
pub const LARGEST: usize = 200_000;

/// The media type of a picture that browsers show and that can hold no script.
#[must_use]
pub fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some("image/png");
    }
    if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        return Some("image/jpeg");
    }
    (bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP")).then_some("image/webp")
}

/// Sets or removes the logo.
///
/// # Errors
/// `Invalid` beside `logo` for another kind of file or too large a one; `NotFound` for the account.
pub fn set_logo(conn: &mut AnyConnection, cx: &Cx, account: Id, logo: Option<&[u8]>) -> ActionResult<()> {
    accounts::lock(conn, &[], &[account])?;
    let mut account = accounts::find(conn, account)?.ok_or(ActionError::NotFound("account"))?;
    let checked = match logo {
        Some(bytes) if bytes.len() > LARGEST => {
            return Err(ActionError::invalid("logo", "This file is too large. Choose one of at most 200 kB."));
        }
        Some(bytes) => {
            let wrong = || ActionError::invalid("logo", "This is no PNG, JPEG or WebP picture. Choose one.");
            Some((picture_type(bytes).ok_or_else(wrong)?, bytes))
        }
        None => None,
    };
    accounts::set_logo(conn, account.id, checked)?;
    account.updated_at = cx.at();
    accounts::save(conn, &account)?;
    let after = Some(json!({ "logo": checked.map(|(kind, _)| kind) }));
    let before = Some(json!({ "logo": account.logo_type }));
    audit::record(
        conn,
        cx,
        &account,
        Record { action: "account.set_logo", target: account.name.clone(), before, after },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pictures_without_script_are_taken_by_what_they_are_and_not_what_they_are_called() {
        assert_eq!(picture_type(b"\x89PNG\r\n\x1a\nrest"), Some("image/png"));
        assert_eq!(picture_type(&[0xff, 0xd8, 0xff, 0xe0]), Some("image/jpeg"));
        assert_eq!(picture_type(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        assert_eq!(picture_type(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), None);
        assert_eq!(picture_type(b"RIFF"), None);
    }
}
