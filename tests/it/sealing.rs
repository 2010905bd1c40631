//! What is sealed in the database, and how its keys change while the service runs.

use msi_actions::app::sealed_columns;
use msi_actions::db::Db;
use msi_actions::vault::{self, DataKeyRotation, MasterKey, MasterKeys, SealedRowKey, VaultError, rotate_master_key};
use reqwest::Method;
use serde_json::json;
use sqlx::AssertSqlSafe;
use time::Duration;

use crate::support::{Engine, FIRST_USER, TestApp, eventually, on_both_engines};

/// An instance with something sealed in every table; a token for it.
async fn scene(engine: Engine) -> (TestApp, String) {
    let app = TestApp::start_guided(engine, 10).await;
    let token = app.guided_instance().await;
    let invite = app.call(&token, Method::POST, "/v1/invites/first", Some(json!({ "email": FIRST_USER }))).await.expect(201);
    app.message_of(&token, &invite).await;
    app.connect_both(&token).await;
    (app, token)
}

/// Uses everything that is sealed.
async fn everything_opens(app: &TestApp, token: &str) {
    for vendor in ["salesforce", "marketo"] {
        let tested = app.call(token, Method::POST, &format!("/v1/connections/{vendor}/test"), None).await.expect(200);
        assert_eq!(tested["ok"], true, "{vendor}: {tested}");
    }
    app.call(token, Method::GET, "/v1/marketo/admins", None).await.expect(200);
}

pub async fn bytes(app: &TestApp, statement: &str) -> Vec<Vec<u8>> {
    match app.db() {
        Db::Sqlite { readers, .. } => sqlx::query_scalar(AssertSqlSafe(statement)).fetch_all(readers).await.unwrap(),
        Db::Postgres { pool, .. } => sqlx::query_scalar(AssertSqlSafe(statement)).fetch_all(pool).await.unwrap(),
    }
}

async fn put(app: &TestApp, statement: &str, value: &[u8]) {
    match app.db() {
        Db::Sqlite { writer, .. } => drop(sqlx::query(AssertSqlSafe(statement)).bind(value).execute(writer).await.unwrap()),
        Db::Postgres { pool, .. } => drop(sqlx::query(AssertSqlSafe(statement)).bind(value).execute(pool).await.unwrap()),
    }
}

/// The data keys that seal something, but for what expires by itself.
async fn keys_in_use(app: &TestApp) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    for column in sealed_columns() {
        if column.row_key != SealedRowKey::Expires {
            let statement = format!("SELECT substr({0}, 2, 16) FROM {1} WHERE {0} IS NOT NULL", column.column, column.table);
            keys.extend(bytes(app, &statement).await);
        }
    }
    keys.sort();
    keys.dedup();
    keys
}

async fn rotate_data_key(app: &TestApp) -> Result<DataKeyRotation, VaultError> {
    let mut tx = app.db().begin().await?;
    let rotation = vault::rotate_data_key(&mut tx, &app.master_keys(), &*app.clock).await?;
    tx.commit().await?;
    Ok(rotation)
}

fn masters(current: &MasterKey, old: Option<&str>) -> MasterKeys {
    MasterKeys::parse(&current.to_text(), &old.unwrap_or_default().into()).unwrap()
}

on_both_engines! {
    async fn rotating_the_data_key_reencrypts_everything_while_all_serve(engine: Engine) {
        let (app, token) = scene(engine).await;
        let replica = app.replica().await;
        let before = keys_in_use(&app).await;
        assert_eq!(before.len(), 1);
        rotate_data_key(&app).await.unwrap();
        everything_opens(&app, &token).await;
        assert!(matches!(rotate_data_key(&app).await, Err(VaultError::RotationUnderWay)), "one at a time");
        eventually("every process knows the new key", async || {
            let said = [app.get("/readyz").await, replica.get(&token, "/readyz").await];
            said.iter().all(|answer| answer.text.contains("data keys known: 2"))
        }).await;
        app.clock.advance(Duration::seconds(61));
        eventually("everything is sealed by the new key", async || {
            let now = keys_in_use(&app).await;
            now.len() == 1 && now != before
        }).await;
        everything_opens(&app, &token).await;
        replica.get(&token, "/v1/marketo/admins").await.expect(200);

        app.clock.advance(Duration::minutes(16));
        eventually("the old key is forgotten", async || bytes(&app, "SELECT sealed_key FROM data_keys").await.len() == 1).await;
        let fresh = app.narrowed_again(&token).await;
        everything_opens(&app, &fresh).await;
        let restarted = app.replica().await;
        restarted.get(&fresh, "/v1/marketo/admins").await.expect(200);
        restarted.stop().await;
        replica.stop().await;
        app.stop().await;
    }

    async fn a_value_that_does_not_open_keeps_no_other_from_being_reencrypted(engine: Engine) {
        let (app, token) = scene(engine).await;
        let before = keys_in_use(&app).await;
        let mut value = bytes(&app, "SELECT sealed_secret FROM integration_clients").await.remove(0);
        *value.last_mut().unwrap() ^= 1;
        put(&app, "UPDATE integration_clients SET sealed_secret = $1", &value).await;
        rotate_data_key(&app).await.unwrap();
        app.clock.advance(Duration::seconds(61));
        let others = "SELECT substr(sealed_access_token, 2, 16) FROM marketo_connections";
        eventually("the others are sealed by the new key", async || bytes(&app, others).await != before).await;
        assert_eq!(bytes(&app, "SELECT sealed_secret FROM integration_clients").await, [value]);
        everything_opens(&app, &token).await;
        app.stop().await;
    }

    async fn another_master_key_takes_over_while_serving_and_the_old_one_can_go(engine: Engine) {
        let (app, token) = scene(engine).await;
        let new = MasterKey::generate("new".into());
        let old = app.master_key_text();
        let mut tx = app.db().begin().await.unwrap();
        assert_eq!(rotate_master_key(&mut tx, &masters(&new, Some(&old))).await.unwrap().len(), 1);
        tx.commit().await.unwrap();
        everything_opens(&app, &token).await;
        let restarted = app.replica_with(|settings| settings.secrets.master_key = new.to_text()).await.unwrap();
        restarted.get(&token, "/v1/marketo/admins").await.expect(200);
        restarted.stop().await;
        let refused = app.replica_with(|_| {}).await.err().unwrap();
        assert!(refused.contains("secrets.master_key") && refused.contains("\"new\""), "{refused}");
        everything_opens(&app, &token).await;
        app.stop().await;
    }

    async fn a_tampered_value_is_a_problem_document_and_the_rest_goes_on(engine: Engine) {
        let (app, token) = scene(engine).await;
        let table = "UPDATE integration_clients SET sealed_secret = $1";
        let good = bytes(&app, "SELECT sealed_secret FROM integration_clients").await.remove(0);
        // The version, the data key's id, the nonce, the value, the tag; and a value cut short.
        let mut tampered: Vec<_> = [0, 1, 16, 17, 28, 29, good.len() - 1].into_iter().map(|at| {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            bytes
        }).collect();
        tampered.extend([good[..20].to_vec(), Vec::new()]);
        for value in tampered {
            put(&app, table, &value).await;
            let problem = app.call(&token, Method::POST, "/v1/instance/integration-information/reveal-secret", None).await.problem(500, "internal_error");
            assert!(problem["detail"].as_str().unwrap().contains("stored secret"), "{problem}");
        }
        put(&app, table, &good).await;
        app.call(&token, Method::POST, "/v1/instance/integration-information/reveal-secret", None).await.expect(200);
        everything_opens(&app, &token).await;
        app.stop().await;
    }
}

#[test]
fn a_copied_database_shows_no_secret() {
    crate::support::run(async {
        let (app, token) = scene(Engine::Sqlite).await;
        let card = app.call(&token, Method::POST, "/v1/instance/integration-information/reveal-secret", None).await.expect(200);
        let secret = card["client_secret"].as_str().unwrap().to_owned();
        let master = app.master_key_text();
        // What the vendors gave out begins so; the sandbox's own secrets are known.
        let planted = ["sandbox-marketo-secret", "5Aep861", "!AQ", &secret, master.split_once(':').unwrap().1];
        let mut searched = 0;
        for file in ["test.db", "test.db-wal"] {
            let content = std::fs::read(app.directory.path().join(file)).unwrap_or_default();
            searched += content.len();
            for text in planted {
                assert!(!content.windows(text.len()).any(|part| part == text.as_bytes()), "{text} is in {file}");
            }
        }
        assert!(searched > 50_000, "the database was looked into");
        app.stop().await;
    });
}
