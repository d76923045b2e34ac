//! The page that saves a form: its token was stale or its session gone, so it is shown again, with everything that
//! was typed but secrets, to be sent once more; where the session is gone, after signing in.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::error::PageError;
use super::fields::Fields;
use super::guard::FIELD;
use super::layout::Bare;
use super::{frame, session};

/// A form to be sent again.
#[derive(Template)]
#[template(path = "auth/resend.html")]
pub struct Resend {
    shell: Bare,
    status: u16,
    what: &'static str,
    /// Where it goes: the form's own address.
    action: String,
    /// Shown and sent again.
    kept: Vec<(String, String)>,
    /// Names of secrets that have to be typed again.
    secrets: Vec<String>,
    /// Sign in first: `kept` travels with the sign-in form as one field.
    carried: Option<String>,
    /// Files cannot be kept.
    lost_file: bool,
}

/// Whether a field holds a secret: never echoed.
fn is_secret(name: &str) -> bool {
    ["password", "secret", "token"].iter().any(|word| name.contains(word))
}

impl Resend {
    /// For a token that does not belong to this session.
    #[must_use]
    pub fn stale(request: &HttpRequest, current: &Session, posted: &Fields, open: bool) -> Self {
        let kept: Vec<_> = posted.pairs.iter().filter(|(name, _)| !is_secret(name)).cloned().collect();
        let secret_names = posted.pairs.iter().map(|(name, _)| name).filter(|name| is_secret(name) && *name != FIELD);
        let signed_out = session::user(current).is_none() && !open;
        let mut page = Self::new(request, current, request.uri().to_string(), kept);
        page.status = 403;
        page.secrets = secret_names.cloned().collect();
        page.lost_file = posted.files.iter().any(|file| !file.bytes.is_empty());
        page.what = "This page was open for too long. Nothing was changed yet. Check what you typed and send it again.";
        if signed_out {
            page.what = "You were signed out. What you typed is kept: sign in, and then send it again.";
            page.carried = serde_json::to_string(&page.kept).ok();
        }
        page
    }

    /// After signing in: what was carried along.
    #[must_use]
    pub fn carried(request: &HttpRequest, current: &Session, action: String, carried: &str) -> Self {
        let kept = serde_json::from_str(carried).unwrap_or_default();
        Self::new(request, current, action, kept)
    }

    fn new(request: &HttpRequest, current: &Session, action: String, kept: Vec<(String, String)>) -> Self {
        let (theme, csrf) = (frame::theme(request), session::csrf_of(request, current));
        let shell = Bare { title: "Send it again".into(), theme, csrf, wide: true, ..Bare::default() };
        Self {
            shell,
            status: 200,
            what: "You are signed in again. Check what you typed and send it.",
            action,
            kept,
            secrets: Vec::new(),
            carried: None,
            lost_file: false,
        }
    }

    /// Field names in words: `monthly_cap` is "Monthly cap".
    fn label(&self, name: &str) -> String {
        let words = name.replace(['_', '-'], " ");
        let mut letters = words.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }

    /// The page as an answer.
    ///
    /// # Errors
    /// 500 when it cannot be drawn.
    pub fn answer(&self) -> Result<HttpResponse, PageError> {
        let status = actix_web::http::StatusCode::from_u16(self.status).unwrap_or_default();
        Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(self.render()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in ["password", "new_password", "smtp_secret", "csrf_token"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["email", "name", "reason", "monthly_cap"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
