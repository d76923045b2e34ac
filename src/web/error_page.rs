//! What went wrong, as a page: what happened, what to do, a way back. Never the text of an internal error.

use super::layout::Bare;
use askama::Template;

/// The page of an HTTP error.
#[derive(Debug, Clone, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    pub shell: Bare,
    pub status: u16,
    pub heading: String,
    /// What happened and what to do about it.
    pub what: String,
    pub back_label: String,
    pub back_href: String,
    /// Names the request in the log; empty where nobody needs to ask.
    pub request_id: String,
}

impl ErrorPage {
    /// The page of `status` with the words that fit it; an unknown status reads like 500.
    pub fn new(status: u16, mut shell: Bare, request_id: &str) -> Self {
        let (heading, what) = words(status);
        shell.title = heading.to_owned();
        Self {
            shell,
            status,
            heading: heading.to_owned(),
            what: what.to_owned(),
            back_label: "Back to the overview".to_owned(),
            back_href: "/".to_owned(),
            request_id: if status >= 500 { request_id.to_owned() } else { String::new() },
        }
    }

    /// The same page with a sentence of its own.
    pub fn saying(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }

    /// The same page with another way back.
    pub fn back_to(mut self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.back_label = label.into();
        self.back_href = href.into();
        self
    }
}

fn words(status: u16) -> (&'static str, &'static str) {
    match status {
        400 => (
            "We could not read that",
            "Something in the address or the form is not as it should be. Go back and try again.",
        ),
        403 => {
            ("Your role may not do this", "Ask an owner or administrator of the account, or switch to another account.")
        }
        404 => ("Page not found", "The page was moved or deleted, or belongs to an account you are not a member of."),
        405 => {
            ("This address works differently", "It expects a form to be sent. Start from the page that holds the form.")
        }
        409 => (
            "It changed while you were looking",
            "Somebody else was quicker. Open the page again to see how it stands now.",
        ),
        413 => ("That is too large", "Send a smaller file or a shorter text."),
        429 => ("Too many tries", "Wait a minute, then try again. Nothing was changed."),
        503 => ("Back in a moment", "The service is starting or busy. Try again in a few seconds."),
        _ => ("Something broke on our side", "Nothing you typed was wrong. Try again; if it keeps happening, tell us."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_page_says_what_to_do_and_offers_a_way_back() {
        for status in [400, 403, 404, 405, 409, 413, 429, 500, 503, 599] {
            let html = ErrorPage::new(status, Bare::default(), "req-1").render().unwrap();
            assert!(html.contains(&status.to_string()) && html.contains(words(status).1), "{status}");
            assert!(html.contains("href=\"/\""), "{status} has no way back");
        }
    }

    #[test]
    fn the_request_is_named_where_the_fault_is_ours_only() {
        let page = |status| ErrorPage::new(status, Bare::default(), "req-7f3a").render().unwrap();
        assert!(page(500).contains("req-7f3a"));
        assert!(!page(404).contains("req-7f3a"));
    }
}
