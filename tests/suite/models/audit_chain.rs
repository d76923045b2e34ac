//! The audit is a chain under the installation's key: whatever is changed, dropped, cut, swapped or written anew without the
//! key is found, a key that is not there is said, and chains of before are walked and sealed.

use std::sync::Arc;

use canopy::actions::audit::{Record, record, unsigned_hash};
use canopy::actions::verify_chain::{Verdict, verify};
use canopy::actions::{ActionResult, Cx};
use canopy::domain::ids::Id;
use canopy::jobs::Leader;
use canopy::models::audit::{self, Entry, Filter, Head};
use canopy::models::{AnyConnection, accounts};
use canopy::secrets::SecretKeys;
use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Binary, Text};
use secrecy::ExposeSecret;

use crate::support::app::{TestApp, on_both};

fn write(conn: &mut AnyConnection, cx: &Cx, root: Id, entries: usize) -> ActionResult<()> {
    let account = accounts::find(conn, root)?.expect("the agency");
    for number in 0..entries {
        let after = Some(serde_json::json!({ "number": number }));
        record(conn, cx, &account, Record { action: "test.entry", target: "x".into(), before: None, after })?;
    }
    Ok(())
}

async fn chain_of(app: &TestApp, name: &str, entries: usize) -> Id {
    let root = app.agency(name).await.id;
    app.write(move |conn, cx| write(conn, cx, root, entries)).await;
    root
}

async fn verdict_by(app: &TestApp, keys: Option<Arc<SecretKeys>>, root: Id) -> Verdict {
    app.read(move |conn| {
        let head = audit::head(conn, root)?;
        verify(conn, keys.as_deref(), root, head.as_ref())
    })
    .await
}

async fn verdict(app: &TestApp, root: Id) -> Verdict {
    verdict_by(app, Some(Arc::clone(&app.app.services.secrets)), root).await
}

async fn entries_of(app: &TestApp, root: Id) -> Vec<Entry> {
    app.read(move |conn| Ok(audit::page(conn, root, &Filter::default(), None, true, 5_000)?)).await
}

/// Writes an entry as an intruder would: past the program.
fn overwrite(conn: &mut AnyConnection, entry: &Entry) -> ActionResult<()> {
    let version = entry.key_version.map_or("NULL".to_owned(), |version| version.to_string());
    diesel::sql_query(format!(
        "UPDATE audit_entries SET target = $1, previous_hash = $2, hash = $3, key_version = {version} \
         WHERE root_id = $4 AND seq = $5"
    ))
    .bind::<Text, _>(&entry.target)
    .bind::<Binary, _>(&entry.previous_hash)
    .bind::<Binary, _>(&entry.hash)
    .bind::<Binary, _>(entry.root_id)
    .bind::<BigInt, _>(entry.seq)
    .execute(conn)?;
    Ok(())
}

fn set_head(conn: &mut AnyConnection, head: &Head) -> ActionResult<()> {
    let version = head.key_version.map_or("NULL".to_owned(), |version| version.to_string());
    diesel::sql_query(format!(
        "UPDATE audit_heads SET seq = $1, hash = $2, tag = $3, unsealed = $4, key_version = {version} WHERE root_id = $5"
    ))
    .bind::<BigInt, _>(head.seq)
    .bind::<Binary, _>(&head.hash)
    .bind::<diesel::sql_types::Nullable<Binary>, _>(&head.tag)
    .bind::<BigInt, _>(head.unsealed)
    .bind::<Binary, _>(head.root_id)
    .execute(conn)?;
    Ok(())
}

/// Changes the entry `from` and writes it and all after it anew, with digests that fit, as before there were keys.
async fn rewrite_unsigned(app: &TestApp, root: Id, from: i64, target: &'static str) -> Vec<u8> {
    let mut entries = entries_of(app, root).await;
    app.write(move |conn, _| {
        let mut previous = vec![0; 32];
        for entry in &mut entries {
            if entry.seq >= from {
                if entry.seq == from {
                    target.clone_into(&mut entry.target);
                }
                entry.previous_hash.clone_from(&previous);
                entry.key_version = None;
                entry.hash = unsigned_hash(entry);
                overwrite(conn, entry)?;
            }
            previous.clone_from(&entry.hash);
        }
        Ok(previous)
    })
    .await
}

async fn head_of(app: &TestApp, root: Id) -> Head {
    app.read(move |conn| Ok(audit::head(conn, root)?)).await.expect("a head")
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
            ("DELETE FROM audit_heads", 11),
            ("DELETE FROM audit_entries; DELETE FROM audit_heads", 1),
            ("DELETE FROM audit_entries; UPDATE audit_heads SET seq = 0", 1),
            // Rows that changed places.
            ("UPDATE audit_entries SET seq = -3 WHERE seq = 3; UPDATE audit_entries SET seq = 3 WHERE seq = 4; \
              UPDATE audit_entries SET seq = 4 WHERE seq = -3", 3),
            // The end cut off together with its head, which the entry before names.
            ("DELETE FROM audit_entries WHERE seq > 8; UPDATE audit_heads SET seq = 8, hash = \
              (SELECT hash FROM audit_entries WHERE seq = 8)", 9),
            ("DELETE FROM audit_entries WHERE seq > 8; UPDATE audit_heads SET seq = 8, tag = NULL, key_version = NULL, \
              hash = (SELECT hash FROM audit_entries WHERE seq = 8)", 9),
            // Without signatures nothing follows what is signed, nor goes a whole chain that does not wait for one.
            ("UPDATE audit_entries SET key_version = NULL WHERE seq = 5", 5),
            ("UPDATE audit_heads SET tag = NULL, key_version = NULL", 11),
        ];
        for (number, (sql, found_at)) in tamperings.into_iter().enumerate() {
            let root = chain_of(&app, &format!("Chain {number}"), 10).await;
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

#[tokio::test]
async fn entries_written_anew_with_digests_that_fit_are_found() {
    on_both(|app| async move {
        for (name, from) in [("Some", 6), ("All", 1)] {
            let root = chain_of(&app, name, 10).await;
            let last = rewrite_unsigned(&app, root, from, "somebody else").await;
            let mut head = head_of(&app, root).await;
            head.hash = last;
            let forged = head.clone();
            app.write(move |conn, _| set_head(conn, &forged)).await;
            assert!(matches!(verdict(&app, root).await, Verdict::Broken { .. }), "{name}");
            // Nor does it help to leave the head unsigned, or to say that the chain waits to be signed.
            (head.tag, head.key_version) = (None, None);
            let forged = head.clone();
            app.write(move |conn, _| set_head(conn, &forged)).await;
            assert!(matches!(verdict(&app, root).await, Verdict::Broken { .. }), "{name}");
            head.unsealed = 10;
            app.write(move |conn, _| set_head(conn, &head)).await;
            let judged = verdict(&app, root).await;
            assert!(!matches!(judged, Verdict::Whole { .. }), "{name}: {judged:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_rotated_key_keeps_the_chain_whole_and_an_absent_one_is_said() {
    on_both(|app| async move {
        let old = app.app.config.secret_key.expose_secret().to_owned();
        let new = SecretKeys::generate().1.replacen("1:", "2:", 1);
        let both = Arc::new(SecretKeys::parse(&format!("{new},{old}")).expect("keys"));
        let root = chain_of(&app, "Rotated", 5).await;
        let keys = Arc::clone(&both);
        app.write(move |conn, cx| write(conn, &Cx { keys, ..cx.clone() }, root, 5)).await;
        let versions: Vec<_> = entries_of(&app, root).await.iter().map(|entry| entry.key_version).collect();
        assert_eq!((versions[4], versions[5]), (Some(1), Some(2)));
        assert_eq!(verdict_by(&app, Some(Arc::clone(&both)), root).await, Verdict::Whole { entries: 10 });

        let alone = Arc::new(SecretKeys::parse(&new).expect("a key"));
        assert_eq!(verdict_by(&app, Some(Arc::clone(&alone)), root).await, Verdict::NoKey { version: 1 });
        assert_eq!(verdict_by(&app, None, root).await, Verdict::NoKey { version: 1 });
        assert_eq!(verdict(&app, root).await, Verdict::NoKey { version: 2 });
        // What was signed by one key is not by another, nor by one that nobody has.
        for (version, found) in [(1, false), (9, true)] {
            app.write(move |conn, _| {
                let sql = format!("UPDATE audit_entries SET key_version = {version} WHERE seq = 8");
                Ok(conn.batch_execute(&sql)?)
            })
            .await;
            let judged = verdict_by(&app, Some(Arc::clone(&both)), root).await;
            assert_eq!(judged == Verdict::NoKey { version: 9 }, found, "{version}: {judged:?}");
            assert_eq!(matches!(judged, Verdict::Broken { seq: 8, .. }), !found, "{version}: {judged:?}");
        }
        // Without the key it is still seen that an entry is missing.
        app.write(|conn, _| Ok(conn.batch_execute("DELETE FROM audit_entries WHERE seq = 3")?)).await;
        assert!(matches!(verdict_by(&app, None, root).await, Verdict::Broken { seq: 3, .. }));
    })
    .await;
}

/// Makes a chain as it was before entries were signed, waiting to be sealed.
async fn of_before(app: &TestApp, name: &str, entries: usize) -> Id {
    let root = chain_of(app, name, entries).await;
    let hash = rewrite_unsigned(app, root, 1, "x").await;
    let unsealed = i64::try_from(entries).expect("few");
    let head = Head { root_id: root, seq: unsealed, hash, key_version: None, tag: None, unsealed };
    app.write(move |conn, _| set_head(conn, &head)).await;
    root
}

async fn sealed(app: &TestApp, root: Id) -> Vec<(String, serde_json::Value)> {
    let seals = entries_of(app, root).await.into_iter().filter(|entry| entry.action.starts_with("audit."));
    seals
        .map(|entry| (entry.action, serde_json::from_str(&entry.after.expect("what was found")).expect("JSON")))
        .collect()
}

#[tokio::test]
async fn chains_of_before_are_walked_once_and_sealed_with_how_they_were_found() {
    on_both(|app| async move {
        let long = of_before(&app, "Long", 1_203).await;
        let broken = of_before(&app, "Broken", 10).await;
        let cut = of_before(&app, "Cut", 10).await;
        assert_eq!(verdict(&app, long).await, Verdict::Unsigned { entries: 1_203 });
        app.write(move |conn, cx| {
            for (root, sql) in [
                (broken, "UPDATE audit_entries SET target = 'y' WHERE root_id = $1 AND seq = 4"),
                (cut, "DELETE FROM audit_entries WHERE root_id = $1 AND seq > 7"),
            ] {
                diesel::sql_query(sql).bind::<Binary, _>(root).execute(conn)?;
            }
            // What is written before the seal is signed already.
            write(conn, cx, long, 2)
        })
        .await;
        let mut leader = Leader::new(Arc::clone(&app.app));
        assert!(leader.round().await.expect("it keeps house"));
        assert!(leader.round().await.expect("it keeps house"));
        let mut another = Leader::new(Arc::clone(&app.app));
        app.app.clock.step(chrono::TimeDelta::minutes(1));
        assert!(another.round().await.expect("it follows"));

        let seals = sealed(&app, long).await;
        assert_eq!(seals.len(), 1, "once: {seals:?}");
        assert_eq!(
            (seals[0].0.as_str(), &seals[0].1["entries"], &seals[0].1["problem"]),
            ("audit.seal", &1_203.into(), &serde_json::Value::Null)
        );
        assert_eq!(verdict(&app, long).await, Verdict::Whole { entries: 1_206 });
        for (root, words, at) in [(broken, "entry 4 was changed", 4), (cut, "the entries after 7 are missing", 8)] {
            let seals = sealed(&app, root).await;
            assert_eq!((seals.len(), seals[0].0.as_str()), (1, "audit.seal_broken"), "{seals:?}");
            assert_eq!(seals[0].1["problem"], words);
            assert!(matches!(verdict(&app, root).await, Verdict::Broken { seq, .. } if seq == at), "{words}");
        }
        // From here on what was there before is pinned too.
        app.write(move |conn, _| {
            let sql = "UPDATE audit_entries SET target = 'y' WHERE root_id = $1 AND seq = 1203";
            Ok(diesel::sql_query(sql).bind::<Binary, _>(long).execute(conn)?)
        })
        .await;
        assert!(matches!(verdict(&app, long).await, Verdict::Broken { seq: 1_203, .. }));
    })
    .await;
}
