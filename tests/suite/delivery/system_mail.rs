//! The platform's own mail leaves, and is given up when it cannot.

use std::net::{Ipv4Addr, TcpListener};

use canopy::actions::notify;
use canopy::emails::Notice;
use canopy::jobs::send_due;
use chrono::TimeDelta;

use crate::support::app::{On, TestApp, on_both};

fn notice() -> Notice {
    Notice {
        brand: "Agency".into(),
        subject: "You were invited".into(),
        heading: "You were invited".into(),
        paragraphs: vec!["Open the link.".into()],
        action: None,
        footer: "You get this because you were invited.".into(),
    }
}

async fn invite(app: &TestApp) {
    let services = std::sync::Arc::clone(&app.app.services);
    app.write(move |conn, cx| notify::send(conn, cx.now, &services, None, "invitation", "zoe@example.org", &notice()))
        .await;
}

#[tokio::test]
async fn an_invitation_leaves_once() {
    on_both(|app| async move {
        invite(&app).await;
        assert_eq!(send_due(&app.app).await.expect("sent"), 1);
        assert_eq!(send_due(&app.app).await.expect("nothing left"), 0);
        let folder = app.app.config.data_dir.join("system-mail/new");
        let files: Vec<_> =
            std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path()).collect();
        assert_eq!(files.len(), 1);
        assert!(std::fs::read_to_string(&files[0]).expect("text").contains("Subject: You were invited"));
    })
    .await;
}

#[tokio::test]
async fn mail_that_cannot_leave_is_tried_for_three_days() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|bound| bound.local_addr()).expect("a port");
    let app = TestApp::start_with(On::Sqlite, |settings| settings.set("system_mail", format!("smtp://{closed}"))).await;
    let app = app.expect("SQLite is always there");
    invite(&app).await;
    let mut tries = Vec::new();
    for hour in 0..90 {
        for _ in 0..send_due(&app.app).await.expect("recorded") {
            tries.push(hour);
        }
        app.app.clock.step(TimeDelta::hours(1));
    }
    assert!((10..=18).contains(&tries.len()), "{tries:?}");
    assert!(tries.last().is_some_and(|last| (60..=73).contains(last)), "{tries:?}");
}
