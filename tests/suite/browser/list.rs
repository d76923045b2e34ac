//! The list with script: what is found as one types goes into every link, views are kept and opened, and figures stay true
//! while the page stands.

use std::time::{Duration, Instant};

use super::world::{Demo, fill, press, text};
use crate::support::browser::Browser;

/// Longer than the ten seconds between two looks, on a machine five times slower.
const PATIENCE: Duration = Duration::from_secs(60);

async fn value<T: serde::de::DeserializeOwned>(browser: &Browser, script: &str) -> T {
    browser.driver.execute(script, vec![]).await.expect("it runs").convert().expect("its value")
}

/// Waits until the script answers true.
async fn until(browser: &Browser, script: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !value::<bool>(browser, script).await {
        assert!(Instant::now() < deadline, "never: {script}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn wait_for(browser: &Browser, wanted: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let said = text(browser).await;
        if said.contains(wanted) {
            return;
        }
        assert!(Instant::now() < deadline, "the page never said {wanted:?}: {said}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn keep_a_view(browser: &Browser, demo: &Demo, script: bool) {
    let name = demo.child_name();
    browser.goto(&demo.address("/sub-accounts?sort=sent")).await;
    fill(browser, "main input[name=q]", name).await;
    if script {
        let found = "return document.querySelectorAll('tr[data-row]').length === 1 \
            && document.querySelector('#export').href.includes('q=') \
            && document.querySelector('#chips a:nth-child(2)').href.includes('q=')";
        until(browser, found).await;
    } else {
        press(browser, "main form[role=search] button").await;
        wait_for(browser, name).await;
    }
    press(browser, "#views > summary").await;
    press(browser, "#views a[href^='/sub-accounts/views/new']").await;
    wait_for(browser, &format!("With “{name}”; by messages this period")).await;
    press(browser, "main form button.go").await;
    wait_for(browser, "The name is empty").await;
    if script {
        let found = browser.accessibility_violations().await;
        assert!(found.is_empty(), "the form: {found:?}");
    }
    fill(browser, "#name", "The one").await;
    press(browser, "main form button.go").await;
    wait_for(browser, "The view “The one” is saved.").await;
    assert!(browser.driver.current_url().await.expect("an address").query().expect("a view").contains("view="));
    // Something else is shown: the view is brought up to that.
    press(browser, "#chips a[href*='hold=active']").await;
    wait_for(browser, "changed").await;
    press(browser, "#views > summary").await;
    if script {
        let found = browser.accessibility_violations().await;
        assert!(found.is_empty(), "the open menu: {found:?}");
    }
    press(browser, "#views button[form=update-view]").await;
    wait_for(browser, "The view “The one” is updated.").await;
    browser.goto(&demo.address("/sub-accounts/views")).await;
    wait_for(browser, &format!("Active, with “{name}”; by messages this period")).await;
    press(browser, "main table td.end a").await;
    press(browser, "main form button.stop").await;
    wait_for(browser, "The view “The one” is deleted.").await;
}

#[tokio::test]
async fn browser_with_javascript_keeps_views_of_what_it_found_while_typing() {
    let Some(browser) = Browser::open().await else { return };
    let demo = Demo::start();
    browser.viewport(1440, 900).await;
    demo.sign_in(&browser, "Administrator").await;
    keep_a_view(&browser, &demo, true).await;
}

#[tokio::test]
async fn browser_without_javascript_keeps_views_on_a_phone() {
    let Some(browser) = Browser::without_javascript().await else { return };
    let demo = Demo::start();
    browser.viewport(390, 844).await;
    demo.sign_in(&browser, "Administrator").await;
    keep_a_view(&browser, &demo, false).await;
}

/// The names of the rows, from top to bottom.
const NAMES: &str = "return [...document.querySelectorAll('tr[data-row] td.name a')].map(a => a.textContent)";

#[tokio::test]
async fn browser_keeps_the_figures_of_a_list_true_and_rests_quietly_once_the_session_is_over() {
    let Some(browser) = Browser::open().await else { return };
    let demo = Demo::start();
    demo.sign_in(&browser, "Administrator").await;
    browser.goto(&demo.address("/sub-accounts?sort=status")).await;
    value::<bool>(&browser, "window.stays = true; return true").await;
    let before: Vec<String> = value(&browser, NAMES).await;
    let page = browser.driver.window().await.expect("a window");
    // Somebody else suspends the client.
    browser.driver.switch_to_window(browser.driver.new_tab().await.expect("a tab")).await.expect("it is there");
    browser.goto(&demo.address(&format!("/sub-accounts/{}/suspend", demo.child()))).await;
    press(&browser, "main input[name=kind][value=billing]").await;
    fill(&browser, "main [name=reason]", "Invoice 4711 is unpaid").await;
    press(&browser, "main form button.stop").await;
    wait_for(&browser, "Invoice 4711 is unpaid").await;
    browser.driver.close_window().await.expect("closed");
    browser.driver.switch_to_window(page).await.expect("it is there");
    let held = format!(
        "return document.querySelector('tr[data-row=\"{}\"] [data-now=state]').textContent === 'Suspended'",
        demo.child()
    );
    until(&browser, &held).await;
    let after: Vec<String> = value(&browser, NAMES).await;
    assert_eq!(before, after, "no row moves");
    assert!(value::<bool>(&browser, "return window.stays").await, "the page was not loaded anew");
    assert!(browser.accessibility_violations().await.is_empty());
    // The session ends: one more look finds out, and none follows.
    let looks = "return performance.getEntriesByType('resource').filter(e => e.name.includes('/now')).length";
    let so_far: u64 = value(&browser, looks).await;
    browser.driver.delete_all_cookies().await.expect("signed out");
    until(&browser, &looks.replace("return ", &format!("return {so_far} < "))).await;
    let last: u64 = value(&browser, looks).await;
    for _ in 0..3 {
        value::<bool>(&browser, "document.dispatchEvent(new Event('visibilitychange')); return true").await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(value::<u64>(&browser, looks).await, last, "it rests");
    wait_for(&browser, "Sub accounts").await;
}
