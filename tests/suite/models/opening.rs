//! A database that cannot be used is refused in words for its operator.

use canopy::models::{Db, migrate};
use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;

use crate::support::temp_dir::TempDir;

fn refusal(url: &str) -> String {
    Db::open(url, 1).err().expect("refused").to_string()
}

#[test]
fn a_url_of_another_kind_is_refused_and_makes_no_file() {
    assert!(refusal("mysql://host/name").contains("sqlite:// or postgres://"));
    assert!(refusal("sqlite://").contains("names no file"));
    let answer = refusal("postgres://nobody:very-secret@127.0.0.1:1/none");
    assert!(answer.contains("cannot open the PostgreSQL database"), "{answer}");
    assert!(!answer.contains("very-secret"), "{answer}");
}

#[test]
fn a_database_of_a_newer_program_is_refused() {
    let dir = TempDir::new();
    let db = Db::open(&format!("sqlite://{}", dir.path().join("new.db").display()), 1).expect("it opens");
    migrate::up(&db).expect("up");
    db.write(|conn| {
        conn.batch_execute(
            "INSERT INTO __diesel_schema_migrations (version, run_on) VALUES ('29990101000000', '2999-01-01')",
        )
    })
    .expect("written");
    let refused = migrate::up(&db).expect_err("refused").to_string();
    assert!(refused.contains("newer version"), "{refused}");
}

#[test]
fn a_failed_transaction_leaves_nothing_and_a_panic_leaves_the_writer_usable() {
    let dir = TempDir::new();
    let db = Db::open(&format!("sqlite://{}", dir.path().join("t.db").display()), 1).expect("it opens");
    db.write(|conn| conn.batch_execute("CREATE TABLE t (x INTEGER)")).expect("written");
    let failed: Result<(), diesel::result::Error> = db.write(|conn| {
        conn.batch_execute("INSERT INTO t VALUES (1)")?;
        Err(diesel::result::Error::NotFound)
    });
    assert!(failed.is_err());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        db.write(|conn| -> Result<(), diesel::result::Error> {
            conn.batch_execute("INSERT INTO t VALUES (2)")?;
            panic!("in the middle")
        })
    }));
    assert!(panicked.is_err());
    db.write(|conn| conn.batch_execute("INSERT INTO t VALUES (3)")).expect("the writer still works");
    let sum: i64 = db
        .read(|conn| {
            diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>("(SELECT SUM(x) FROM t)")).first(conn)
        })
        .expect("read");
    assert_eq!(sum, 3);
}
