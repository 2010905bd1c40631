//! The command line: the real binary, as an operator runs it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::{Engine, TestDatabase};

fn binary(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_msi-actions"));
    command.current_dir(directory).env_clear().env("PATH", std::env::var("PATH").unwrap_or_default());
    command
}

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
    for command in ["serve", "demo", "sandbox", "migrate", "client", "keys", "openapi"] {
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
    let output =
        binary(directory.path()).args(["client", "list"]).env("MSI_SALESFORCE__CLIENT_SECRET", "1234567890123456789").output().unwrap();
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
fn another_master_key_than_the_one_that_sealed_the_database_stops_the_start() {
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
    let refused_now = refused(&run(directory.path(), &["serve", "--listen", "127.0.0.1:0"]));
    assert!(refused_now.contains("k2"), "the old key opens nothing any more: {refused_now}");
    let mut server = Server::start_with(directory.path(), &[("MSI_SECRETS__MASTER_KEY", new.trim())]);
    server.stop();
}

#[test]
fn clients_are_made_listed_rotated_and_revoked() {
    let directory = tempfile::tempdir().unwrap();
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

/// `serve`, running.
struct Server {
    child: std::process::Child,
    first_line: String,
}

impl Server {
    fn start(directory: &Path) -> Self {
        Self::start_with(directory, &[])
    }

    fn start_with(directory: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = binary(directory);
        command.args(["serve", "--listen", "127.0.0.1:0"]).envs(variables.iter().copied()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first_line = lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("Running at")).expect("it starts");
        // Read on, so that the server never waits for a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, first_line }
    }

    fn stop(&mut self) -> Option<i32> {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_a_client_may_call_at_the_vendors_is_set_shown_and_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| run(directory.path(), arguments);
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
