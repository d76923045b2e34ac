//! Paired migrations: the same names, up and down and up again, and the tables that schema.rs believes in.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use canopy::domain::ids::Id;
use canopy::models::accounts::{self, Account};
use canopy::models::{AnyConnection, Db, migrate, transports};
use chrono::{DateTime, NaiveDateTime};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Integer, Text, Timestamp};

use crate::support::environment::package_root;
use crate::support::postgres::TestPostgres;
use crate::support::temp_dir::TempDir;

#[test]
fn each_migration_exists_for_both_databases() {
    let names = |backend: &str| -> BTreeSet<String> {
        fs::read_dir(package_root().join("migrations").join(backend))
            .expect("the folder is there")
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn sqlite_goes_up_down_and_up_and_has_the_tables_of_the_schema() {
    let dir = TempDir::new();
    let db = Db::open(&format!("sqlite://{}", dir.path().join("m.db").display()), 1).expect("it opens");
    there_and_back(
        &db,
        "SELECT m.name AS table_name, p.name AS column_name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'",
    );
}

#[test]
fn postgresql_goes_up_down_and_up_and_has_the_tables_of_the_schema() {
    let Some(database) = TestPostgres::empty() else { return };
    let db = Db::open(&database.url(), 1).expect("it opens");
    there_and_back(
        &db,
        "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public'",
    );
}

fn there_and_back(db: &Db, columns: &str) {
    assert!(!migrate::up(db).expect("up").is_empty());
    migrate::down(db).expect("down");
    migrate::up(db).expect("up again");
    assert!(migrate::up(db).expect("nothing left to do").is_empty());
    let real = real_columns(db, columns);
    for (table, columns) in declared() {
        assert_eq!(real.get(&table), Some(&columns), "{table}");
    }
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
}

fn real_columns(db: &Db, sql: &str) -> BTreeMap<String, BTreeSet<String>> {
    let rows: Vec<Column> =
        db.read(|conn: &mut AnyConnection| diesel::sql_query(sql).load(conn)).expect("the catalogue can be read");
    let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        tables.entry(row.table_name).or_default().insert(row.column_name);
    }
    tables
}

/// The tables and columns of schema.rs, read from its text.
fn declared() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(package_root().join("src/models/schema.rs")).expect("schema.rs is there");
    let mut tables = BTreeMap::new();
    for block in text.split("diesel::table! {").skip(1) {
        let mut lines = block.lines().map(str::trim).filter(|line| !line.is_empty());
        let head = lines.next().expect("a table has a head");
        let name = head.split([' ', '(']).next().expect("a name").to_owned();
        let columns = lines
            .take_while(|line| *line != "}")
            .filter_map(|line| line.split_once(" -> ").map(|(column, _)| column.to_owned()))
            .collect();
        tables.insert(name, columns);
    }
    assert!(tables.len() > 30, "schema.rs was understood");
    tables
}

/// What one migration does, on one database.
fn sql(backend: &str, name: &str, way: &str) -> String {
    let folder = package_root().join("migrations").join(backend).join(name);
    fs::read_to_string(folder.join(format!("{way}.sql"))).expect("the migration is there")
}

/// Rows of an account each become named transports of the parent: its own the default, a child's the child's choice.
fn transports_are_carried_over(db: &Db, backend: &str) {
    const NAME: &str = "2026-11-24-000040_transports";
    migrate::up(db).expect("up");
    let now = DateTime::from_timestamp(1_790_000_000, 0).expect("an instant").naive_utc();
    let id = || Id::new(now.and_utc());
    let (parent, child, plain) = (id(), id(), id());
    let old = |conn: &mut AnyConnection, account: Id, kind: &str, host: &str, tls: &str, now: NaiveDateTime| {
        diesel::sql_query(
            "INSERT INTO transports (account_id, kind, host, port, tls, username, updated_at) \
             VALUES ($1, $2, $3, $4, $5, 'u', $6)",
        )
        .bind::<Binary, _>(account)
        .bind::<Text, _>(kind.to_owned())
        .bind::<Text, _>(host.to_owned())
        .bind::<Integer, _>(2525)
        .bind::<Text, _>(tls.to_owned())
        .bind::<Timestamp, _>(now)
        .execute(conn)
    };
    let carried = db.write(|conn| -> QueryResult<_> {
        for (id, parent, name) in [(parent, None, "Oak"), (child, Some(parent), "Twig"), (plain, Some(parent), "Twig")]
        {
            accounts::insert(conn, &Account::new(id, parent, name, "oak.example", now))?;
        }
        conn.batch_execute(&sql(backend, NAME, "down"))?;
        old(conn, parent, "smtp", "smtp.oak.example", "starttls", now)?;
        old(conn, child, "smtp", "smtp.twig.example", "none", now)?;
        old(conn, plain, "mailbox", "", "none", now)?;
        conn.batch_execute(&sql(backend, NAME, "up"))?;
        let effective = transports::effective(conn, child, Some(parent))?.expect("the child's");
        Ok((transports::all(conn, parent)?, transports::chosen(conn, parent)?, effective))
    });
    let (all, default, effective) = carried.expect("it is carried over");
    assert_eq!(all.len(), 3);
    let default = all.iter().find(|row| Some(row.id) == default).expect("a default");
    assert_eq!((default.name.as_str(), default.kind.as_str(), default.tls.as_str()), ("Default", "relay", "required"));
    assert_eq!((default.host.as_str(), default.port, default.username.as_str()), ("smtp.oak.example", 2525, "u"));
    assert!(effective.name.starts_with("Twig ") && effective.host == "smtp.twig.example", "{effective:?}");
}

#[test]
fn sqlite_carries_the_transports_of_accounts_over() {
    let dir = TempDir::new();
    let db = Db::open(&format!("sqlite://{}", dir.path().join("m.db").display()), 1).expect("it opens");
    transports_are_carried_over(&db, "sqlite");
}

#[test]
fn postgresql_carries_the_transports_of_accounts_over() {
    let Some(database) = TestPostgres::empty() else { return };
    let db = Db::open(&database.url(), 1).expect("it opens");
    transports_are_carried_over(&db, "postgres");
}
