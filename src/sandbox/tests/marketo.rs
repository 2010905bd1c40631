use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{SandboxHarness, read_json};
use crate::sandbox::SandboxSettings;
use crate::sandbox::hex::to_hex;

const TOKEN: &str =
    "/identity/oauth/token?grant_type=client_credentials&client_id=sandbox-marketo-client&client_secret=sandbox-marketo-secret";

impl SandboxHarness {
    pub(super) async fn get_marketo_token(&self) -> String {
        let (_, body) = read_json(self.get(TOKEN)).await;
        body["access_token"].as_str().expect("a token").to_owned()
    }

    pub(super) async fn get_marketo(&self, path: &str) -> Value {
        let token = self.get_marketo_token().await;
        read_json(self.get(path).bearer_auth(token)).await.1
    }

    pub(super) async fn post_marketo(&self, path: &str, body: Value) -> Value {
        let token = self.get_marketo_token().await;
        read_json(self.post(path).bearer_auth(token).json(&body)).await.1
    }

    fn request_export_file(&self, token: &str, id: &str) -> RequestBuilder {
        self.get(&format!("/bulk/v1/leads/export/{id}/file.json")).bearer_auth(token)
    }

    /// Makes and queues an export of February 2026.
    async fn run_export(&self, fields: &[&str]) -> String {
        let order = json!({"fields": fields, "format": "CSV", "filter": {"createdAt": {"startAt": "2026-02-01T00:00:00Z", "endAt": "2026-03-01T00:00:00Z"}}});
        let made = self.post_marketo("/bulk/v1/leads/export/create.json", order).await;
        assert_eq!(made["result"][0]["status"], "Created", "{made}");
        let id = made["result"][0]["exportId"].as_str().expect("an id").to_owned();
        let queued = self.post_marketo(&format!("/bulk/v1/leads/export/{id}/enqueue.json"), json!({})).await;
        assert_eq!(queued["result"][0]["status"], "Queued", "{queued}");
        id
    }

    async fn get_export_status(&self, id: &str) -> Value {
        self.get_marketo(&format!("/bulk/v1/leads/export/{id}/status.json")).await["result"][0].clone()
    }
}

pub(super) fn error_code(body: &Value) -> &str {
    assert_eq!(body["success"], false, "{body}");
    body["errors"][0]["code"].as_str().expect("a quoted code")
}

#[tokio::test]
async fn the_same_token_is_given_until_it_expires() {
    let sandbox = SandboxHarness::start_small().await;
    let (_, first) = read_json(sandbox.get(TOKEN)).await;
    assert_eq!((&first["token_type"], &first["expires_in"]), (&json!("bearer"), &json!(3600)));
    sandbox.clock.advance(time::Duration::seconds(600));
    let (_, second) = read_json(sandbox.post(TOKEN)).await;
    assert_eq!((&second["access_token"], &second["expires_in"]), (&first["access_token"], &json!(3000)));
    sandbox.clock.advance(time::Duration::seconds(3000));
    let old = first["access_token"].as_str().expect("a token");
    let (status, body) = read_json(sandbox.get("/rest/v1/leads/describe.json").bearer_auth(old)).await;
    assert_eq!((status, error_code(&body)), (StatusCode::OK, "602"));
    assert_ne!(sandbox.get_marketo_token().await, old);
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn wrong_credentials_say_which_half_is_wrong() {
    let sandbox = SandboxHarness::start_small().await;
    for (id, secret, description) in
        [("nobody", "x", "No client with requested id: nobody"), ("sandbox-marketo-client", "x", "Bad client credentials")]
    {
        let path = format!("/identity/oauth/token?grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let (status, body) = read_json(sandbox.get(&path)).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(body, json!({"error": "invalid_client", "error_description": description}));
    }
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn a_token_is_accepted_only_in_the_header() {
    let sandbox = SandboxHarness::start_small().await;
    let token = sandbox.get_marketo_token().await;
    let (_, body) = read_json(sandbox.get(&format!("/rest/v1/leads/describe.json?access_token={token}"))).await;
    assert_eq!(error_code(&body), "600");
    let (_, body) = read_json(sandbox.get("/rest/v1/leads/describe.json").bearer_auth("made up")).await;
    assert_eq!(error_code(&body), "601");
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn describe_has_the_thirteen_synced_fields() {
    let sandbox = SandboxHarness::start_small().await;
    let described = sandbox.get_marketo("/rest/v1/leads/describe.json").await;
    let names: Vec<&str> =
        described["result"].as_array().expect("fields").iter().filter_map(|field| field["rest"]["name"].as_str()).collect();
    for wanted in [
        "id",
        "firstName",
        "lastName",
        "sfdcContactId",
        "sfdcLeadId",
        "sfdcAccountId",
        "sfdcOpptyId",
        "company",
        "title",
        "email",
        "phone",
        "linkedInURL",
        "leadSource",
    ] {
        assert!(names.contains(&wanted), "{wanted}");
    }
    let second = sandbox.get_marketo("/rest/v1/leads/describe2.json").await;
    assert!(second["result"][0]["searchableFields"].as_array().is_some_and(|list| list.contains(&json!(["sfdcLeadId"]))));
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn an_export_holds_everyone_created_in_its_window() {
    let sandbox = SandboxHarness::start_small().await;
    let id = sandbox.run_export(&["id", "email", "title", "createdAt"]).await;
    let status = sandbox.get_export_status(&id).await;
    assert_eq!(status["status"], "Completed", "{status}");
    let file = sandbox
        .request_export_file(&sandbox.get_marketo_token().await, &id)
        .send()
        .await
        .expect("an answer")
        .bytes()
        .await
        .expect("a file");
    assert_eq!(status["fileSize"], file.len());
    assert_eq!(status["fileChecksum"], format!("sha256:{}", to_hex(&Sha256::digest(&file))));
    let mut rows = csv::Reader::from_reader(file.as_ref());
    assert_eq!(rows.headers().expect("a header").iter().collect::<Vec<_>>(), ["id", "email", "title", "createdAt"]);
    let rows: Vec<csv::StringRecord> = rows.records().collect::<Result<_, _>>().expect("well formed rows");
    assert_eq!(status["numberOfRecords"], rows.len());
    assert!((50..80).contains(&rows.len()), "{}", rows.len());
    assert!(rows.iter().all(|row| row[3].starts_with("2026-02") || &row[3] == "2026-03-01T00:00:00Z"));
    assert!(rows.iter().any(|row| &row[2] == "null"));
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn a_range_of_a_file_is_answered_206() {
    let sandbox = SandboxHarness::start_small().await;
    let id = sandbox.run_export(&["id", "email"]).await;
    let token = sandbox.get_marketo_token().await;
    let whole = sandbox.request_export_file(&token, &id).send().await.expect("an answer").bytes().await.expect("a file");
    for (range, expected) in [("bytes=0-9", &whole[..10]), ("bytes=10-", &whole[10..])] {
        let part = sandbox.request_export_file(&token, &id).header("Range", range).send().await.expect("an answer");
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
        assert!(part.headers()["Content-Range"].to_str().is_ok_and(|text| text.ends_with(&format!("/{}", whole.len()))));
        assert_eq!(part.bytes().await.expect("a part"), expected);
    }
    let beyond =
        sandbox.request_export_file(&token, &id).header("Range", format!("bytes={}-", whole.len())).send().await.expect("an answer");
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let unknown = sandbox.request_export_file(&token, "00000000-0000-0000-0000-000000000000").send().await.expect("an answer");
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn an_export_takes_the_configured_time() {
    let sandbox = SandboxHarness::start(SandboxSettings {
        people: 500,
        export_processing: Duration::from_secs(120),
        throttles: true,
        ..SandboxSettings::default()
    })
    .await;
    let id = sandbox.run_export(&["id"]).await;
    assert_eq!(sandbox.get_export_status(&id).await["status"], "Processing");
    let early = sandbox.request_export_file(&sandbox.get_marketo_token().await, &id).send().await.expect("an answer");
    assert_eq!(early.status(), StatusCode::NOT_FOUND);
    sandbox.clock.advance(time::Duration::seconds(130));
    assert_eq!(sandbox.get_export_status(&id).await["status"], "Completed");
    let listed = sandbox.get_marketo("/bulk/v1/leads/export.json?status=completed").await;
    assert_eq!(listed["result"][0]["exportId"], id);
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn an_invalid_export_is_refused_with_its_code() {
    let sandbox = SandboxHarness::start_small().await;
    let window = json!({"startAt": "2026-01-01T00:00:00Z", "endAt": "2026-01-31T00:00:00Z"});
    let long = json!({"startAt": "2026-01-01T00:00:00Z", "endAt": "2026-02-01T00:00:01Z"});
    for (order, wanted) in [
        (json!({"fields": ["id"], "filter": {"createdAt": long}}), "1003"),
        (json!({"fields": ["id", "shoeSize"], "filter": {"createdAt": window}}), "1006"),
        (json!({"fields": ["id"], "filter": {"createdAt": window, "updatedAt": window}}), "1003"),
        (json!({"fields": ["id"], "filter": {"smartListId": 7}}), "1035"),
        (json!({"fields": ["id"]}), "1002"),
    ] {
        assert_eq!(error_code(&sandbox.post_marketo("/bulk/v1/leads/export/create.json", order.clone()).await), wanted, "{order}");
    }
    let by_update = json!({"fields": ["id"], "filter": {"updatedAt": window}});
    assert_eq!(sandbox.post_marketo("/bulk/v1/leads/export/create.json", by_update.clone()).await["success"], true);
    sandbox.control("/marketo", json!({"updated_at_filter": false})).await;
    assert_eq!(error_code(&sandbox.post_marketo("/bulk/v1/leads/export/create.json", by_update).await), "1035");
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn people_are_found_by_id_and_by_address() {
    let sandbox = SandboxHarness::start_small().await;
    let found =
        sandbox.get_marketo("/rest/v1/leads.json?filterType=id&filterValues=1001,1002,99999&fields=id,email,lastName,unsubscribed").await;
    let people = found["result"].as_array().expect("people");
    assert_eq!((people.len(), &people[0]["id"]), (2, &json!(1001)));
    assert!(people[0]["unsubscribed"].is_boolean() && people[0]["lastName"].is_string());
    let address = people.iter().find_map(|person| person["email"].as_str()).expect("an address");
    let again = sandbox.get_marketo(&format!("/rest/v1/leads.json?filterType=email&filterValues={}", address.to_uppercase())).await;
    assert!(again["result"].as_array().is_some_and(|list| list.iter().any(|person| person["email"] == address)));
    for (query, wanted) in [
        ("filterType=id&filterValues=1001&fields=shoeSize", "1006"),
        ("filterType=firstName&filterValues=Ann", "1011"),
        ("filterType=id&filterValues=abc", "1001"),
        ("filterValues=1", "1002"),
    ] {
        assert_eq!(error_code(&sandbox.get_marketo(&format!("/rest/v1/leads.json?{query}")).await), wanted, "{query}");
    }
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn a_query_too_long_for_get_works_as_post() {
    let sandbox = SandboxHarness::start_small().await;
    let token = sandbox.get_marketo_token().await;
    let values = (1001..1301).map(|id| format!("{id:0>40}")).collect::<Vec<_>>().join(",");
    let query = format!("filterType=id&filterValues={values}");
    let long = sandbox.get(&format!("/rest/v1/leads.json?{query}")).bearer_auth(&token).send().await.expect("an answer");
    assert_eq!(long.status(), StatusCode::URI_TOO_LONG);
    let post = sandbox
        .post("/rest/v1/leads.json?_method=GET")
        .bearer_auth(&token)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(query);
    let (_, body) = read_json(post).await;
    assert_eq!(body["result"].as_array().map(Vec::len), Some(300));
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn changes_and_deletions_follow_a_paging_token() {
    let sandbox = SandboxHarness::start_small().await;
    let since = sandbox.get_marketo("/rest/v1/activities/pagingtoken.json?sinceDatetime=2026-03-02T00:00:00Z").await["nextPageToken"]
        .as_str()
        .expect("a token")
        .to_owned();
    sandbox.clock.advance(time::Duration::minutes(5));
    sandbox.control("/people/1005", json!({"title": "Chief of Everything", "phone": null})).await;
    sandbox.control("/people", json!({"email": "brand.new@example.com"})).await;
    let gone = sandbox.client.delete(format!("{}/__sandbox/people/1007", sandbox.sandbox.url())).send().await.expect("an answer");
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let token: String = url::form_urlencoded::byte_serialize(since.as_bytes()).collect();
    let changes = sandbox.get_marketo(&format!("/rest/v1/activities/leadchanges.json?fields=title&nextPageToken={token}")).await;
    let list = changes["result"].as_array().expect("activities");
    assert_eq!((list.len(), &changes["moreResult"]), (2, &json!(false)), "{changes}");
    assert_eq!((&list[0]["leadId"], &list[0]["activityTypeId"]), (&json!(1005), &json!(13)));
    assert_eq!((&list[0]["fields"][0]["newValue"], list[0]["fields"].as_array().map(Vec::len)), (&json!("Chief of Everything"), Some(1)));
    assert_eq!((&list[1]["leadId"], &list[1]["activityTypeId"]), (&json!(2001), &json!(12)));
    let deleted = sandbox.get_marketo(&format!("/rest/v1/activities/deletedleads.json?nextPageToken={token}")).await;
    assert_eq!((&deleted["result"][0]["leadId"], &deleted["result"][0]["activityTypeId"]), (&json!(1007), &json!(37)));
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn user_management_answers_in_its_own_style() {
    let sandbox = SandboxHarness::start_small().await;
    let users = sandbox.get_marketo("/userservice/management/v1/users/allusers.json?pageSize=200").await;
    let maria = users.as_array().expect("a bare array").iter().find(|user| user["userid"] == "maria.admin@example.com").expect("Maria");
    assert_eq!((&maria["lastName"], &maria["apiOnly"]), (&json!("Lindqvist"), &json!(false)));
    let roles = sandbox.get_marketo("/userservice/management/v1/users/maria.admin@example.com/roles.json").await;
    assert_eq!((&roles[0]["accessRoleId"], &roles[0]["accessRoleName"]), (&json!(1), &json!("Admin")));
    let token = sandbox.get_marketo_token().await;
    let unknown = sandbox.get("/userservice/management/v1/users/nobody@example.com/roles.json").bearer_auth(&token);
    assert_eq!(read_json(unknown).await.0, StatusCode::NOT_FOUND);
    sandbox.control("/marketo", json!({"user_management": false})).await;
    let (status, body) = read_json(sandbox.get("/userservice/management/v1/users/allusers.json").bearer_auth(&token)).await;
    assert_eq!((status, &body["errors"][0]["code"], body.get("success")), (StatusCode::FORBIDDEN, &json!(603), None));
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn with_throttles_the_101st_call_in_20_seconds_is_refused() {
    let sandbox = SandboxHarness::start(SandboxSettings { people: 10, throttles: true, ..SandboxSettings::default() }).await;
    for _ in 0..100 {
        assert_eq!(sandbox.get_marketo("/rest/v1/lead/1001.json").await["success"], true);
    }
    assert_eq!(error_code(&sandbox.get_marketo("/rest/v1/lead/1001.json").await), "606");
    sandbox.clock.advance(time::Duration::seconds(20));
    assert_eq!(sandbox.get_marketo("/rest/v1/lead/1001.json").await["result"][0]["id"], 1001);
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn a_wrong_method_or_path_is_named_in_the_envelope() {
    let sandbox = SandboxHarness::start_small().await;
    assert_eq!(error_code(&sandbox.get_marketo("/bulk/v1/leads/export/create.json").await), "605");
    assert_eq!(error_code(&sandbox.get_marketo("/rest/v1/shoes.json").await), "610");
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn ordered_faults_corrupt_the_file_or_its_checksum() {
    let sandbox = SandboxHarness::start_small().await;
    for (fault, sound) in [(json!({"kind": "malformed_row"}), false), (json!({"kind": "oversize_line", "bytes": 100_000}), true)] {
        let mut order = json!({"target": "marketo", "path_contains": "/file.json"});
        order.as_object_mut().expect("an object").extend(fault.as_object().expect("an object").clone());
        sandbox.control("/faults", order).await;
        let id = sandbox.run_export(&["id", "email"]).await;
        let status = sandbox.get_export_status(&id).await;
        let file = sandbox
            .request_export_file(&sandbox.get_marketo_token().await, &id)
            .send()
            .await
            .expect("an answer")
            .bytes()
            .await
            .expect("a file");
        assert_eq!(status["fileChecksum"], format!("sha256:{}", to_hex(&Sha256::digest(&file))));
        assert_eq!(csv::Reader::from_reader(file.as_ref()).records().all(|row| row.is_ok()), sound, "{fault}");
    }
    let id = sandbox.run_export(&["id"]).await;
    let sound = sandbox.get_export_status(&id).await["fileChecksum"].clone();
    sandbox.control("/faults", json!({"target": "marketo", "path_contains": "/status.json", "kind": "wrong_checksum"})).await;
    assert_ne!(sandbox.get_export_status(&id).await["fileChecksum"], sound);
    assert_eq!(sandbox.get_export_status(&id).await["fileChecksum"], sound);
    sandbox.sandbox.stop().await;
}
