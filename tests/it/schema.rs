//! Both engines hold the same numbered steps, and the same tables and columns after them; the steps are taken once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use msi_actions::app::sealed_columns;
use msi_actions::auth::{NewClient, Scopes, create_client};
use msi_actions::config::DatabaseSettings;
use msi_actions::db::Db;
use msi_actions::ids::InstanceId;
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::AssertSqlSafe;
use sqlx::migrate::Migrator;

use crate::support::{Engine, TestApp, TestDatabase, on_both_engines};

/// Columns of each table, read from the steps' text.
pub fn tables(engine: &str) -> BTreeMap<String, Vec<String>> {
    let mut tables = BTreeMap::new();
    for file in steps(engine) {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine).join(file)).unwrap();
        let mut table: Option<String> = None;
        for line in text.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("ALTER TABLE ") {
                let mut words = rest.split_whitespace();
                let altered = words.next().unwrap().to_owned();
                match (words.next(), words.next(), words.next()) {
                    (Some("ADD"), Some("COLUMN"), Some(column)) => tables.entry(altered).or_insert_with(Vec::new).push(column.to_owned()),
                    (Some("RENAME"), Some("TO"), Some(name)) => {
                        let columns = tables.remove(&altered).unwrap_or_else(|| panic!("{line}"));
                        assert!(tables.insert(name.trim_end_matches(';').to_owned(), columns).is_none(), "{line}");
                    }
                    (Some("RENAME"), Some("COLUMN"), Some(column)) => {
                        let name = words.nth(1).unwrap().trim_end_matches(';').to_owned();
                        let columns = tables.get_mut(&altered).unwrap();
                        *columns.iter_mut().find(|known| *known == column).unwrap() = name;
                    }
                    (Some("DROP"), Some("COLUMN"), Some(column)) => {
                        tables.get_mut(&altered).unwrap().retain(|known| known != column.trim_end_matches(';'));
                    }
                    (Some("ADD" | "DROP"), Some("CONSTRAINT"), _) => {}
                    _ => panic!("{line}"),
                }
            } else if let Some(rest) = line.strip_prefix("DROP TABLE ") {
                assert!(tables.remove(rest.trim_end_matches(';')).is_some(), "{line}");
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
    // SQLite makes a column anew where PostgreSQL changes it in its place.
    tables.values_mut().for_each(|columns| columns.sort());
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
fn every_sealed_column_is_declared_and_reencrypted_by_a_rotation() {
    let mut listed: Vec<_> = sealed_columns().iter().map(|one| (one.table.to_owned(), one.column.to_owned())).collect();
    // Sealed by a master key.
    listed.push(("data_keys".into(), "sealed_key".into()));
    listed.sort();
    let tables = tables("sqlite");
    let sealed = |(table, columns): (&String, &Vec<String>)| {
        let columns = columns.iter().filter(|column| column.starts_with("sealed_"));
        columns.map(|column| (table.clone(), column.clone())).collect::<Vec<_>>()
    };
    let mut there: Vec<_> = tables.iter().flat_map(sealed).collect();
    there.sort();
    assert_eq!(listed, there, "what app::sealed_columns lists and the schema's sealed_… columns must be the same");
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

    async fn the_step_to_partitions_keeps_the_people_of_all_instances(engine: Engine) {
        let directory = tempfile::tempdir().unwrap();
        let database = TestDatabase::create(engine, directory.path()).await;
        let settings = DatabaseSettings { url: database.url.clone(), max_connections: 2 };
        let db = Db::connect(&settings.resolve(directory.path()), 2).await.unwrap();
        let folder = if engine == Engine::Sqlite { "sqlite" } else { "postgres" };
        let steps = Migrator::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder)).await.unwrap();
        let ids = [1, 2].map(|number| InstanceId(uuid::Uuid::from_u128(number)));
        let id = |id: InstanceId| match engine {
            Engine::Sqlite => format!("X'{}'", id.0.simple()),
            Engine::Postgres => format!("'{}'", id.0),
        };
        let at = "'2026-06-01T12:00:00.000000Z'";
        let mut old = vec![];
        for (number, instance) in ids.iter().enumerate() {
            let key = id(*instance);
            old.push(format!(
                "INSERT INTO instances (id, munchkin_id, name, environment, login_management, language, msi_actions_enabled, \
                     salesforce_sync_configured, created_at, updated_at) \
                 VALUES ({key}, '10{number}-ABC-456', 'Old', 'production', 'salesforce_only', 'en', TRUE, TRUE, {at}, {at})"
            ));
            old.push(format!("INSERT INTO people_feeds (instance_id, last_change) VALUES ({key}, 7)"));
            for person in 1..=3 {
                old.push(format!(
                    "INSERT INTO people (instance_id, marketo_id, last_name, email, salesforce_contact_id, owner_id, run_id, synced_at, change_number) \
                     VALUES ({key}, {person}, 'Of {number}', 'p{person}' || '@' || 'example.com', '0035g00003Qc3DfAAJ', '0055g00003QbnlqAAB', {key}, {at}, {})",
                    person + 4
                ));
            }
        }
        match &db {
            Db::Sqlite { writer, .. } => steps.run_to(11, writer).await.unwrap(),
            Db::Postgres { pool, .. } => steps.run_to(11, pool).await.unwrap(),
        }
        for statement in old {
            match &db {
                Db::Sqlite { writer, .. } => drop(sqlx::query(AssertSqlSafe(statement)).execute(writer).await.unwrap()),
                Db::Postgres { pool, .. } => drop(sqlx::query(AssertSqlSafe(statement)).execute(pool).await.unwrap()),
            }
        }
        // The service takes the other steps when it starts.
        let app = TestApp::start(engine).await;
        let replica = app.replica_with(|settings| settings.database.url = database.url.clone()).await.unwrap();
        for (number, instance) in ids.into_iter().enumerate() {
            let mut tx = db.begin().await.unwrap();
            let new = NewClient { instance: None, name: "test".into(), scopes: Scopes::of_an_operator() };
            let (client, secret) = create_client(&mut tx, &*app.clock, new).await.unwrap();
            tx.commit().await.unwrap();
            let token = replica.narrowed_to(&(client.client_id, secret.expose_secret().to_owned()), instance).await;
            let people = replica.get(&token, "/v1/people").await.expect(200);
            let people: Vec<_> = people["data"].as_array().unwrap().iter().map(|one| (one["marketo_id"].clone(), one["last_name"].clone())).collect();
            let name = json!(format!("Of {number}"));
            assert_eq!(people, [1, 2, 3].map(|id| (json!(id), name.clone())));
            let found = replica.get(&token, "/v1/people?email=P2@example.com").await.expect(200);
            assert_eq!(found["data"][0]["marketo_id"], 2);
            let changes = replica.get(&token, "/v1/people/changes").await.expect(200);
            assert_eq!(changes["data"].as_array().unwrap().len(), 3, "{changes}");
        }
        replica.stop().await;
        db.close().await;
        app.stop().await;
    }
}
