use reqwest::StatusCode;
use serde_json::json;

use super::{SandboxHarness, read_json};

const TOKEN: &str =
    "/identity/oauth/token?grant_type=client_credentials&client_id=sandbox-marketo-client&client_secret=sandbox-marketo-secret";

#[tokio::test]
async fn each_vendor_answers_at_an_origin_of_its_own() {
    let sandbox = SandboxHarness::start_small().await;
    let (control, salesforce, marketo) = (sandbox.sandbox.url(), sandbox.sandbox.salesforce_url(), sandbox.sandbox.marketo_url());
    let status = async |address: String| sandbox.client.get(address).send().await.expect("an answer").status();
    for (path, home) in [("/services/data", &salesforce), ("/__sandbox", &control)] {
        assert_eq!(status(format!("{home}{path}")).await, StatusCode::OK);
        for other in [&control, &salesforce].into_iter().filter(|&origin| origin != home) {
            assert_eq!(status(format!("{other}{path}")).await, StatusCode::NOT_FOUND, "{other}{path}");
        }
    }
    let (_, elsewhere) = read_json(sandbox.client.get(format!("{marketo}/services/data"))).await;
    assert_eq!(elsewhere["errors"][0]["code"], "610");
    let (_, overview) = read_json(sandbox.get("/__sandbox")).await;
    assert_eq!((&overview["salesforce"]["base_url"], &overview["marketo"]["base_url"]), (&json!(salesforce), &json!(marketo)));
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn a_fault_strikes_as_often_as_ordered_and_only_where_ordered() {
    let sandbox = SandboxHarness::start_small().await;
    sandbox
        .control("/faults", json!({"target": "marketo", "path_contains": "oauth", "times": 2, "kind": "http_status", "status": 503}))
        .await;
    for wanted in [StatusCode::SERVICE_UNAVAILABLE, StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK] {
        assert_eq!(sandbox.get(TOKEN).send().await.expect("an answer").status(), wanted);
    }
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn faults_cut_answers_expire_sessions_and_return_vendor_errors() {
    let sandbox = SandboxHarness::start_small().await;
    let (_, granted) = read_json(sandbox.get(TOKEN)).await;
    let token = granted["access_token"].as_str().expect("a token");
    let describe = || sandbox.get("/rest/v1/leads/describe.json").bearer_auth(token);
    sandbox.control("/faults", json!({"target": "marketo", "path_contains": "describe", "kind": "cut", "after_bytes": 100})).await;
    assert!(describe().send().await.expect("the head").bytes().await.is_err());
    sandbox
        .control(
            "/faults",
            json!({"target": "marketo", "path_contains": "describe", "kind": "marketo_error", "code": "606", "message": "Slow down"}),
        )
        .await;
    let (status, body) = read_json(describe()).await;
    assert_eq!((status, &body["errors"]), (StatusCode::OK, &json!([{"code": "606", "message": "Slow down"}])));
    sandbox.control("/faults", json!({"target": "marketo", "path_contains": "describe", "kind": "expire_sessions"})).await;
    assert_eq!(read_json(describe()).await.1["errors"][0]["code"], "602");
    let (_, renewed) = read_json(sandbox.get(TOKEN)).await;
    assert_ne!(renewed["access_token"], token);
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn a_refresh_whose_answer_was_lost_has_spent_its_token() {
    let sandbox = SandboxHarness::start_small().await;
    let tokens = sandbox.connect("maria.admin@example.com").await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().expect("a refresh token"))];
    sandbox.control("/faults", json!({"target": "salesforce", "path_contains": "/token", "kind": "cut", "after_bytes": 0})).await;
    let client = [("client_id", "sandbox-salesforce-consumer-key"), ("client_secret", "sandbox-salesforce-consumer-secret")];
    let lost = sandbox.post("/services/oauth2/token").form(&[client, form].concat()).send().await;
    assert!(match lost {
        Err(_) => true,
        Ok(answer) => answer.bytes().await.is_err(),
    });
    assert_eq!(sandbox.request_tokens(&form).await.1["error_description"], "expired access/refresh token");
    let access = tokens["access_token"].as_str().expect("a token");
    assert_eq!(sandbox.run_query(access, "SELECT Id FROM User").await[0]["errorCode"], "INVALID_SESSION_ID");
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn a_reset_undoes_changes() {
    let sandbox = SandboxHarness::start_small().await;
    let before = read_json(sandbox.get("/__sandbox/people/1010")).await.1;
    sandbox.control("/people/1010", json!({"lastName": "Changed"})).await;
    assert_eq!(read_json(sandbox.get("/__sandbox/people/1010")).await.1["lastName"], "Changed");
    sandbox.control("/reset", json!({})).await;
    assert_eq!(read_json(sandbox.get("/__sandbox/people/1010")).await.1, before);
    assert_eq!(read_json(sandbox.get("/__sandbox/calls")).await.1, json!({}));
    let (status, _) = read_json(sandbox.post("/__sandbox/people/1010").json(&json!({"shoeSize": 44}))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn the_summary_agrees_with_both_vendors() {
    let sandbox = SandboxHarness::start_small().await;
    let (_, summary) = read_json(sandbox.get("/__sandbox/summary")).await;
    let number = |name: &str| summary[name].as_u64().expect("a number");
    assert_eq!(number("people_in_marketo"), 1_000);
    assert_eq!(number("owned_by_a_user") + number("owned_by_a_queue"), number("leads") + number("contacts") + number("converted_leads"));
    let token = sandbox.get_access_token().await;
    let leads = sandbox.run_query(&token, "SELECT COUNT() FROM Lead WHERE IsConverted = false").await;
    let contacts = sandbox.run_query(&token, "SELECT COUNT() FROM Contact").await;
    assert_eq!(
        (leads["totalSize"].as_u64(), contacts["totalSize"].as_u64()),
        (Some(number("leads")), Some(number("contacts") + number("converted_leads")))
    );
    sandbox.sandbox.stop().await;
}
