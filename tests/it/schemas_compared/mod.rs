//! After all steps both engines have the same schema: types, NULL, defaults, keys, indexes, references and checks, as their catalogs tell.
//! A difference that is meant stands here with its reason.

mod expressions;
mod postgres;
mod sqlite;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use msi_actions::config::DatabaseSettings;
use msi_actions::db::Db;

use crate::support::{Engine, TestDatabase};

/// Tables and parts of tables that differ, as the test below names them, and why.
const MEANT: &[(&str, &str)] = &[
    ("schema_lock", "SQLite's writers wait for each other without it"),
    (
        r#"people reference ForeignKeyShape { columns: ["instance_id"], table: "instances", referenced: ["id"], on_delete: "NO ACTION" }"#,
        "PostgreSQL would look up the instance for each of a million rows; a partition is only made for an instance",
    ),
    ("sync_runs column state", "SQLite can't add a column without a default; no run is inserted without a state"),
];

/// A table, in words that both engines share.
#[derive(Debug, Default, PartialEq, Eq)]
struct TableShape {
    columns: BTreeMap<String, ColumnShape>,
    /// In order.
    primary_key: Vec<String>,
    /// Of the others; UNIQUE constraints are indexes too.
    indexes: BTreeSet<IndexShape>,
    foreign_keys: BTreeSet<ForeignKeyShape>,
    checks: BTreeSet<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct ColumnShape {
    /// As SQLite declares it.
    kind: String,
    is_nullable: bool,
    default: Option<String>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct IndexShape {
    columns: Vec<String>,
    is_unique: bool,
    predicate: Option<String>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ForeignKeyShape {
    columns: Vec<String>,
    table: String,
    referenced: Vec<String>,
    on_delete: String,
}

type Shapes = BTreeMap<String, TableShape>;

/// What differs: the name of each difference and both sides.
fn differences(sqlite: &Shapes, postgres: &Shapes) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for table in sqlite.keys().chain(postgres.keys()).collect::<BTreeSet<_>>() {
        let (Some(one), Some(other)) = (sqlite.get(table), postgres.get(table)) else {
            found.insert(table.clone(), format!("SQLite {}, PostgreSQL {}", sqlite.contains_key(table), postgres.contains_key(table)));
            continue;
        };
        let mut compare = |part: String, one: &dyn Debug, other: &dyn Debug| {
            let (one, other) = (format!("{one:?}"), format!("{other:?}"));
            if one != other {
                found.insert(format!("{table} {part}"), format!("SQLite {one}, PostgreSQL {other}"));
            }
        };
        for column in one.columns.keys().chain(other.columns.keys()).collect::<BTreeSet<_>>() {
            compare(format!("column {column}"), &one.columns.get(column), &other.columns.get(column));
        }
        compare("primary key".into(), &one.primary_key, &other.primary_key);
        // Each one by its own, so that one that is meant hides no other.
        for index in one.indexes.symmetric_difference(&other.indexes) {
            compare(format!("index {index:?}"), &one.indexes.contains(index), &other.indexes.contains(index));
        }
        for key in one.foreign_keys.symmetric_difference(&other.foreign_keys) {
            compare(format!("reference {key:?}"), &one.foreign_keys.contains(key), &other.foreign_keys.contains(key));
        }
        for check in one.checks.symmetric_difference(&other.checks) {
            compare(format!("check {check}"), &one.checks.contains(check), &other.checks.contains(check));
        }
    }
    found
}

async fn shapes(engine: Engine) -> Shapes {
    let directory = tempfile::tempdir().unwrap();
    let database = TestDatabase::create(engine, directory.path()).await;
    let settings = DatabaseSettings { url: database.url.clone(), max_connections: 2 };
    let db = Db::connect(&settings.resolve(directory.path()), 2).await.unwrap();
    db.migrate().await.unwrap();
    let shapes = match &db {
        Db::Sqlite { readers, .. } => sqlite::shapes(readers).await,
        Db::Postgres { pool, .. } => postgres::shapes(pool).await,
    };
    db.close().await;
    shapes
}

#[tokio::test]
async fn both_engines_have_the_same_types_keys_and_constraints() {
    let (sqlite, postgres) = (shapes(Engine::Sqlite).await, shapes(Engine::Postgres).await);
    assert!(sqlite.len() > 30, "{sqlite:?}");
    let differences = differences(&sqlite, &postgres);
    let is_meant = |what: &str| MEANT.iter().any(|(meant, _)| *meant == what);
    let unmeant: Vec<_> = differences.iter().filter(|(what, _)| !is_meant(what)).map(|(what, how)| format!("{what}: {how}")).collect();
    assert!(unmeant.is_empty(), "add a step to both engines' migrations that makes them one, or list it as meant:\n{}", unmeant.join("\n"));
    let gone: Vec<_> = MEANT.iter().filter(|(what, _)| !differences.contains_key(*what)).collect();
    assert!(gone.is_empty(), "not different any more: {gone:?}");
}

#[test]
fn every_kind_of_difference_is_found() {
    let shape = |change: fn(&mut TableShape)| {
        let column = ColumnShape { kind: "TEXT".into(), is_nullable: false, default: None };
        let mut shape = TableShape { columns: BTreeMap::from([("a".to_owned(), column)]), ..TableShape::default() };
        change(&mut shape);
        BTreeMap::from([("t".to_owned(), shape)])
    };
    let found = |change: fn(&mut TableShape)| differences(&shape(|_| ()), &shape(change)).into_keys().collect::<Vec<_>>();
    assert!(found(|_| ()).is_empty());
    assert_eq!(found(|table| table.columns.get_mut("a").unwrap().kind = "BLOB".into()), ["t column a"]);
    assert_eq!(found(|table| table.columns.get_mut("a").unwrap().is_nullable = true), ["t column a"]);
    assert_eq!(found(|table| table.columns.get_mut("a").unwrap().default = Some("0".into())), ["t column a"]);
    assert_eq!(found(|table| table.primary_key.push("a".into())), ["t primary key"]);
    assert_eq!(found(|table| table.checks = BTreeSet::from(["a > 0".to_owned()])), ["t check a > 0"]);
    let index = |table: &mut TableShape| {
        table.indexes.insert(IndexShape { columns: vec!["a".into()], is_unique: true, predicate: None });
    };
    assert_eq!(found(index), [r#"t index IndexShape { columns: ["a"], is_unique: true, predicate: None }"#]);
    let key = |table: &mut TableShape| {
        let columns = vec!["a".to_owned()];
        table.foreign_keys.insert(ForeignKeyShape { referenced: columns.clone(), columns, table: "u".into(), on_delete: "CASCADE".into() });
    };
    assert_eq!(found(key).len(), 1);
    assert_eq!(differences(&shape(|_| ()), &BTreeMap::new()).into_keys().collect::<Vec<_>>(), ["t"]);
}
