//! An operator in a hurry, with a phone and no script: find the tenant, stop it.

use thirtyfour::By;

use super::world::{Demo, fill, press, text};
use crate::support::browser::Browser;

#[tokio::test]
async fn browser_without_javascript_finds_and_suspends_a_tenant_in_under_six_pages_on_a_phone() {
    let Some(browser) = Browser::without_javascript().await else { return };
    let demo = Demo::start();
    browser.viewport(390, 844).await;
    // Each press opens a page; signing in opened the first two.
    demo.sign_in(&browser, "Support").await;
    let mut pages = 2;
    let here = browser.driver.current_url().await.expect("an address");
    if here.path() != "/sub-accounts" {
        browser.goto(&demo.address("/sub-accounts")).await;
        pages += 1;
    }
    fill(&browser, "main input[name=q]", demo.child_name()).await;
    press(&browser, "main form[role=search] button").await;
    pages += 1;
    assert!(text(&browser).await.contains(demo.child_name()));
    press(&browser, &format!("main a[href='/sub-accounts/{}']", demo.child())).await;
    pages += 1;
    press(&browser, "main a[href$='/suspend']").await;
    let choice = browser.driver.find(By::Css("main input[name=kind][value=abuse]")).await.expect("the kinds");
    choice.click().await.expect("a kind can be chosen");
    fill(&browser, "main [name=reason]", "Complaints, ticket 77").await;
    browser.screenshot("phone-suspend").await;
    press(&browser, "main form button.stop").await;
    assert!(pages < 6, "{pages} pages before the form");
    let said = text(&browser).await;
    assert!(said.contains("suspended") || said.contains("Suspended"), "{said}");
    browser.screenshot("phone-suspended").await;
    println!("found and suspended after {pages} pages");
}
