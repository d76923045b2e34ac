//! Paired migrations: the same names, up and down and up again, and the tables that schema.rs believes in.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use canopy::models::{AnyConnection, Db, migrate};
use diesel::prelude::*;
use diesel::sql_types::Text;

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
