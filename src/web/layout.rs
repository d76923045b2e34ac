//! What every page needs around its own content: whose dashboard this is, who is signed in, where they may go.
//! Plain data that handlers fill and `templates/layout.html` draws; nothing here reads a database.

use serde::{Deserialize, Serialize};

use super::format;

/// Colours a person asked for; `Auto` follows the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    /// Reads the `theme` cookie or form field; anything unknown is `Auto`.
    pub fn parse(text: &str) -> Self {
        match text {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::Auto,
        }
    }

    /// The word in the cookie, in the form and in `data-theme`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The tone of a message: class of `.notice`, `.badge` and of a timeline entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tone {
    Info,
    Good,
    Warn,
    Bad,
}

impl Tone {
    /// Class name in canopy.css.
    pub fn class(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    /// Its icon in the sprite: the tone is told by shape as well as by colour.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Good => "circle-check",
            Self::Warn => "triangle-alert",
            Self::Bad => "circle-x",
        }
    }
}

/// Said once at the top of the next page: what happened, and what comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    pub tone: Tone,
    /// One sentence, for example "Everline Fitness is suspended.".
    pub text: String,
    /// A second sentence in a softer tone; may be empty.
    pub detail: String,
    /// A link out of it, label and address: "Undo", "See what stopped".
    pub link: Option<(String, String)>,
}

impl Flash {
    /// A flash of one sentence.
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: text.into(), detail: String::new(), link: None }
    }
}

/// Name and logo a page appears under: the agency's own where it has set them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    pub name: String,
    /// Same-origin address of an image; without one, Canopy's own mark.
    pub logo: Option<String>,
}

impl Default for Brand {
    fn default() -> Self {
        Self { name: "Canopy".to_owned(), logo: None }
    }
}

/// One account the person belongs to, in the switcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountChoice {
    pub id: String,
    pub name: String,
    /// Their role there, in words: "Administrator".
    pub role: String,
    pub current: bool,
}

/// One line of the navigation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NavItem {
    pub label: &'static str,
    pub href: String,
    /// Name in the sprite.
    pub icon: &'static str,
    pub current: bool,
    /// Number in the red pip, for things that wait for somebody; 0 shows none.
    pub pip: u64,
}

impl NavItem {
    /// A line of the navigation, neither current nor with a pip.
    pub fn new(label: &'static str, href: impl Into<String>, icon: &'static str) -> Self {
        Self { label, href: href.into(), icon, current: false, pip: 0 }
    }

    /// Marks the line whose address begins `path`; the longest match is the handler's to choose.
    pub fn current_for(mut self, path: &str) -> Self {
        self.current = path == self.href
            || (self.href != "/" && path.strip_prefix(&self.href).is_some_and(|rest| rest.starts_with('/')));
        self
    }
}

/// The signed-in person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    pub email: String,
    /// Role in the current account, in words.
    pub role: String,
}

/// Acting inside a child: the banner that never goes away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewAs {
    /// The child's name.
    pub account: String,
    /// Why, as the person gave it.
    pub reason: String,
    pub read_only: bool,
    /// Form action that ends it (POST).
    pub leave: String,
    /// Form action that asks for writing (POST); none when the role may not.
    pub raise: Option<String>,
}

/// The frame of a signed-in page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shell {
    /// Of the page, without the brand: "Sub accounts".
    pub title: String,
    pub brand: Brand,
    /// Name of the account the page is about.
    pub account: String,
    pub accounts: Vec<AccountChoice>,
    pub nav: Vec<NavItem>,
    pub person: Option<Person>,
    /// Token of the session, for every form.
    pub csrf: String,
    pub theme: Theme,
    pub view_as: Option<ViewAs>,
    pub flash: Option<Flash>,
    /// What the global search was asked.
    pub query: String,
    /// Address of this page, for forms that come back to it.
    pub path: String,
}

impl Shell {
    /// Text of the browser tab: "Sub accounts · Harbor Studio".
    pub fn tab_title(&self) -> String {
        match self.title.as_str() {
            "" => self.brand.name.clone(),
            title => format!("{title} · {}", self.brand.name),
        }
    }

    /// Letters of the account's avatar.
    pub fn account_initials(&self) -> String {
        format::initials(&self.account)
    }

    /// Letters of the person's avatar.
    pub fn person_initials(&self) -> String {
        self.person.as_ref().map(|person| format::initials(&person.name)).unwrap_or_default()
    }
}

/// The frame of a page without navigation: sign-in, reset, invitation, a client's DNS page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bare {
    pub title: String,
    pub brand: Brand,
    pub theme: Theme,
    /// Empty where the page has no form.
    pub csrf: String,
    pub flash: Option<Flash>,
    /// Room for a table rather than one card.
    pub wide: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn navigation_marks_a_section_and_its_pages_but_not_its_namesakes() {
        let current = |href: &str, path: &str| NavItem::new("x", href, "x").current_for(path).current;
        assert!(current("/sub-accounts", "/sub-accounts"));
        assert!(current("/sub-accounts", "/sub-accounts/01H/usage"));
        assert!(!current("/sub-accounts", "/sub-accounts-archive"));
        assert!(current("/", "/") && !current("/", "/usage"));
    }

    #[test]
    fn an_unknown_theme_follows_the_device() {
        assert_eq!(Theme::parse("\"><script>"), Theme::Auto);
        for theme in [Theme::Auto, Theme::Light, Theme::Dark] {
            assert_eq!(Theme::parse(theme.as_str()), theme);
        }
    }

    #[test]
    fn the_tab_names_the_page_before_the_brand() {
        let shell = Shell { title: "Usage".into(), ..Shell::default() };
        assert_eq!(shell.tab_title(), "Usage · Canopy");
    }
}
