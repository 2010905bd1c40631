//! What a developer finds beside what the guide leaves: teams, invitations in every state, an import that waits, a run that failed, and
//! what was diagnosed.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::api_client::DemoApiClient;
use super::environment::DemoEnvironment;
use super::figures::expect;
use super::lagging_clock::LaggingClock;
use super::mail_server::UNKNOWN_RECIPIENT;
use super::mailbox;

/// What members log in with who have chosen a password.
pub(super) const MEMBERS_PASSWORD: &str = "sandbox horse battery";

/// Those whom the guide has invited and who activate; the others' invitations expire.
pub(super) const ACTIVATED: [&str; 2] = ["sam.sales@example.com", "zoe@example.com"];

/// How far the clock lags while the guide is played: longer than an invitation works.
pub(super) const LAG: time::Duration = time::Duration::days(8);

/// Fills an instance on which the guide was played; `clock` catches up meanwhile. Gives a client of it.
///
/// # Errors
/// A text that says what could not be done.
pub(super) async fn seed(environment: &DemoEnvironment, clock: &LaggingClock, guided: &DemoApiClient) -> Result<DemoApiClient, String> {
    add_members_and_teams(environment, guided).await?;
    fail_a_run(environment, guided).await?;
    let instance = guided.get("/v1/instance").await?;
    clock.catch_up();
    // Every token has expired.
    let resource = format!("urn:msi-actions:instance:{}", instance["id"].as_str().unwrap_or_default());
    let api = DemoApiClient::log_in(&guided.http, environment.app.url(), &environment.operator, Some(&resource)).await?;
    invite(&api).await?;
    api.post_csv("/v1/invite-imports", "Email,Role\nkim@example.com,user\nwrong,user\nlou@example.com,admin\n").await?;
    let disabled = "API_CURRENTLY_DISABLED";
    let denied =
        json!({ "target": "salesforce", "path_contains": "/limits", "kind": "salesforce_error", "status": 403, "error_code": disabled });
    fail_test_call(environment, &api, "salesforce", disabled, denied).await?;
    let denied = json!({ "target": "marketo", "path_contains": "describe", "kind": "marketo_error", "code": "603" });
    fail_test_call(environment, &api, "marketo", "603", denied).await?;
    Ok(api)
}

async fn add_members_and_teams(environment: &DemoEnvironment, api: &DemoApiClient) -> Result<(), String> {
    api.patch("/v1/instance", &json!({ "login_management": "all_login_methods" })).await?;
    for email in ACTIVATED {
        let link = mailbox::wait_for_activation_link(&environment.mail_directory(), email).await?;
        api.activate(&link, MEMBERS_PASSWORD).await?;
    }
    let members = api.get("/v1/members?limit=500").await?;
    let ids: Vec<_> = members["data"].as_array().into_iter().flatten().map(|one| one["id"].clone()).collect();
    for (name, members) in [("EMEA sales", &ids[..ids.len().min(3)]), ("Inside sales", &ids[ids.len().min(2)..])] {
        let team = api.post("/v1/teams", &json!({ "name": name })).await?;
        let path = format!("/v1/teams/{}/members", team["id"].as_str().unwrap_or_default());
        api.post(&path, &json!({ "add": members, "remove": [] })).await?;
    }
    Ok(())
}

/// Invites people who wait, one whose invitation is revoked, and one whom the mail server doesn't know.
async fn invite(api: &DemoApiClient) -> Result<(), String> {
    let bounced = format!("{UNKNOWN_RECIPIENT}@example.com");
    let answer = api.post("/v1/invites", &json!({ "emails": ["noor@example.com", "kai@example.com", "lee@example.com", bounced] })).await?;
    let results = answer["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    expect("people invited", results.iter().filter(|one| one["outcome"] == "invited").count(), 4)?;
    let is_settled = |listed: &Value| listed["data"].as_array().is_some_and(|all| all.iter().all(|one| one["state"] != "pending"));
    let listed = api.wait_until("/v1/invites?limit=500", |listed| is_settled(listed).then(|| listed.clone())).await?;
    let revoked = listed["data"].as_array().into_iter().flatten().find(|one| one["email"] == "lee@example.com");
    let id = revoked.and_then(|one| one["id"].as_str()).ok_or("the invitation to be revoked is not listed")?;
    api.post(&format!("/v1/invites/{id}/revoke"), &json!({})).await.map(drop)
}

/// Starts a full run whose files are all corrupt, and waits for its end.
async fn fail_a_run(environment: &DemoEnvironment, api: &DemoApiClient) -> Result<(), String> {
    let faults = environment.sandbox_control("faults");
    let corrupt = json!({ "target": "marketo", "kind": "wrong_checksum", "times": 1000 });
    api.send_elsewhere(Method::POST, &faults, &corrupt).await?;
    // A run that the schedule has just begun comes first.
    let mut started = api.post("/v1/sync/runs", &json!({})).await;
    for _ in 0..100 {
        if started.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        started = api.post("/v1/sync/runs", &json!({})).await;
    }
    let path = format!("/v1/sync/runs/{}", started?["id"].as_str().unwrap_or_default());
    let has_ended = |run: &Value| run["finished_at"].as_str().and_then(|_| run["state"].as_str().map(str::to_owned));
    let state = api.wait_until(&path, has_ended).await?;
    expect("the run that is to fail", state.as_str(), "failed")?;
    api.send_elsewhere(Method::DELETE, &faults, &json!({})).await.map(drop)
}

/// Has a vendor refuse a test call with this code, waits until that is diagnosed, and makes another that the vendor takes.
async fn fail_test_call(environment: &DemoEnvironment, api: &DemoApiClient, vendor: &str, code: &str, fault: Value) -> Result<(), String> {
    let test = format!("/v1/connections/{vendor}/test");
    // A run that the schedule begins meanwhile may meet the fault first.
    for _ in 0..10 {
        api.send_elsewhere(Method::POST, &environment.sandbox_control("faults"), &fault).await?;
        if api.post(&test, &json!({})).await?["ok"] == json!(true) {
            continue;
        }
        let is_diagnosed = |listed: &Value| listed["data"].as_array().is_some_and(|all| all.iter().any(|one| one["code"] == code));
        api.wait_until("/v1/diagnostics?limit=500", |listed| is_diagnosed(listed).then_some(())).await?;
        let result = api.post(&test, &json!({})).await?;
        return expect("whether a test call succeeded", result["ok"] == json!(true), true).map(drop);
    }
    Err(format!("{vendor} took every test call"))
}

/// Prints what there is, as the API lists it.
///
/// # Errors
/// When it can't be listed.
pub(super) async fn print_inventory(api: &DemoApiClient) -> Result<(), String> {
    println!("\nIt holds:");
    for (what, path, sorted_by) in [
        ("members", "/v1/members?limit=500", "state"),
        ("teams", "/v1/teams?limit=500", "name"),
        ("invitations", "/v1/invites?limit=500", "state"),
        ("CSV imports", "/v1/invite-imports?limit=500", "state"),
        ("runs", "/v1/sync/runs?limit=500", "state"),
        ("diagnostics", "/v1/diagnostics?limit=500", "code"),
    ] {
        let listed = api.get(path).await?;
        let mut values: Vec<_> = listed["data"].as_array().into_iter().flatten().filter_map(|one| one[sorted_by].as_str()).collect();
        values.sort_unstable();
        let counted: Vec<_> = values.chunk_by(PartialEq::eq).map(|same| format!("{} {}", same.len(), same[0])).collect();
        println!("  {what:<12} {}", counted.join(", "));
    }
    Ok(())
}
