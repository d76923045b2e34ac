//! The one place where an error becomes a page. Handlers answer `Result<_, PageError>`; `web::frame` draws it.

use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use askama::Template;

use super::error_page::ErrorPage;
use super::frame::retry_after;
use super::headers;
use super::layout::{Bare, Theme};
use crate::actions::ActionError;

/// Why there is no page, in words for the person who asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageError {
    pub status: u16,
    /// A sentence of its own, instead of the status's.
    pub what: Option<String>,
    /// Where to go instead, at once: to sign in.
    pub redirect: Option<String>,
    back: Option<(String, String)>,
}

/// What handlers answer.
pub type PageResult = Result<HttpResponse, PageError>;

impl PageError {
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, what: None, redirect: None, back: None }
    }

    /// It does not exist, or not for this person: the two look alike.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(404)
    }

    /// The role does not allow it.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(403)
    }

    /// Nobody is signed in: to the sign-in page, and from there to `next`.
    #[must_use]
    pub fn sign_in(next: &str) -> Self {
        let redirect =
            if next == "/" { "/sign-in".to_owned() } else { format!("/sign-in?{}", query(&[("next", next)])) };
        Self { redirect: Some(redirect), ..Self::new(303) }
    }

    #[must_use]
    pub fn saying(mut self, what: impl Into<String>) -> Self {
        self.what = Some(what.into());
        self
    }

    /// With another way back than the overview.
    #[must_use]
    pub fn back_to(mut self, label: &str, href: &str) -> Self {
        self.back = Some((label.to_owned(), href.to_owned()));
        self
    }

    /// The page, in the reader's colours.
    #[must_use]
    pub fn html(&self, theme: Theme, request_id: &str) -> String {
        let page = self.in_words(ErrorPage::new(self.status, Bare { theme, ..Bare::default() }, request_id));
        page.render().unwrap_or_else(|error| {
            log::error!("the error page cannot be drawn: {error}");
            page.what
        })
    }

    /// What the page says, to be drawn in another frame.
    #[must_use]
    pub fn page(&self) -> ErrorPage {
        self.in_words(ErrorPage::new(self.status, Bare::default(), ""))
    }

    fn in_words(&self, mut page: ErrorPage) -> ErrorPage {
        if let Some(what) = &self.what {
            page = page.saying(what);
        }
        if let Some((label, href)) = &self.back {
            page = page.back_to(label, href);
        }
        page
    }
}

/// Pairs as a query string.
#[must_use]
pub fn query(pairs: &[(&str, &str)]) -> String {
    serde_html_form::to_string(pairs).unwrap_or_default()
}

impl From<ActionError> for PageError {
    fn from(error: ActionError) -> Self {
        let text = sentence(&error.to_string());
        match error {
            ActionError::NotFound(_) => Self::not_found(),
            ActionError::Forbidden(_) | ActionError::CapReached { .. } | ActionError::Suspended { .. } => {
                Self::forbidden().saying(text)
            }
            ActionError::Invalid(_) => Self::new(400).saying(text),
            ActionError::Conflict(_) => Self::new(409).saying(text),
            ActionError::Unavailable(_) => Self::new(503),
            ActionError::Internal(detail) => {
                log::error!("internal error: {detail}");
                Self::new(500)
            }
        }
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        log::error!("a template cannot be drawn: {error}");
        Self::new(500)
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let start: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{start}{}{end}", letters.as_str())
}

impl std::fmt::Display for PageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a page of status {}", self.status)
    }
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status_code());
        if let Some(redirect) = &self.redirect {
            return answer.insert_header((LOCATION, redirect.as_str())).finish();
        }
        if let Some(seconds) = retry_after(self.status) {
            answer.insert_header((RETRY_AFTER, seconds));
        }
        let mut answer = answer.content_type("text/html; charset=utf-8").body(self.html(Theme::Auto, ""));
        headers::apply(answer.headers_mut(), false);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::limits::Bound;
    use crate::models::health::Lack;

    #[test]
    fn every_action_error_has_its_page() {
        let at = chrono::DateTime::UNIX_EPOCH;
        let table = [
            (ActionError::NotFound("domain"), 404, None),
            (ActionError::Forbidden("only an owner may".into()), 403, Some("Only an owner may.")),
            (ActionError::invalid("name", "Enter a name."), 400, Some("Enter a name.")),
            (ActionError::Conflict("it exists already".into()), 409, Some("It exists already.")),
            (
                ActionError::CapReached { bound: Bound::Month, cap: 5, used: 5, resets_at: at },
                403,
                Some("The monthly cap of 5 messages is reached: 5 are used, it resets at 1970-01-01T00:00:00Z."),
            ),
            (ActionError::Suspended { parent: false }, 403, Some("This account is suspended.")),
            (ActionError::Suspended { parent: true }, 403, Some("The parent of this account is suspended.")),
            (ActionError::Unavailable(Lack::Database), 503, None),
            (ActionError::Internal("SELECT secret".into()), 500, None),
        ];
        for (error, status, what) in table {
            let page = PageError::from(error);
            assert_eq!((page.status, page.what.as_deref()), (status, what));
            assert!(!page.html(Theme::Auto, "r").contains("SELECT"));
        }
    }

    #[test]
    fn whoever_is_not_signed_in_comes_back_to_where_they_wanted() {
        let error = PageError::sign_in("/usage?period=2026-10");
        assert_eq!(error.redirect.as_deref(), Some("/sign-in?next=%2Fusage%3Fperiod%3D2026-10"));
    }
}
