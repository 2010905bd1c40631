use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::{SandboxHarness, read_json};

const KEY: &str = "sandbox-salesforce-consumer-key";
const SECRET: &str = "sandbox-salesforce-consumer-secret";
const CALLBACK: &str = "http://127.0.0.1:9/callback";
const VERIFIER: &str = "0123456789012345678901234567890123456789abc";
pub(super) const DATA: &str = "/services/data/v66.0";

fn authorize_parameters() -> Vec<(&'static str, String)> {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    [
        ("response_type", "code"),
        ("client_id", KEY),
        ("redirect_uri", CALLBACK),
        ("scope", "api refresh_token"),
        ("state", "s t&a"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

fn target(answer: &Response) -> Vec<(String, String)> {
    assert_eq!(answer.status(), StatusCode::FOUND);
    let address = answer.headers()[LOCATION].to_str().expect("a text");
    assert!(address.starts_with(CALLBACK), "{address}");
    Url::parse(address).expect("an address").query_pairs().into_owned().collect()
}

fn pair<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

impl SandboxHarness {
    async fn log_in(&self, username: &str, password: &str) -> Response {
        let mut form = authorize_parameters();
        form.extend([("username", username.to_owned()), ("password", password.to_owned())]);
        self.post("/login").form(&form).send().await.expect("an answer")
    }

    pub(super) async fn request_tokens(&self, form: &[(&str, &str)]) -> (StatusCode, Value) {
        read_json(self.post("/services/oauth2/token").form(&[&[("client_id", KEY), ("client_secret", SECRET)], form].concat())).await
    }

    pub(super) async fn connect(&self, username: &str) -> Value {
        let answer = self.log_in(username, "sandbox").await;
        let pairs = target(&answer);
        assert_eq!(pair(&pairs, "state"), "s t&a");
        let form =
            [("grant_type", "authorization_code"), ("code", pair(&pairs, "code")), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
        let (status, body) = self.request_tokens(&form).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    pub(super) async fn get_access_token(&self) -> String {
        self.connect("maria.admin@example.com").await["access_token"].as_str().expect("a token").to_owned()
    }

    pub(super) async fn run_query(&self, token: &str, soql: &str) -> Value {
        read_json(self.get(&format!("{DATA}/query")).query(&[("q", soql)]).bearer_auth(token)).await.1
    }
}

#[tokio::test]
async fn a_login_leads_to_tokens_with_a_valid_signature() {
    let sandbox = SandboxHarness::start_small().await;
    let page = sandbox.get("/services/oauth2/authorize").query(&authorize_parameters()).send().await.expect("an answer");
    assert_eq!(page.status(), StatusCode::OK);
    let html = page.text().await.expect("a page");
    assert!(html.contains("action=\"/login\"") && html.contains("name=\"state\" value=\"s t&amp;a\""), "{html}");

    let tokens = sandbox.connect("maria.admin@example.com").await;
    let (id, issued_at) = (tokens["id"].as_str().expect("an id"), tokens["issued_at"].as_str().expect("a text"));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length");
    mac.update(format!("{id}{issued_at}").as_bytes());
    assert_eq!(tokens["signature"], STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(tokens["instance_url"], sandbox.sandbox.salesforce_url());
    assert_eq!(tokens["scope"], "api refresh_token");

    let token = tokens["access_token"].as_str().expect("a token");
    let (_, identity) = read_json(sandbox.client.get(id).bearer_auth(token)).await;
    assert_eq!((&identity["email"], &identity["username"]), (&json!("maria.admin@example.com"), &json!("maria.admin@example.com")));
    let (_, info) = read_json(sandbox.get("/services/oauth2/userinfo").bearer_auth(token)).await;
    assert_eq!((&info["organization_id"], &info["user_id"]), (&identity["organization_id"], &identity["user_id"]));
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn a_logged_in_user_is_authorized_without_a_form() {
    let sandbox = SandboxHarness::start_small().await;
    let answer = sandbox.log_in("tom.ops@example.com", "sandbox").await;
    let cookie = answer.headers()[SET_COOKIE].to_str().expect("a text").split(';').next().expect("a pair").to_owned();
    let again =
        sandbox.get("/services/oauth2/authorize").query(&authorize_parameters()).header(COOKIE, &cookie).send().await.expect("an answer");
    assert!(!pair(&target(&again), "code").is_empty());
    let mut asking = authorize_parameters();
    asking.push(("prompt", "login".into()));
    let prompted = sandbox.get("/services/oauth2/authorize").query(&asking).header(COOKIE, &cookie).send().await.expect("an answer");
    assert_eq!(prompted.status(), StatusCode::OK);
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn authorization_errors_reach_the_page_or_the_callback() {
    let sandbox = SandboxHarness::start_small().await;
    let answer = sandbox.log_in("maria.admin@example.com", "wrong").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.text().await.expect("a page").contains("check your username and password"));
    assert_eq!(sandbox.log_in("gerda.left@example.com", "sandbox").await.status(), StatusCode::OK);

    let mut cancelled = authorize_parameters();
    cancelled.push(("cancel", "1".into()));
    let pairs = target(&sandbox.post("/login").form(&cancelled).send().await.expect("an answer"));
    assert_eq!((pair(&pairs, "error"), pair(&pairs, "error_description")), ("access_denied", "end-user denied authorization"));

    let authorize = |changed: &str, value: &str| {
        let parameters: Vec<_> =
            authorize_parameters().into_iter().map(|(name, own)| (name, if name == changed { value.to_owned() } else { own })).collect();
        sandbox.get("/services/oauth2/authorize").query(&parameters).send()
    };
    let pairs = target(&authorize("code_challenge", "").await.expect("an answer"));
    assert_eq!((pair(&pairs, "error"), pair(&pairs, "error_description")), ("invalid_request", "missing required code challenge"));
    let pairs = target(&authorize("response_type", "token").await.expect("an answer"));
    assert_eq!(pair(&pairs, "error"), "unsupported_response_type");
    let unknown_client = authorize("client_id", "stranger").await.expect("an answer");
    assert_eq!(unknown_client.status(), StatusCode::BAD_REQUEST);
    assert!(unknown_client.text().await.expect("a text").contains("error=invalid_client_id"));
    sandbox.control("/salesforce", json!({"callbacks": ["https://elsewhere.example.com/cb"]})).await;
    let elsewhere = authorize("scope", "api").await.expect("an answer");
    assert!(elsewhere.text().await.expect("a text").contains("error=redirect_uri_mismatch"));
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn the_token_endpoint_names_what_is_wrong() {
    let sandbox = SandboxHarness::start_small().await;
    let pairs = target(&sandbox.log_in("maria.admin@example.com", "sandbox").await);
    let code = pair(&pairs, "code");
    let wrong = "x".repeat(43);
    let (status, body) = sandbox
        .request_tokens(&[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", &wrong)])
        .await;
    assert_eq!(
        (status, &body["error"], &body["error_description"]),
        (StatusCode::BAD_REQUEST, &json!("invalid_grant"), &json!("invalid code verifier"))
    );
    let (_, body) = sandbox
        .request_tokens(&[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)])
        .await;
    assert_eq!(body["error_description"], "expired authorization code");
    let (_, body) = sandbox.request_tokens(&[("grant_type", "password")]).await;
    assert_eq!(body["error"], "unsupported_grant_type");
    let form = [("client_id", KEY), ("client_secret", "guess"), ("grant_type", "refresh_token"), ("refresh_token", "x")];
    let (_, body) = read_json(sandbox.post("/services/oauth2/token").form(&form)).await;
    assert_eq!((&body["error"], &body["error_description"]), (&json!("invalid_client"), &json!("invalid client credentials")));
    sandbox.sandbox.stop().await;
}

/// The verifier is 128 random bytes in base64url, which is longer than RFC 7636 has it, and no method is named: as jsforce does it.
#[tokio::test]
async fn a_code_is_redeemed_with_a_long_verifier() {
    let sandbox = SandboxHarness::start_small().await;
    let verifier = URL_SAFE_NO_PAD.encode([7_u8; 128]);
    assert_eq!(verifier.len(), 171);
    let mut form: Vec<(&str, String)> =
        authorize_parameters().into_iter().filter(|(name, _)| !matches!(*name, "code_challenge" | "code_challenge_method")).collect();
    form.push(("code_challenge", URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier))));
    form.extend([("username", "maria.admin@example.com".to_owned()), ("password", "sandbox".to_owned())]);
    let pairs = target(&sandbox.post("/login").form(&form).send().await.expect("an answer"));
    let code = pair(&pairs, "code");
    let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", &verifier)];
    assert_eq!(sandbox.request_tokens(&form).await.0, StatusCode::OK);
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn a_refresh_rotates_the_token_and_revoking_ends_the_grant() {
    let sandbox = SandboxHarness::start_small().await;
    let tokens = sandbox.connect("maria.admin@example.com").await;
    let old = tokens["refresh_token"].as_str().expect("a refresh token");
    let (_, next) = sandbox.request_tokens(&[("grant_type", "refresh_token"), ("refresh_token", old)]).await;
    let (access, refresh) = (next["access_token"].as_str().expect("a token"), next["refresh_token"].as_str().expect("a refresh token"));
    assert_ne!(refresh, old);
    let revoked = sandbox.post("/services/oauth2/revoke").form(&[("token", refresh)]).send().await.expect("an answer");
    assert_eq!(revoked.status(), StatusCode::OK);
    let (status, body) = read_json(sandbox.get(&format!("{DATA}/limits")).bearer_auth(access)).await;
    assert_eq!((status, &body[0]["errorCode"]), (StatusCode::UNAUTHORIZED, &json!("INVALID_SESSION_ID")));
    let (_, body) = sandbox.request_tokens(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
    assert_eq!(body, json!({"error": "invalid_grant", "error_description": "expired access/refresh token"}));
    let (_, calls) = read_json(sandbox.get("/__sandbox/calls")).await;
    assert_eq!(calls["salesforce token refresh_token"], 2);
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn sessions_expire_and_users_without_api_are_refused() {
    let sandbox = SandboxHarness::start_small().await;
    let token = sandbox.get_access_token().await;
    let answer = sandbox.get(&format!("{DATA}/limits")).bearer_auth(&token).send().await.expect("an answer");
    assert!(answer.headers()["Sforce-Limit-Info"].to_str().is_ok_and(|text| text.starts_with("api-usage=1/")));
    assert_eq!(answer.headers()["date"], "Mon, 02 Mar 2026 12:00:00 GMT");
    sandbox.clock.advance(time::Duration::hours(2));
    let (status, body) = read_json(sandbox.get(&format!("{DATA}/limits")).bearer_auth(&token)).await;
    assert_eq!(
        (status, body),
        (StatusCode::UNAUTHORIZED, json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]))
    );
    let limited = sandbox.connect("noapi@example.com").await["access_token"].as_str().expect("a token").to_owned();
    let (status, body) = read_json(sandbox.get(&format!("{DATA}/limits")).bearer_auth(limited)).await;
    assert_eq!((status, &body[0]["errorCode"]), (StatusCode::FORBIDDEN, &json!("API_CURRENTLY_DISABLED")));
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn queries_count_page_and_follow_relationships() {
    let sandbox = SandboxHarness::start_small().await;
    let token = sandbox.get_access_token().await;
    let leads = sandbox.run_query(&token, "SELECT COUNT() FROM Lead").await["totalSize"].as_u64().expect("a number");
    let queued =
        sandbox.run_query(&token, "SELECT COUNT() FROM Lead WHERE Owner.Type = 'Queue'").await["totalSize"].as_u64().expect("a number");
    assert!((400..550).contains(&leads) && (10..80).contains(&queued), "{leads} {queued}");

    let first = sandbox
        .get(&format!("{DATA}/query"))
        .query(&[("q", "SELECT Id, Owner.Type, Owner.Name FROM Lead")])
        .header("Sforce-Query-Options", "batchSize=200");
    let (_, first) = read_json(first.bearer_auth(&token)).await;
    assert_eq!(
        (first["totalSize"].as_u64(), &first["done"], first["records"].as_array().map(Vec::len)),
        (Some(leads), &json!(false), Some(200))
    );
    assert!(first["records"][0]["Owner"]["Type"].is_string() && first["records"][0]["attributes"]["type"] == "Lead");
    let mut seen = 200;
    let mut page = first;
    while let Some(next) = page["nextRecordsUrl"].as_str() {
        page = read_json(sandbox.get(next).bearer_auth(&token)).await.1;
        seen += page["records"].as_array().map_or(0, Vec::len) as u64;
    }
    assert_eq!(seen, leads);

    let sorted = sandbox.run_query(&token, "SELECT Id, SystemModstamp FROM Contact ORDER BY SystemModstamp DESC, Id LIMIT 50").await;
    let stamps: Vec<&str> =
        sorted["records"].as_array().expect("records").iter().filter_map(|record| record["SystemModstamp"].as_str()).collect();
    assert!(stamps.len() == 50 && stamps.is_sorted_by(|left, right| left >= right));
    let id = sorted["records"][0]["Id"].as_str().expect("an id");
    let one = sandbox.run_query(&token, &format!("SELECT Name, Account.Name FROM Contact WHERE Id = '{}'", &id[..15])).await;
    assert!(one["totalSize"] == 1 && one["records"][0]["Account"]["Name"].is_string(), "{one}");
    let refused = sandbox.run_query(&token, "SELECT Nope FROM Lead").await;
    assert_eq!(refused[0]["errorCode"], "INVALID_FIELD");
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn a_bulk_query_is_read_page_by_page() {
    let sandbox = SandboxHarness::start_small().await;
    let token = sandbox.get_access_token().await;
    let order = json!({"operation": "query", "query": "SELECT Id, OwnerId, Owner.Type, Title FROM Lead"});
    let (_, job) = read_json(sandbox.post(&format!("{DATA}/jobs/query")).bearer_auth(&token).json(&order)).await;
    assert_eq!((&job["state"], &job["object"]), (&json!("UploadComplete"), &json!("Lead")));
    let path = format!("{DATA}/jobs/query/{}", job["id"].as_str().expect("an id"));
    let (_, status) = read_json(sandbox.get(&path).bearer_auth(&token)).await;
    assert_eq!(status["state"], "JobComplete");

    let (mut locator, mut rows) = (String::new(), 0);
    loop {
        let page = sandbox.get(&format!("{path}/results")).query(&[("maxRecords", "100"), ("locator", &locator)]).bearer_auth(&token);
        let page = page.send().await.expect("an answer");
        let header = |name: &str| page.headers()[name].to_str().expect("a text").to_owned();
        let (count, next) = (header("Sforce-NumberOfRecords"), header("Sforce-Locator"));
        let text = page.text().await.expect("CSV");
        assert!(text.starts_with("\"Id\",\"OwnerId\",\"Owner.Type\",\"Title\"\n"), "{text}");
        let found = csv::Reader::from_reader(text.as_bytes())
            .records()
            .filter(|row| row.as_ref().is_ok_and(|row| row[0].starts_with("00Q") && row[0].len() == 18))
            .count();
        assert_eq!(count, found.to_string());
        rows += found;
        if next == "null" {
            break;
        }
        locator = next;
    }
    assert_eq!(status["numberRecordsProcessed"], rows);
    let other = sandbox.get(&format!("{}/results", path.replace("v66.0", "v65.0"))).bearer_auth(&token);
    assert_eq!(read_json(other).await.0, StatusCode::CONFLICT);
    let (_, pages) = read_json(sandbox.get(&format!("{path}/resultPages")).bearer_auth(&token)).await;
    assert_eq!((&pages["done"], pages["resultPages"].as_array().map(Vec::len)), (&json!(true), Some(1)));
    let gone = sandbox.client.delete(sandbox.address(&path)).bearer_auth(&token).send().await.expect("an answer");
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let put = sandbox.client.put(sandbox.address(&path)).bearer_auth(&token);
    assert_eq!(read_json(put).await.1[0]["errorCode"], "METHOD_NOT_ALLOWED");
    let aggregate = json!({"operation": "query", "query": "SELECT COUNT() FROM Lead"});
    assert_eq!(
        read_json(sandbox.post(&format!("{DATA}/jobs/query")).bearer_auth(&token).json(&aggregate)).await.0,
        StatusCode::BAD_REQUEST
    );
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn both_vendors_return_the_same_people() {
    let sandbox = SandboxHarness::start_small().await;
    let token = sandbox.get_access_token().await;
    let lead = sandbox
        .run_query(&token, "SELECT Id, Email, LastName, OwnerId FROM Lead WHERE Email != null AND IsConverted = false LIMIT 1")
        .await["records"][0]
        .clone();
    let (_, body) = read_json(sandbox.get("/__sandbox")).await;
    assert_eq!(body["marketo"]["munchkin_id"], "123-ABC-456");
    let marketo = sandbox.get(&format!(
        "/rest/v1/leads.json?filterType=sfdcLeadId&filterValues={}&fields=email,lastName,sfdcLeadOwnerId,sfdcType",
        lead["Id"].as_str().expect("an id")
    ));
    let granted =
        "/identity/oauth/token?grant_type=client_credentials&client_id=sandbox-marketo-client&client_secret=sandbox-marketo-secret";
    let (_, granted) = read_json(sandbox.get(granted)).await;
    let (_, found) = read_json(marketo.bearer_auth(granted["access_token"].as_str().expect("a token"))).await;
    let person = &found["result"][0];
    assert_eq!((&person["email"], &person["lastName"], &person["sfdcLeadOwnerId"]), (&lead["Email"], &lead["LastName"], &lead["OwnerId"]));
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn changed_and_deleted_records_are_listed() {
    let sandbox = SandboxHarness::start_small().await;
    let token = sandbox.get_access_token().await;
    let lead = sandbox.run_query(&token, "SELECT Id FROM Lead WHERE IsConverted = false LIMIT 2").await;
    let ids: Vec<&str> = lead["records"].as_array().expect("records").iter().filter_map(|record| record["Id"].as_str()).collect();
    let number = |id: &str| {
        crate::sandbox::salesforce::ids::record_number(crate::sandbox::salesforce::ids::KeyPrefix::Lead, id).expect("one of ours") + 1001
    };
    sandbox.clock.advance(time::Duration::minutes(10));
    sandbox.control(&format!("/people/{}", number(ids[0])), json!({"title": "New"})).await;
    sandbox
        .client
        .delete(format!("{}/__sandbox/people/{}?from=salesforce", sandbox.sandbox.url(), number(ids[1])))
        .send()
        .await
        .expect("an answer");
    sandbox.clock.advance(time::Duration::minutes(10));
    let window = [("start", "2026-03-02T12:05:00Z"), ("end", "2026-03-02T12:15:00+00:00")];
    let (_, updated) = read_json(sandbox.get(&format!("{DATA}/sobjects/Lead/updated/")).query(&window).bearer_auth(&token)).await;
    assert_eq!((&updated["ids"], &updated["latestDateCovered"]), (&json!([ids[0]]), &json!("2026-03-02T12:15:00.000+0000")));
    let (_, deleted) = read_json(sandbox.get(&format!("{DATA}/sobjects/Lead/deleted/")).query(&window).bearer_auth(&token)).await;
    assert_eq!(deleted["deletedRecords"][0]["id"], ids[1]);
    let all = read_json(
        sandbox.get(&format!("{DATA}/queryAll")).query(&[("q", "SELECT COUNT() FROM Lead WHERE IsDeleted = true")]).bearer_auth(&token),
    )
    .await
    .1;
    assert_eq!(all["totalSize"], 1);
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn a_job_fails_or_is_aborted_without_results() {
    let sandbox = SandboxHarness::start_small().await;
    let token = sandbox.get_access_token().await;
    sandbox.control("/faults", json!({"target": "salesforce", "path_contains": "/jobs/query/", "kind": "fail_job"})).await;
    let order = json!({"operation": "query", "query": "SELECT Id FROM Contact"});
    let (_, job) = read_json(sandbox.post(&format!("{DATA}/jobs/query")).bearer_auth(&token).json(&order)).await;
    let path = format!("{DATA}/jobs/query/{}", job["id"].as_str().expect("an id"));
    assert_eq!(read_json(sandbox.get(&path).bearer_auth(&token)).await.1["state"], "Failed");
    let results = sandbox.get(&format!("{path}/results")).bearer_auth(&token).send().await.expect("an answer");
    assert_eq!(results.status(), StatusCode::NO_CONTENT);
    let abort = sandbox.client.patch(sandbox.address(&path)).bearer_auth(&token).json(&json!({"state": "Aborted"}));
    assert_eq!(read_json(abort).await.0, StatusCode::BAD_REQUEST);
    sandbox.sandbox.stop().await;
}
