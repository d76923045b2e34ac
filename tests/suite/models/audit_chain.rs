//! The audit is a chain: any changed, dropped or cut entry is found.

use canopy::actions::audit::{Record, Verdict, record, verify};
use canopy::models::{accounts, audit};
use diesel::connection::SimpleConnection;

use crate::support::app::{TestApp, on_both};

async fn ten_entries(app: &TestApp, name: &str) -> canopy::domain::ids::Id {
    let agency = app.agency(name).await;
    let id = agency.id;
    app.write(move |conn, cx| {
        let account = accounts::find(conn, id)?.expect("the agency");
        for number in 0..10 {
            let after = Some(serde_json::json!({ "number": number }));
            record(conn, cx, &account, Record { action: "test.entry", target: "x".into(), before: None, after })?;
        }
        Ok(())
    })
    .await;
    id
}

async fn verdict(app: &TestApp, root: canopy::domain::ids::Id) -> Verdict {
    app.read(move |conn| {
        let (_, seq, hash) = audit::heads(conn)?.into_iter().find(|head| head.0 == root).expect("a head");
        verify(conn, root, seq, &hash)
    })
    .await
}

#[tokio::test]
async fn a_whole_chain_is_whole_and_every_tampering_is_found() {
    on_both(|app| async move {
        let tamperings = [
            ("UPDATE audit_entries SET target = 'y' WHERE seq = 4", 4),
            ("UPDATE audit_entries SET after = '{}' WHERE seq = 1", 1),
            ("DELETE FROM audit_entries WHERE seq = 7", 7),
            ("DELETE FROM audit_entries WHERE seq > 8", 9),
            ("DELETE FROM audit_entries", 1),
        ];
        for (number, (sql, found_at)) in tamperings.into_iter().enumerate() {
            let root = ten_entries(&app, &format!("Chain {number}")).await;
            assert_eq!(verdict(&app, root).await, Verdict::Whole { entries: 10 });
            app.write(move |conn, _| Ok(conn.batch_execute(sql)?)).await;
            let Verdict::Broken { seq, .. } = verdict(&app, root).await else { panic!("{sql} was not found") };
            assert_eq!(seq, found_at, "{sql}");
            app.write(move |conn, _| Ok(conn.batch_execute("DELETE FROM audit_entries; DELETE FROM audit_heads")?))
                .await;
        }
    })
    .await;
}
