//! Both engines hold the same numbered steps, and the same tables and columns after them; the steps are taken once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use msi_actions::config::DatabaseSettings;
use msi_actions::db::Db;
use msi_actions::db::sealed::SEALED_COLUMNS;

use crate::support::{TestDatabase, on_both_engines};

/// Columns of each table, read from the steps' text.
fn tables(engine: &str) -> BTreeMap<String, Vec<String>> {
    let mut tables = BTreeMap::new();
    for file in steps(engine) {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine).join(file)).unwrap();
        let mut table: Option<String> = None;
        for line in text.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("ALTER TABLE ") {
                let mut words = rest.split_whitespace();
                let altered = words.next().unwrap().to_owned();
                assert_eq!((words.next(), words.next()), (Some("ADD"), Some("COLUMN")), "{line}");
                tables.entry(altered).or_insert_with(Vec::new).push(words.next().unwrap().to_owned());
            } else if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
                table = Some(rest.split_whitespace().next().unwrap().to_owned());
            } else if line.starts_with(')') {
                table = None;
            } else if let (Some(table), false) = (&table, line.starts_with("--") || line.is_empty()) {
                let first = line.split_whitespace().next().unwrap();
                if first.chars().all(|one| one.is_ascii_lowercase() || one == '_' || one.is_ascii_digit()) {
                    tables.entry(table.clone()).or_insert_with(Vec::new).push(first.to_owned());
                }
            }
        }
    }
    tables
}

fn steps(engine: &str) -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
    let mut names: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn both_engines_have_the_same_steps_tables_and_columns() {
    assert_eq!(steps("sqlite"), steps("postgres"));
    let (sqlite, postgres) = (tables("sqlite"), tables("postgres"));
    assert!(sqlite.len() > 10, "{sqlite:?}");
    assert_eq!(sqlite, postgres);
}

#[test]
fn every_sealed_column_is_in_the_list_of_what_a_new_data_key_seals_anew() {
    let mut listed: Vec<_> = SEALED_COLUMNS.iter().map(|one| (one.table.to_owned(), one.column.to_owned())).collect();
    listed.sort();
    let tables = tables("sqlite");
    let sealed = |(table, columns): (&String, &Vec<String>)| {
        let columns = columns.iter().filter(|column| column.starts_with("sealed_"));
        columns.map(|column| (table.clone(), column.clone())).collect::<Vec<_>>()
    };
    let mut there: Vec<_> = tables.iter().flat_map(sealed).collect();
    there.sort();
    assert_eq!(listed, there, "SEALED_COLUMNS in src/db/sealed.rs and the schema's sealed_… columns must be the same");
}

on_both_engines! {
    async fn processes_that_start_at_once_on_an_empty_database_take_each_step_once(engine: Engine) {
        let directory = tempfile::tempdir().unwrap();
        let database = TestDatabase::create(engine, directory.path()).await;
        let starts = (0..4).map(|_| {
            let settings = DatabaseSettings { url: database.url.clone(), max_connections: 2 };
            let url = settings.resolve(directory.path());
            tokio::spawn(async move {
                let db = Db::connect(&url, 2).await.unwrap();
                db.migrate().await.unwrap();
                let (known, applied) = db.schema_version().await.unwrap();
                db.close().await;
                assert_eq!(known, applied);
            })
        });
        for start in starts.collect::<Vec<_>>() {
            start.await.unwrap();
        }
    }
}
