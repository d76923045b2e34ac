//! The templates of system mail: one calm notice with a heading, paragraphs and at most one button.

use askama::Template;
use serde::{Deserialize, Serialize};

/// Where the button leads.
#[derive(Clone, Debug)]
pub struct Action {
    pub label: String,
    pub url: String,
}

/// What a notice says.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Whose name is on top: the agency's to its clients.
    pub brand: String,
    pub subject: String,
    pub heading: String,
    pub paragraphs: Vec<String>,
    pub action: Option<Action>,
    /// Why the reader got it.
    pub footer: String,
}

/// A rendered notice.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Body {
    pub text: String,
    pub html: String,
}

#[derive(Template)]
#[template(path = "emails/notice.html")]
struct Html<'a> {
    brand: &'a str,
    subject: &'a str,
    heading: &'a str,
    paragraphs: &'a [String],
    action: Option<&'a Action>,
    footer: &'a str,
}

#[derive(Template)]
#[template(path = "emails/notice.txt")]
struct Text<'a> {
    brand: &'a str,
    heading: &'a str,
    paragraphs: &'a [String],
    action: Option<&'a Action>,
    footer: &'a str,
}

impl Notice {
    /// Both forms of the mail.
    ///
    /// # Errors
    /// Only when a template cannot be written out, which none of ours can.
    pub fn render(&self) -> Result<Body, askama::Error> {
        let (brand, heading, footer) = (self.brand.as_str(), self.heading.as_str(), self.footer.as_str());
        let (paragraphs, action) = (self.paragraphs.as_slice(), self.action.as_ref());
        let html = Html { brand, subject: &self.subject, heading, paragraphs, action, footer }.render()?;
        let text = Text { brand, heading, paragraphs, action, footer }.render()?;
        Ok(Body { text, html })
    }
}
