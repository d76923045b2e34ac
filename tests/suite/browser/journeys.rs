//! The agency's day in a real browser, with script on a wide screen and without script on a phone: provision a client,
//! change its cap where it stands, export, find a message, suspend.

use std::path::Path;
use std::time::{Duration, Instant};

use thirtyfour::By;

use super::world::{Demo, fill, press, text};
use crate::support::browser::Browser;
use crate::support::temp_dir::TempDir;

#[tokio::test]
async fn browser_with_javascript_goes_through_the_agencys_day_on_a_wide_screen() {
    let Some(browser) = Browser::open().await else { return };
    browser.viewport(1440, 900).await;
    day(&browser, true).await;
}

#[tokio::test]
async fn browser_without_javascript_goes_through_the_agencys_day_on_a_phone() {
    let Some(browser) = Browser::without_javascript().await else { return };
    browser.viewport(390, 844).await;
    day(&browser, false).await;
}

async fn day(browser: &Browser, script: bool) {
    let demo = Demo::start();
    demo.sign_in(browser, "Administrator").await;
    wait_for(browser, "Overview").await;
    provision(browser, &demo).await;
    edit_cap(browser, &demo, script).await;
    delete(browser, &demo, script).await;
    export(browser, &demo).await;
    browser.viewport(390, 844).await;
    suspend(browser, &demo).await;
    forget_cookies(browser).await;
    demo.sign_in_client(browser).await;
    find_message(browser, &demo).await;
}

/// Waits until the page says `wanted`; a press answers before the next page is there.
async fn wait_for(browser: &Browser, wanted: &str) {
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        let said = text(browser).await;
        if said.contains(wanted) {
            return;
        }
        assert!(Instant::now() < deadline, "the page never said {wanted:?}: {said}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until the field of this name has the focus: a menu tells its script a moment after it opened.
async fn wait_for_focus_on(browser: &Browser, name: &str) {
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        let focused = browser.driver.active_element().await.expect("something always has the focus");
        if focused.attr("name").await.expect("an attribute").as_deref() == Some(name) {
            return;
        }
        assert!(Instant::now() < deadline, "the focus never came to {name}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Three steps, ending with the key and a command that can be pasted.
async fn provision(browser: &Browser, demo: &Demo) {
    browser.goto(&demo.address("/sub-accounts/new")).await;
    fill(browser, "#name", "Larkspur Dental").await;
    fill(browser, "#website", "larkspur.example").await;
    // A bare zero is refused with what to do instead, and the rest of the form is kept.
    fill(browser, "#cap", "0").await;
    press(browser, "main form button.go").await;
    wait_for(browser, "There is a problem").await;
    let kept = browser.driver.find(By::Css("#name")).await.expect("the form").value().await.expect("a value");
    assert_eq!(kept.as_deref(), Some("Larkspur Dental"));
    fill(browser, "#cap", "5000").await;
    press(browser, "main form button.go").await;
    wait_for(browser, "Sending domain").await;
    fill(browser, "#domain", "larkspur.example").await;
    press(browser, "main form button.go").await;
    wait_for(browser, "What may the key do?").await;
    fill(browser, "#label", "Booking engine").await;
    press(browser, "main form button.go").await;
    wait_for(browser, "Larkspur Dental is created").await;
    let said = text(browser).await;
    assert!(said.contains("it is shown this once") && said.contains("curl "), "{said}");
}

/// In the list, without leaving it.
async fn edit_cap(browser: &Browser, demo: &Demo, script: bool) {
    browser.goto(&demo.address("/sub-accounts?q=Larkspur")).await;
    press(browser, "details.cap-edit summary").await;
    if script {
        wait_for_focus_on(browser, "cap").await;
    }
    fill(browser, "details.cap-edit input[name=cap]", "7500").await;
    press(browser, "details.cap-edit button.go").await;
    wait_for(browser, "7,500").await;
    let here = browser.driver.current_url().await.expect("an address");
    assert_eq!((here.path(), here.query()), ("/sub-accounts", Some("q=Larkspur")), "it stays where it was");
}

/// Deleting waits for the name, and is taken back from the list.
async fn delete(browser: &Browser, demo: &Demo, script: bool) {
    browser.goto(&demo.address("/sub-accounts?q=Larkspur")).await;
    press(browser, "main td.name a").await;
    wait_for(browser, "Suspend").await;
    let id = browser.driver.current_url().await.expect("an address").path().to_owned();
    browser.goto(&demo.address(&format!("{id}/delete"))).await;
    let button = browser.driver.find(By::Css("main form button.stop")).await.expect("the button");
    assert_eq!(button.is_enabled().await.expect("a state"), !script, "script waits for the name, the server checks it");
    fill(browser, "#typed", "Larkspur Dental").await;
    assert!(button.is_enabled().await.expect("a state"), "the name was typed");
    press(browser, "main form button.stop").await;
    wait_for(browser, "is deleted").await;
    browser.goto(&demo.address(&format!("{id}/undelete"))).await;
    press(browser, "main form button.go").await;
    wait_for(browser, "is back").await;
}

/// The file holds the rows that the list shows.
async fn export(browser: &Browser, demo: &Demo) {
    let folder = TempDir::new();
    browser.downloads_to(folder.path()).await;
    browser.goto(&demo.address("/sub-accounts?q=Larkspur")).await;
    press(browser, "main a[href^='/sub-accounts.csv']").await;
    let file = downloaded(folder.path()).await;
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!(lines.len(), 2, "{file}");
    assert!(lines[1].contains("Larkspur Dental") && lines[1].contains("7500"), "{file}");
}

/// The first file that is wholly there: its name stands, empty, before its bytes do.
async fn downloaded(folder: &Path) -> String {
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let file = files.map(|file| file.path()).find(|file| file.extension().is_some_and(|end| end == "csv"));
        let text = file.map(|file| std::fs::read_to_string(file).expect("a file in UTF-8"));
        if let Some(text) = text.filter(|text| text.ends_with('\n')) {
            return text;
        }
        assert!(Instant::now() < deadline, "nothing was downloaded");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn suspend(browser: &Browser, demo: &Demo) {
    browser.goto(&demo.address(&format!("/sub-accounts/{}", demo.child()))).await;
    press(browser, "main a[href$='/suspend']").await;
    wait_for(browser, "Suspend").await;
    press(browser, "main input[name=kind][value=billing]").await;
    fill(browser, "main [name=reason]", "Invoice 4711 is unpaid").await;
    press(browser, "main form button.stop").await;
    wait_for(browser, "Invoice 4711 is unpaid").await;
}

async fn forget_cookies(browser: &Browser) {
    browser.driver.delete_all_cookies().await.expect("cookies can be forgotten");
}

/// Who the client's people are sees its messages, by recipient and by Message-ID, and what became of one.
async fn find_message(browser: &Browser, demo: &Demo) {
    browser.goto(&demo.address("/account/messages")).await;
    let row = browser.driver.find(By::Css("main table tbody td.name a")).await.expect("the client has sent");
    let recipient = row.text().await.expect("its recipient");
    fill(browser, "main input[name=q]", &recipient).await;
    press(browser, "main form[role=search] button").await;
    wait_for(browser, &recipient).await;
    let found = browser.driver.find_all(By::Css("main table tbody td.name a")).await.expect("rows");
    for row in &found {
        assert_eq!(row.text().await.expect("a recipient"), recipient, "only what was searched for");
    }
    press(browser, "main table tbody td.name a").await;
    wait_for(browser, "Message-ID").await;
    let here = browser.driver.current_url().await.expect("an address");
    assert!(here.path().starts_with("/account/messages/"), "{here}");
}
