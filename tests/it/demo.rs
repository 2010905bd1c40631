//! `msi-actions demo`: the guide played to its end, with figures that are true, and what `--seed` adds.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use msi_actions::config::Settings;
use serde_json::{Value, json};

use crate::support::{Answer, binary};

#[test]
fn the_demo_follows_everything_it_begins_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let output = binary(directory.path()).args(["demo", "--people", "60", "--exit"]).output().unwrap();
    let (said, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{why}");
    for figure in [
        "60 people read, ",
        "2 of 2 addresses of a list were invited",
        "2 of its 3 rows can be invited",
        "2 of 3 rows were invited; row 4 has no valid address",
        "4 more people were invited",
        "All 7 steps are done",
    ] {
        assert!(said.contains(figure), "{figure}: {said}");
    }
}

/// `demo --seed`, running on.
struct SeededDemo {
    child: Child,
    said: String,
}

impl SeededDemo {
    fn start(directory: &std::path::Path) -> Self {
        let mut command = binary(directory);
        let mut child = command.args(["demo", "--seed", "--people", "60"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut said = String::new();
        for line in lines.by_ref() {
            said = said + &line + "\n";
            if line.starts_with("It stops with Ctrl-C") {
                return Self { child, said };
            }
        }
        let _ = child.wait();
        panic!("it ended: {said}");
    }

    /// What stands behind `label` on its line.
    fn said_of(&self, label: &str) -> &str {
        let line = self.said.lines().rev().find_map(|line| line.strip_prefix(label));
        line.unwrap_or_else(|| panic!("{label} is missing: {}", self.said)).trim()
    }

    fn stop(mut self) {
        let interrupted = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(interrupted.success() && self.child.wait().unwrap().success());
    }
}

impl Drop for SeededDemo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many entries of a list have which value of a field.
fn count_by(listed: &Value, field: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for one in listed["data"].as_array().unwrap() {
        *counts.entry(one[field].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seeded_service_holds_something_in_every_state() {
    let directory = tempfile::tempdir().unwrap();
    let demo = tokio::task::block_in_place(|| SeededDemo::start(directory.path()));
    let http = Settings::load(None, &[]).unwrap().upstream.http_client().unwrap();
    let url = demo.said_of("The service runs at ").split(';').next().unwrap().to_owned();
    let (id, secret) = demo.said_of("An operator's client:").split_once(' ').unwrap();
    let resource = format!("urn:msi-actions:instance:{}", demo.said_of("The instance:"));
    let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret), ("resource", &resource)];
    let token = Answer::send(http.post(format!("{url}/oauth/token")).form(&form)).await.expect(200);
    let token = token["access_token"].as_str().unwrap();
    let get = async |path: &str| Answer::send(http.get(format!("{url}{path}")).bearer_auth(token)).await.expect(200);
    let counts = |counts: &[(&str, usize)]| counts.iter().map(|(what, count)| ((*what).to_owned(), *count)).collect::<BTreeMap<_, _>>();

    let invites = get("/v1/invites?limit=500").await;
    assert_eq!(
        count_by(&invites, "state"),
        counts(&[("accepted", 3), ("bounced", 1), ("expired", 2), ("revoked", 1), ("sent", 2)]),
        "{invites}"
    );
    let runs = get("/v1/sync/runs?limit=500").await;
    let runs: Vec<_> = runs["data"].as_array().unwrap().iter().filter(|run| run["kind"] == "full").map(|run| &run["state"]).collect();
    assert_eq!(runs, [&json!("failed"), &json!("completed")]);
    let codes = count_by(&get("/v1/diagnostics?limit=500").await, "code");
    assert!(codes.contains_key("API_CURRENTLY_DISABLED") && codes.contains_key("603"), "{codes:?}");
    let imports = count_by(&get("/v1/invite-imports?limit=500").await, "state");
    assert_eq!(imports.values().sum::<usize>(), 2, "{imports:?}");
    assert_eq!(imports.get("completed"), Some(&1), "{imports:?}");
    let teams = get("/v1/teams?limit=500").await;
    assert!(teams["data"].as_array().unwrap().iter().all(|team| team["members"].as_i64() > Some(0)), "{teams}");
    assert_eq!(teams["data"].as_array().unwrap().len(), 3, "{teams}");
    assert_eq!(count_by(&get("/v1/members?limit=500").await, "state").get("active"), Some(&3));
    for vendor in ["salesforce", "marketo"] {
        assert_eq!(get(&format!("/v1/connections/{vendor}")).await["state"], "active");
    }
    assert!(!get("/v1/people?limit=500").await["data"].as_array().unwrap().is_empty());

    let password = demo.said_of("Members who chose a password:").split('"').nth(1).unwrap();
    let login = http.post(format!("{url}/v1/sessions")).json(&json!({ "email": "sam.sales@example.com", "password": password }));
    let answer = Answer::send(login).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    demo.stop();
}
