//! Every page that the navigation leads to, in both colours, wide and on a phone: axe finds nothing, nothing scrolls
//! sideways, nothing breaks the content policy.

use std::collections::BTreeSet;

use super::world::Demo;
use crate::support::browser::Browser;

/// Pages that are one step away from those that the navigation leads to. `{child}` is a sub account.
const BEYOND: &[&str] = &[
    "/sub-accounts/new",
    "/sub-accounts/import",
    "/sub-accounts/bulk",
    "/sub-accounts/views",
    "/sub-accounts/views/new?hold=suspended&sort=sent&hide=domains",
    "/jobs",
    "/activity/1",
    "/sub-accounts/{child}/cap",
    "/sub-accounts/{child}/suspend",
    "/sub-accounts/{child}/delete",
    "/sub-accounts/{child}/view-as",
    "/usage?sort=name",
    "/activity?kind=plan.",
    "/settings/transports/new",
    "/sub-accounts/{child}/transport",
    "/nothing-lives-here",
];

/// Addresses of the links in every `nav` of a page.
const LINKS: &str = "return [...document.querySelectorAll('nav a[href^=\"/\"]')].map(a => a.getAttribute('href'))";

/// How far the page reaches beyond the screen, and which element reaches furthest.
const SIDEWAYS: &str = "const wide = document.documentElement.scrollWidth - window.innerWidth; if (wide <= 0) return ''; \
    const all = [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > window.innerWidth + 1); \
    return wide + 'px, ' + all.slice(0, 4).map(e => e.tagName + '.' + e.className).join(' ')";

/// Inline styles and scripts that the server sent, by the page's own source.
const INLINE: &str = "const done = arguments[0]; fetch(location.href).then(r => r.text()).then(t => { \
    const d = new DOMParser().parseFromString(t, 'text/html'); \
    done([...d.querySelectorAll('[style], style, script:not([src])')].map(e => e.outerHTML.slice(0, 80)) \
    .concat([...d.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on'))) \
    .map(e => e.outerHTML.slice(0, 80)))) }, e => done([String(e)]))";

async fn links(browser: &Browser) -> Vec<String> {
    let found = browser.driver.execute(LINKS, vec![]).await.expect("links");
    found.convert().expect("a list of addresses")
}

async fn problems(browser: &Browser, what: &str, problems: &mut Vec<String>) {
    for violation in browser.accessibility_violations().await {
        problems.push(format!("{what}: {} ({}) at {:?}", violation.id, violation.help, violation.elements));
    }
    let wide: String = browser.driver.execute(SIDEWAYS, vec![]).await.expect("widths").convert().expect("a text");
    if !wide.is_empty() {
        problems.push(format!("{what}: scrolls sideways by {wide}"));
    }
}

fn name(path: &str) -> String {
    let plain = path.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    if plain == "-" { "home".to_owned() } else { plain.trim_matches('-').to_owned() }
}

/// Every page that this person's navigation leads to, two steps deep, and those beyond.
async fn reachable(browser: &Browser, demo: &Demo) -> Vec<String> {
    browser.goto(&demo.address("/")).await;
    let mut paths: BTreeSet<String> = links(browser).await.into_iter().collect();
    paths.insert(format!("/sub-accounts/{}", demo.child()));
    for path in paths.clone() {
        browser.goto(&demo.address(&path)).await;
        paths.extend(links(browser).await);
    }
    paths.extend(BEYOND.iter().map(|path| path.replace("{child}", demo.child())));
    paths.into_iter().collect()
}

#[tokio::test]
async fn browser_finds_every_page_accessible_in_both_colours_wide_and_on_a_phone() {
    let Some(browser) = Browser::open().await else { return };
    let demo = Demo::start();
    let mut found = Vec::new();
    let mut looked = 0;
    demo.sign_in(&browser, "Administrator").await;
    let paths = reachable(&browser, &demo).await;
    for path in &paths {
        for (width, height) in [(1440, 900), (390, 844)] {
            browser.viewport(width, height).await;
            for dark in [false, true] {
                browser.prefer_dark(dark).await;
                browser.goto(&demo.address(path)).await;
                let what = format!("{path} at {width}{}", if dark { ", dark" } else { "" });
                problems(&browser, &what, &mut found).await;
                looked += 1;
                if width == 390 || !dark {
                    let colours = if dark { "dark" } else { "light" };
                    browser
                        .screenshot(&format!("{}-{width}-{colours}", name(&path.replace(demo.child(), "child"))))
                        .await;
                }
            }
        }
        let inline = browser.driver.execute_async(INLINE, vec![]).await.expect("the page's source");
        let inline: Vec<String> = inline.convert().expect("a list");
        found.extend(inline.iter().map(|element| format!("{path}: inline {element}")));
    }
    println!("{looked} looks at {} pages", paths.len());
    assert!(found.is_empty(), "{} problems:\n{}", found.len(), found.join("\n"));
    assert!(paths.len() > 25, "{paths:?}");
}

#[tokio::test]
async fn browser_shows_each_role_a_navigation_that_leads_somewhere() {
    let Some(browser) = Browser::open().await else { return };
    let demo = Demo::start();
    for role in ["Support", "Billing Manager", "Analyst"] {
        demo.sign_in(&browser, role).await;
        for path in links(&browser).await {
            browser.goto(&demo.address(&path)).await;
            let title = browser.driver.title().await.expect("a title");
            assert!(!title.contains("Not found") && !title.contains("not allowed"), "{role}: {path} is {title}");
            let mut found = Vec::new();
            problems(&browser, &format!("{role} {path}"), &mut found).await;
            assert!(found.is_empty(), "{found:?}");
        }
        browser.driver.delete_all_cookies().await.expect("signed out");
    }
}
