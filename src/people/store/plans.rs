//! Tests that every query of people uses its index: with 1.5 million people, one that does not is an outage. PostgreSQL's plans depend on
//! its statistics; SQLite plans by the indexes alone, so its plans can be tested.

use sqlx::{AssertSqlSafe, Row};

use super::{feed, lookup, names, read};
use crate::config::DatabaseUrl;
use crate::db::{self, Db};

/// Finds the steps of the plan that read people.
async fn plan(db: &Db, sql: &str) -> Vec<String> {
    let Db::Sqlite { readers, .. } = db else { return Vec::new() };
    let rows = db::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).fetch_all(readers).await.unwrap();
    let steps = rows.iter().map(|row| row.get::<String, _>("detail"));
    steps.filter(|step| step.contains(" people") && (step.starts_with("SEARCH") || step.starts_with("SCAN"))).collect()
}

#[tokio::test]
async fn every_query_of_people_uses_its_index() {
    let directory = tempfile::tempdir().unwrap();
    let db = Db::connect(&DatabaseUrl::Sqlite(directory.path().join("plans.db")), 1).await.unwrap();
    db.migrate().await.unwrap();
    let own = "sqlite_autoindex_people_1 (instance_id=? AND marketo_id";
    let (_, one) = &lookup::STATEMENTS[0];
    for (sql, indexes) in [
        (read::ALL.as_str(), vec![own]),
        (read::BY_MARKETO_ID.as_str(), vec![own]),
        (
            read::BY_SALESFORCE_ID.as_str(),
            vec![
                "people_by_contact (instance_id=? AND salesforce_contact_id=?)",
                "people_by_lead (instance_id=? AND salesforce_lead_id=?)",
            ],
        ),
        (read::BY_EMAIL.as_str(), vec!["people_by_email (instance_id=? AND <expr>=?)"]),
        (
            names::SQLITE.as_str(),
            vec![
                "people_by_full_name (instance_id=? AND <expr>>? AND <expr><?)",
                "people_by_last_name (instance_id=? AND <expr>>? AND <expr><?)",
            ],
        ),
        (
            one.as_str(),
            vec![
                "people_by_contact (instance_id=? AND salesforce_contact_id=?)",
                "people_by_lead (instance_id=? AND salesforce_lead_id=?)",
            ],
        ),
        (
            feed::CHANGES.as_str(),
            vec![
                "people_by_change (instance_id=? AND (change_number,marketo_id)>(?,?))",
                "people_removed_by_change (instance_id=? AND (change_number,marketo_id)>(?,?))",
            ],
        ),
    ] {
        // The scan of a derived table has the same name as one of the table itself; that one would lack its index below.
        let steps: Vec<_> = plan(&db, sql).await.into_iter().filter(|step| step != "SCAN people").collect();
        assert_eq!(steps.len(), indexes.len(), "{sql}: {steps:?}");
        for (step, index) in steps.iter().zip(indexes) {
            assert!(step.contains(index), "{sql}: {step}");
        }
    }
    db.close().await;
}
