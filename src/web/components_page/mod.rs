//! The living style page: every macro and class with sample data, and whole sample pages built from them.
//! Served in demo mode under `/dev/components`; it is also the test that every piece renders.

mod sample;

use super::chart::{BarChart, Meter, Sparkline};
use super::error::{PageError, PageResult};
use super::layout::{Bare, Brand, Shell, Theme};
use super::{filters, frame};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

/// A sub account in the sample list.
#[derive(Debug, Clone)]
pub struct Row {
    pub name: &'static str,
    pub domain: &'static str,
    pub class: &'static str,
    pub state: &'static str,
    pub meter: Meter,
    pub trend: Sparkline,
    pub bounces: String,
    pub bounce_tone: &'static str,
    pub complaints: String,
    pub complaint_tone: &'static str,
    pub domains: u64,
    pub cost: &'static str,
    pub activity: &'static str,
}

/// A sub account in the sample bill.
#[derive(Debug, Clone)]
pub struct UsageRow {
    pub name: &'static str,
    pub messages: u64,
    pub share: String,
    pub cost: &'static str,
}

/// `/dev/components`: the pieces.
#[derive(Template)]
#[template(path = "dev/components.html")]
pub struct ComponentsPage {
    shell: Shell,
    chart: BarChart,
    rows: Vec<Row>,
}

impl ComponentsPage {
    pub fn new(theme: Theme) -> Self {
        let mut shell = sample::shell("Components", "/dev/components", theme);
        shell.flash = Some(sample::flash());
        Self { shell, chart: sample::half_year(), rows: sample::rows() }
    }

    fn errors(&self) -> Vec<(&'static str, &'static str)> {
        vec![("cap", "Enter a cap above 0, or choose \"No cap\""), ("website", "Enter a website such as example.com")]
    }
}

/// A whole list page.
#[derive(Template)]
#[template(path = "dev/list.html")]
pub struct ListSample {
    shell: Shell,
    rows: Vec<Row>,
}

/// A whole page of one sub account.
#[derive(Template)]
#[template(path = "dev/account.html")]
pub struct AccountSample {
    shell: Shell,
    chart: BarChart,
    meter: Meter,
}

/// A step of the create flow.
#[derive(Template)]
#[template(path = "dev/create.html")]
pub struct CreateSample {
    shell: Shell,
}

/// The page that shows a secret once.
#[derive(Template)]
#[template(path = "dev/created.html")]
pub struct CreatedSample {
    shell: Shell,
    curl: &'static str,
}

/// Usage and cost.
#[derive(Template)]
#[template(path = "dev/usage.html")]
pub struct UsageSample {
    shell: Shell,
    chart: BarChart,
    rows: Vec<UsageRow>,
}

/// Sign-in, under an agency's own name.
#[derive(Template)]
#[template(path = "dev/sign_in.html")]
pub struct SignInSample {
    shell: Bare,
}

/// One sample page by the last part of its address; `None` for a name that is not one of them.
pub fn render(name: &str, theme: Theme) -> Option<askama::Result<String>> {
    let shell = |title: &str, path: &str| sample::shell(title, path, theme);
    Some(match name {
        "" => ComponentsPage::new(theme).render(),
        "list" => ListSample { shell: shell("Sub accounts", "/sub-accounts"), rows: sample::rows() }.render(),
        "account" => account(theme).render(),
        "create" => CreateSample { shell: shell("New sub account", "/sub-accounts/new") }.render(),
        "created" => CreatedSample { shell: shell("Key created", "/sub-accounts/new"), curl: CURL }.render(),
        "usage" => {
            let shell = shell("Usage & cost", "/usage");
            UsageSample { shell, chart: sample::half_year(), rows: sample::usage() }.render()
        }
        "sign-in" => sign_in(theme).render(),
        _ => return None,
    })
}

/// `GET /dev/components`
pub async fn show_index(request: HttpRequest) -> PageResult {
    answer("", &request)
}

/// `GET /dev/components/{name}`
pub async fn show(request: HttpRequest, name: Path<String>) -> PageResult {
    answer(&name, &request)
}

fn answer(name: &str, request: &HttpRequest) -> PageResult {
    let body = render(name, frame::theme(request)).ok_or_else(PageError::not_found)??;
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(body))
}

fn account(theme: Theme) -> AccountSample {
    let mut shell = sample::shell("Birch & Vale Hotels", "/sub-accounts/birch", theme);
    shell.view_as = Some(sample::view_as());
    AccountSample { shell, chart: sample::november(), meter: Meter::new(96_410, Some(100_000)) }
}

fn sign_in(theme: Theme) -> SignInSample {
    let brand = Brand { name: "Harbor Studio".into(), logo: None };
    SignInSample { shell: Bare { title: "Sign in".into(), brand, theme, csrf: "sample".into(), ..Bare::default() } }
}

const CURL: &str = "curl https://mail.harbor.example/v2/accounts/0199e3/messages \\
  -H \"Authorization: Bearer cnp_live_7Qm2vX9cT4\" \\
  -H \"Content-Type: application/json\" \\
  -d '{\"subject\": \"Hello\", \"from\": {\"email\": \"hello@birchvale.example\"}}'";

#[cfg(test)]
mod tests {
    use super::*;

    const PAGES: [&str; 7] = ["", "list", "account", "create", "created", "usage", "sign-in"];

    /// Every sample page, and where `CANOPY_STYLE_DUMP` names a folder, a file of each to look at.
    fn pages() -> Vec<(&'static str, String)> {
        let dump = std::env::var_os("CANOPY_STYLE_DUMP").map(std::path::PathBuf::from);
        let mut pages = Vec::new();
        for name in PAGES {
            for theme in [Theme::Light, Theme::Dark] {
                let html = render(name, theme).expect("the page exists").unwrap();
                if let Some(folder) = &dump {
                    let name = if name.is_empty() { "components" } else { name };
                    std::fs::write(folder.join(format!("{name}-{}.html", theme.as_str())), &html).unwrap();
                }
                pages.push((name, html));
            }
        }
        pages
    }

    #[test]
    fn every_sample_page_renders_whole_and_within_the_content_policy() {
        for (name, html) in pages() {
            assert!(html.trim_end().ends_with("</html>"), "{name}");
            assert!(!html.contains("style=\"") && !html.contains("<style"), "{name} has inline style");
            assert!(!html.contains(" onclick=") && !html.contains("<script>"), "{name} has inline script");
        }
    }

    #[test]
    fn every_icon_a_page_names_is_in_the_sprite() {
        let sprite = include_str!("../../../static/icons.svg");
        for (name, html) in pages() {
            for icon in html.split("icons.svg#").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(sprite.contains(&format!("<symbol id=\"{icon}\"")), "{name} wants the icon {icon}");
            }
        }
    }

    #[test]
    fn ids_are_unique_and_labels_find_their_fields() {
        for (name, html) in pages() {
            let mut ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
            let count = ids.len();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), count, "{name} repeats an id");
            for target in html.split(" for=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(ids.contains(&target), "{name}: no field {target}");
            }
        }
    }

    #[test]
    fn a_name_that_is_no_sample_is_no_page() {
        assert!(render("nothing", Theme::Auto).is_none());
    }
}
