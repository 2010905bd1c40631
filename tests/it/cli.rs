//! The command line: the real binary, as an operator runs it.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::{Engine, Server, TestDatabase, binary};

fn run(directory: &Path, arguments: &[&str]) -> Output {
    binary(directory).args(arguments).output().unwrap()
}

#[track_caller]
fn refused(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn help_names_every_command() {
    let directory = tempfile::tempdir().unwrap();
    let help = printed(&run(directory.path(), &["--help"]));
    for command in ["serve", "demo", "sandbox", "migrate", "client", "keys", "jobs", "audit", "openapi"] {
        assert!(help.contains(command), "{command}: {help}");
    }
}

#[test]
fn wrong_settings_stop_the_start_and_each_is_named_with_an_example() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("settings.toml"), "[server]\npublic_url = \"ftp://x\"\n[sync]\nwindow_days = 40\n").unwrap();
    let said = refused(&run(directory.path(), &["serve", "--config", "settings.toml"]));
    assert!(said.contains("server.public_url") && said.contains("https://actions.example.com"), "{said}");
    assert!(said.contains("sync.window_days") && said.contains("MSI_SYNC__WINDOW_DAYS"), "{said}");
    assert!(!directory.path().join("msi-actions-data").exists(), "nothing was made");

    let unknown = binary(directory.path()).args(["serve"]).env("MSI_SERVER__ADRESS", "x").output().unwrap();
    assert!(refused(&unknown).contains("adress"), "{unknown:?}");
    let missing = refused(&run(directory.path(), &["serve", "--config", "nowhere.toml"]));
    assert!(missing.contains("nowhere.toml"), "{missing}");
}

#[test]
fn a_secret_of_digits_only_stays_a_text() {
    let directory = tempfile::tempdir().unwrap();
    let output = binary(directory.path()).args(["migrate"]).env("MSI_SALESFORCE__CLIENT_SECRET", "1234567890123456789").output().unwrap();
    printed(&output);
}

#[test]
fn postgres_without_a_master_key_does_not_start_and_says_how_to_make_one() {
    crate::support::run(async {
        let directory = tempfile::tempdir().unwrap();
        let database = TestDatabase::create(Engine::Postgres, directory.path()).await;
        let said = refused(&run(directory.path(), &["serve", "--database-url", &database.url, "--listen", "127.0.0.1:0"]));
        assert!(said.contains("secrets.master_key") && said.contains("keys generate"), "{said}");
    });
}

#[test]
fn a_wrong_master_key_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Server::start(directory.path());
    server.stop();
    let key = printed(&run(directory.path(), &["keys", "generate", "--id", "other"]));
    assert!(key.starts_with("other:"));
    let output =
        binary(directory.path()).args(["serve", "--listen", "127.0.0.1:0"]).env("MSI_SECRETS__MASTER_KEY", key.trim()).output().unwrap();
    let said = refused(&output);
    assert!(said.contains("secrets.master_key") && said.contains("other"), "{said}");
    assert!(!said.contains(key.trim()), "the key itself is not repeated");
}

/// Everything in the data directory, by name.
fn contents(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(directory.join("msi-actions-data"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn a_wrong_or_missing_master_key_stops_the_start_and_touches_nothing() {
    let directory = tempfile::tempdir().unwrap();
    Server::start(directory.path()).stop();
    let file = directory.path().join("msi-actions-data/master.key");
    let right = std::fs::read_to_string(&file).unwrap();
    // The same id with other bytes, and another id. The schema is of an older version, which must stay.
    let id = right.split_once(':').unwrap().0;
    let database = directory.path().join("msi-actions-data/msi-actions.db");
    undo_last_step(&database);
    let before = contents(directory.path());
    let wrong = printed(&run(directory.path(), &["keys", "generate", "--id", id]));
    for command in
        [&["serve", "--listen", "127.0.0.1:0"][..], &["keys", "rotate"], &["keys", "rotate", "--data"], &["keys", "rotate-signing"]]
    {
        let output = binary(directory.path()).args(command).env("MSI_SECRETS__MASTER_KEY", wrong.trim()).output().unwrap();
        let said = refused(&output);
        assert!(said.contains("secrets.master_key") && said.contains("is not the one"), "{said}");
        assert!(contents(directory.path()) == before, "{command:?} changed something");
    }
    std::fs::remove_file(&file).unwrap();
    let said = refused(&run(directory.path(), &["serve", "--listen", "127.0.0.1:0"]));
    assert!(said.contains("secrets.master_key") && said.contains(id) && said.contains("master.key is not there"), "{said}");
    assert!(!file.exists(), "no other key is made in its place");
    std::fs::write(&file, right).unwrap();
    assert!(contents(directory.path()) == before);
}

/// Makes the database look as if the newest step had not been taken.
fn undo_last_step(database: &Path) {
    crate::support::run(async {
        use sqlx::Connection;
        let url = format!("sqlite://{}", database.display());
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let newest = "DELETE FROM _sqlx_migrations WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)";
        sqlx::query(newest).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

#[test]
fn secrets_and_signing_keys_are_rotated_with_an_overlap() {
    let directory = tempfile::tempdir().unwrap();
    printed(&run(directory.path(), &["migrate"]));
    let made: Value = serde_json::from_str(&printed(&run(directory.path(), &["client", "create", "--name", "x", "--operator"]))).unwrap();
    let id = made["client_id"].as_str().unwrap();
    printed(&run(directory.path(), &["client", "rotate", id, "--keep-old-for", "24h"]));
    for wrong in ["8d", "24", "h", "", "-1h", "1é"] {
        let said = refused(&run(directory.path(), &["client", "rotate", id, &format!("--keep-old-for={wrong}")]));
        assert!(said.contains("--keep-old-for"), "{wrong}: {said}");
    }
    Server::start(directory.path()).stop();
    assert!(printed(&run(directory.path(), &["keys", "rotate-signing"])).contains("signs from"));
    assert!(refused(&run(directory.path(), &["keys", "rotate-signing"])).contains("waits for its time"));
    assert!(printed(&run(directory.path(), &["keys", "rotate", "--data"])).contains("re-encrypts everything"));
    assert!(refused(&run(directory.path(), &["keys", "rotate", "--data"])).contains("try again later"));
    assert_rotations_audited(directory.path(), &["signing_key.rotated", "data_key.rotated"]);
}

/// Asserts which rotations of keys the audit has, in order.
fn assert_rotations_audited(directory: &Path, expected: &[&str]) {
    crate::support::run(async {
        use sqlx::Connection;
        let url = format!("sqlite://{}", directory.join("msi-actions-data/msi-actions.db").display());
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let statement = "SELECT action FROM audit_events WHERE action LIKE '%key.rotated' ORDER BY number";
        let actions: Vec<String> = sqlx::query_scalar(statement).fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        assert_eq!(actions, expected);
    })
}

#[test]
fn keys_rotate_lets_a_new_master_key_take_over() {
    let directory = tempfile::tempdir().unwrap();
    Server::start(directory.path()).stop();
    let old = std::fs::read_to_string(directory.path().join("msi-actions-data/master.key")).unwrap();
    let new = printed(&run(directory.path(), &["keys", "generate", "--id", "k2"]));
    let rotate = binary(directory.path())
        .args(["keys", "rotate"])
        .env("MSI_SECRETS__MASTER_KEY", new.trim())
        .env("MSI_SECRETS__OLD_MASTER_KEYS", old.trim())
        .output()
        .unwrap();
    assert!(printed(&rotate).contains("1 data key"), "{rotate:?}");
    assert_rotations_audited(directory.path(), &["master_key.rotated"]);
    let refused_now = refused(&run(directory.path(), &["serve", "--listen", "127.0.0.1:0"]));
    assert!(refused_now.contains("k2"), "the old key opens nothing any more: {refused_now}");
    let mut server = Server::start_with(directory.path(), &[("MSI_SECRETS__MASTER_KEY", new.trim())]);
    server.stop();
}

#[test]
fn clients_are_made_listed_rotated_and_revoked() {
    let directory = tempfile::tempdir().unwrap();
    printed(&run(directory.path(), &["migrate"]));
    let made: Value =
        serde_json::from_str(&printed(&run(directory.path(), &["client", "create", "--name", "admin page", "--operator"]))).unwrap();
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    let listed = printed(&run(directory.path(), &["client", "list"]));
    assert!(listed.contains(id) && !listed.contains(secret), "{listed}");
    let rotated: Value = serde_json::from_str(&printed(&run(directory.path(), &["client", "rotate", id]))).unwrap();
    assert_ne!(rotated["client_secret"].as_str().unwrap(), secret);
    printed(&run(directory.path(), &["client", "revoke", id]));
    assert!(refused(&run(directory.path(), &["client", "revoke", id])).contains(id));
    assert!(refused(&run(directory.path(), &["client", "create", "--name", "x"])).contains("--operator"));
    let nowhere = ["client", "create", "--name", "x", "--instance", "0190b0a0-0000-7000-8000-000000000000"];
    assert!(refused(&run(directory.path(), &nowhere)).contains("there is no instance"));
    assert!(
        refused(&run(directory.path(), &["client", "create", "--name", "x", "--operator", "--scopes", "all:things"]))
            .contains("all:things")
    );
}

#[test]
fn serving_an_empty_directory_works_and_says_what_was_chosen() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Server::start(directory.path());
    assert!(server.first_line.contains("SQLite"), "{}", server.first_line);
    assert!(directory.path().join("msi-actions-data/msi-actions.db").exists());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(directory.path().join("msi-actions-data/master.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "only its owner can read the key");
    }
    let code = server.stop();
    assert_eq!(code, Some(0), "told to stop, it stops cleanly");
}

#[test]
fn migrate_says_where_the_schema_is() {
    let directory = tempfile::tempdir().unwrap();
    assert!(printed(&run(directory.path(), &["migrate"])).contains("SQLite is at schema step"));
}

#[test]
fn what_a_client_may_call_at_the_vendors_is_set_shown_and_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| run(directory.path(), arguments);
    printed(&run(&["migrate"]));
    let made = printed(&run(&["client", "create", "--name", "erp", "--operator", "--allow", "salesforce GET /services/data/"]));
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!(made["allow"], serde_json::json!(["salesforce GET /services/data"]));
    let id = made["client_id"].as_str().unwrap();
    let wrong = refused(&run(&["client", "allow", id, "marketo GET /identity/oauth/token"]));
    assert!(wrong.contains("is no rule") && wrong.contains("/userservice"), "{wrong}");
    printed(&run(&["client", "allow", id, "marketo ANY /rest/v1", "marketo GET /bulk"]));
    let listed: Value = serde_json::from_str(&printed(&run(&["client", "list"]))).unwrap();
    assert_eq!(listed["allow"], serde_json::json!(["marketo ANY /rest/v1", "marketo GET /bulk"]));
    printed(&run(&["client", "allow", id]));
    let listed: Value = serde_json::from_str(&printed(&run(&["client", "list"]))).unwrap();
    assert_eq!(listed["allow"], serde_json::json!([]));
    assert!(refused(&run(&["client", "allow", "msi_nobody"])).contains("there is no client"));
}

/// Commands that work on what a service has stored.
const ON_EXISTING: &[&[&str]] = &[
    &["client", "create", "--name", "x", "--operator"],
    &["client", "list"],
    &["client", "allow", "msi_x"],
    &["client", "rotate", "msi_x"],
    &["client", "revoke", "msi_x"],
    &["keys", "rotate"],
    &["keys", "rotate", "--data"],
    &["keys", "rotate-signing"],
    &["audit", "verify"],
    &["mail", "test", "--to", "nobody@example.com"],
];

#[test]
fn commands_refuse_a_database_that_no_service_has_begun() {
    let directory = tempfile::tempdir().unwrap();
    for command in ON_EXISTING {
        let said = refused(&run(directory.path(), &[command, &["--data-dir", "typo"][..]].concat()));
        assert!(said.contains("typo") && said.contains("--data-dir") && said.contains("msi-actions serve"), "{command:?}: {said}");
        assert!(!directory.path().join("typo").exists(), "{command:?} made something");
    }
    let create = ON_EXISTING[0];
    assert!(refused(&run(directory.path(), create)).contains("--create-database"));
    printed(&run(directory.path(), &[create, &["--create-database"][..]].concat()));
    printed(&run(directory.path(), create));
}

#[test]
fn commands_refuse_a_schema_of_postgres_that_no_service_has_begun() {
    crate::support::run(async {
        let directory = tempfile::tempdir().unwrap();
        let database = TestDatabase::create(Engine::Postgres, directory.path()).await;
        for command in [ON_EXISTING[0], ON_EXISTING[1], &["audit", "verify"]] {
            let said = refused(&run(directory.path(), &[command, &["--database-url", &database.url][..]].concat()));
            assert!(said.contains("no service has begun") && said.contains("database.url"), "{command:?}: {said}");
        }
        printed(&run(directory.path(), &[ON_EXISTING[0], &["--create-database", "--database-url", &database.url][..]].concat()));
        printed(&run(directory.path(), &["client", "list", "--database-url", &database.url]));
    });
}

#[test]
fn a_postgres_that_refuses_connections_is_named_by_host_and_port() {
    let directory = tempfile::tempdir().unwrap();
    let url = "postgres://msi:hunter2@127.0.0.1:1/msi";
    let said = refused(&run(directory.path(), &["migrate", "--database-url", url]));
    for part in ["database.url", "127.0.0.1:1", "refuses the connection", "Start PostgreSQL"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("hunter2") && !said.contains("pool"), "{said}");
    let said = refused(&run(directory.path(), &["migrate", "--database-url", "postgres://msi:hunter2@nowhere.invalid/msi"]));
    assert!(said.contains("nowhere.invalid:5432 can't be reached") && !said.contains("hunter2"), "{said}");
}

#[test]
fn a_missing_database_of_postgres_is_named_with_how_to_create_it() {
    crate::support::run(async {
        let directory = tempfile::tempdir().unwrap();
        let mut url = url::Url::parse(&TestDatabase::create(Engine::Postgres, directory.path()).await.url).unwrap();
        url.set_path("/msi_nowhere");
        let said = refused(&run(directory.path(), &["migrate", "--database-url", url.as_str()]));
        assert!(said.contains("has no database \"msi_nowhere\"") && said.contains("CREATE DATABASE \"msi_nowhere\""), "{said}");
        assert!(!said.contains("line"), "{said}");
    });
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("notes.txt"), "not a database, but long enough to be looked at".repeat(100)).unwrap();
    let said = refused(&run(directory.path(), &["migrate", "--database-url", "sqlite://notes.txt"]));
    assert!(said.contains("database.url: can't open the SQLite file notes.txt") && said.contains("not a database"), "{said}");
}

#[test]
fn a_flag_with_a_wrong_value_is_named_with_an_example() {
    let directory = tempfile::tempdir().unwrap();
    for command in ["serve", "sandbox"] {
        let said = refused(&run(directory.path(), &[command, "--listen", "4290"]));
        assert!(said.contains("--listen") && said.contains("127.0.0.1:4290"), "{said}");
    }
    let said = refused(&run(directory.path(), &["serve", "--public-url", "actions.example.com"]));
    assert!(said.contains("--public-url (server.public_url)") && said.contains("https://actions.example.com"), "{said}");
    let said = refused(&binary(directory.path()).args(["serve"]).env("MSI_SERVER__ADRESS", "x").output().unwrap());
    assert!(said.contains("server.adress: there is no setting of this name in server") && said.contains("in the environment"), "{said}");
    assert!(!said.contains('`'), "{said}");
}
