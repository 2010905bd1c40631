use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use time::macros::datetime;

use super::*;
use crate::http_stub::{Stub, StubRequest, StubResponse, UnlimitedQuota, http_client};
use crate::upstream::{BoxFuture, ProxyBody, ProxyRequest, RetryPolicy, TokenSource, TokenUnavailable};

mod downloads;

/// Hands out `first`, then `second` once `first` was refused, and counts the refreshes.
struct TwoMarketoTokens {
    refreshes: Mutex<Vec<String>>,
}

impl TokenSource for TwoMarketoTokens {
    fn token(&self) -> BoxFuture<'_, Result<SecretString, TokenUnavailable>> {
        Box::pin(async { Ok("first".into()) })
    }

    fn replace_rejected<'a>(&'a self, rejected: &'a SecretString) -> BoxFuture<'a, Result<SecretString, TokenUnavailable>> {
        self.refreshes.lock().unwrap().push(rejected.expose_secret().to_owned());
        Box::pin(async { Ok("second".into()) })
    }
}

const AT_ONCE: RetryPolicy = RetryPolicy { attempts: 4, first_delay: Duration::ZERO, longest_delay: Duration::ZERO };

fn client(stub: &Stub) -> (MarketoClient, Arc<TwoMarketoTokens>) {
    let tokens = Arc::new(TwoMarketoTokens { refreshes: Mutex::default() });
    let client = MarketoClient::new(http_client(), stub.url_of("/marketo"), tokens.clone(), Arc::new(UnlimitedQuota))
        .with_retry(AT_ONCE)
        .with_rate_window(Duration::ZERO);
    (client, tokens)
}

/// A client of a server that answers every request alike.
async fn answered_with(reply: StubResponse) -> (MarketoClient, Arc<TwoMarketoTokens>, Stub) {
    let stub = Stub::start(move |_, _| reply.clone()).await;
    let (client, tokens) = client(&stub);
    (client, tokens, stub)
}

fn refusal(code: &str, message: &str) -> StubResponse {
    let body = format!(r#"{{"requestId":"e42b#14272d07d78","success":false,"errors":[{{"code":"{code}","message":"{message}"}}]}}"#);
    StubResponse::json(200, &body)
}

fn created_job() -> StubResponse {
    StubResponse::json(
        200,
        r#"{"requestId":"1","success":true,"result":[{"exportId":"ce45","status":"Created","createdAt":"2023-01-21T11:47:30-08:00","format":"CSV"}]}"#,
    )
}

fn january() -> ExportFilter {
    let (start, end) = (datetime!(2023-01-01 00:00:00.123 UTC), datetime!(2023-02-01 01:00 +1));
    ExportFilter { by: FilterBy::CreatedAt, start, end }
}

#[tokio::test]
async fn describe_lists_the_fields_that_the_rest_api_knows() {
    let body = r#"{"requestId":"1","success":true,"result":[
        {"id":2,"displayName":"Company Name","dataType":"string","length":255,"rest":{"name":"company","readOnly":false},"soap":{"name":"Company"}},
        {"id":3,"displayName":"Created","dataType":"datetime","rest":{"name":"createdAt","readOnly":true}},
        {"id":4,"displayName":"Old","dataType":"string","soap":{"name":"Old","readOnly":false}}]}"#;
    let (client, _, stub) = answered_with(StubResponse::json(200, body)).await;
    let fields = client.describe().await.unwrap();
    let names: Vec<_> = fields.iter().map(|field| (field.rest_name.as_str(), field.length, field.read_only)).collect();
    assert_eq!(names, [("company", Some(255), false), ("createdAt", None, true)]);
    let request = &stub.requests()[0];
    assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/marketo/rest/v1/leads/describe.json"));
    assert_eq!(request.header("authorization"), Some("Bearer first"));
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_call_repeated() {
    let stub = Stub::start(|request, _| match request.header("authorization") {
        Some("Bearer second") => created_job(),
        _ => refusal("602", "Access token expired"),
    })
    .await;
    let (client, tokens) = client(&stub);
    let job = client.create_export(&["id".into()], january()).await.unwrap();
    assert_eq!((job.status, job.created_at), (ExportStatus::Created, Some(datetime!(2023-01-21 11:47:30 -8))));
    assert_eq!(*tokens.refreshes.lock().unwrap(), ["first"]);
    assert_eq!(stub.requests().len(), 2);
}

#[tokio::test]
async fn a_renewed_token_that_is_refused_too_is_an_error() {
    let (client, tokens, stub) = answered_with(refusal("601", "Access token invalid")).await;
    let error = client.describe().await.unwrap_err();
    assert!(matches!(error, MarketoError::TokenRefused(_)), "{error:?}");
    assert_eq!((tokens.refreshes.lock().unwrap().len(), stub.requests().len()), (1, 2));
}

#[tokio::test]
async fn temporary_refusals_are_repeated_until_they_pass() {
    for code in ["502", "604", "608", "611", "614", "713", "606", "615"] {
        let stub = Stub::start(move |_, n| if n < 2 { refusal(code, "later") } else { created_job() }).await;
        assert!(client(&stub).0.export_status("ce45").await.is_ok(), "{code}");
        assert_eq!(stub.requests().len(), 3, "{code}");
    }
}

#[tokio::test]
async fn repetition_is_bounded() {
    let (client, _, stub) = answered_with(refusal("611", "System error")).await;
    let error = client.describe().await.unwrap_err();
    assert!(matches!(error, MarketoError::Temporary(_)), "{error:?}");
    assert_eq!((error.code(), error.message().as_str(), stub.requests().len()), (Some("611"), "System error", 4));
}

#[tokio::test]
async fn server_errors_and_lost_answers_are_repeated() {
    let stub = Stub::start(|_, n| match n {
        0 => StubResponse::new(503, "text/html", "<h1>busy</h1>"),
        1 => StubResponse::none(),
        2 => created_job().cut_after(20),
        _ => created_job(),
    })
    .await;
    assert!(client(&stub).0.export_status("ce45").await.is_ok());
}

#[tokio::test]
async fn every_other_refusal_has_its_own_error_and_is_not_repeated() {
    type Expected = fn(&MarketoError) -> bool;
    let cases: [(&str, &str, Expected); 11] = [
        ("603", "Access denied", |error| matches!(error, MarketoError::AccessDenied(_))),
        ("607", "Daily quota reached", |error| matches!(error, MarketoError::DailyQuota(_))),
        ("610", "Requested resource not found", |error| matches!(error, MarketoError::Rejected(_))),
        ("701", "fields cannot be blank", |error| matches!(error, MarketoError::Rejected(_))),
        ("702", "No data found", |error| matches!(error, MarketoError::Rejected(_))),
        ("709", "Business Rule Violation", |error| matches!(error, MarketoError::Rejected(_))),
        ("1003", "Too many results match the filter", |error| matches!(error, MarketoError::InvalidData(_))),
        ("1029", "Too many jobs in queue", |error| matches!(error, MarketoError::ExportQueueFull(_))),
        ("1029", "Export daily quota 500MB exceeded.", |error| matches!(error, MarketoError::ExportQuota(_))),
        ("1035", "Unsupported filter type for target subscription", |error| matches!(error, MarketoError::UnsupportedFilter(_))),
        ("9999", "Something new", |error| matches!(error, MarketoError::Rejected(_))),
    ];
    for (code, message, expected) in cases {
        let (client, _, stub) = answered_with(refusal(code, message)).await;
        let error = client.create_export(&["id".into()], january()).await.unwrap_err();
        assert!(expected(&error), "{code}: {error:?}");
        assert_eq!((error.code(), error.message().as_str()), (Some(code), message));
        assert!(!error.remedy().is_empty());
        assert_eq!(stub.requests().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_used_up_quota_says_when_it_starts_afresh_by_marketos_clock() {
    let reply = refusal("607", "Daily quota reached").header("date", "Thu, 15 Jan 2026 05:00:00 GMT");
    let (client, ..) = answered_with(reply).await;
    assert_eq!(client.describe().await.unwrap_err().retry_after(), Some(Duration::from_secs(3600)));
}

#[tokio::test]
async fn a_job_that_is_queued_already_counts_as_enqueued() {
    let stub = Stub::start(|request, _| match request.method.as_str() {
        "POST" => refusal("1029", "Job already queued"),
        _ => StubResponse::json(200, r#"{"requestId":"1","success":true,"result":[{"exportId":"ce45","status":"Queued"}]}"#),
    })
    .await;
    assert_eq!(client(&stub).0.enqueue_export("ce45").await.unwrap().status, ExportStatus::Queued);
    assert_eq!(stub.requests()[0].target, "/marketo/bulk/v1/leads/export/ce45/enqueue.json");
}

#[tokio::test]
async fn an_export_is_asked_for_without_milliseconds_and_in_utc() {
    let (client, _, stub) = answered_with(created_job()).await;
    client.create_export(&["id".into(), "email".into()], january()).await.unwrap();
    let body: serde_json::Value = serde_json::from_str(&stub.requests()[0].body).unwrap();
    let filter = serde_json::json!({ "createdAt": { "startAt": "2023-01-01T00:00:00Z", "endAt": "2023-02-01T00:00:00Z" } });
    assert_eq!(body, serde_json::json!({ "fields": ["id", "email"], "format": "CSV", "filter": filter }));
}

#[tokio::test]
async fn an_export_over_more_than_31_days_is_not_even_asked_for() {
    let (client, _, stub) = answered_with(created_job()).await;
    let filter = ExportFilter { end: datetime!(2023-02-01 00:00:01 UTC), start: datetime!(2023-01-01 00:00 UTC), by: FilterBy::UpdatedAt };
    let error = client.create_export(&["id".into()], filter).await.unwrap_err();
    assert!(matches!(error, MarketoError::InvalidRequest { .. }), "{error:?}");
    assert!(stub.requests().is_empty());
}

#[tokio::test]
async fn exports_are_listed_page_by_page_with_both_spellings_of_cancelled() {
    let body = r#"{"requestId":"1","success":true,"nextPageToken":"N==","result":[
        {"exportId":"a","status":"Completed","finishedAt":"2019-06-04T23:36:40Z","fileSize":400785,"numberOfRecords":1776,"fileChecksum":"sha256:83"},
        {"exportId":"b","status":"Cancelled"},{"exportId":"c","status":"Canceled"}]}"#;
    let (client, _, stub) = answered_with(StubResponse::json(200, body)).await;
    let page = client.list_exports(&[ExportStatus::Completed, ExportStatus::Canceled], Some("M=")).await.unwrap();
    assert_eq!(page.next_page_token.as_deref(), Some("N=="));
    assert_eq!((page.jobs[0].file_size, page.jobs[0].number_of_records), (Some(400_785), Some(1776)));
    assert!(page.jobs[1..].iter().all(|job| job.status == ExportStatus::Canceled && job.status.is_final()));
    let target = "/marketo/bulk/v1/leads/export.json?batchSize=300&status=Completed%2CCanceled&nextPageToken=M%3D";
    assert_eq!(stub.requests()[0].target, target);
}

#[tokio::test]
async fn a_long_question_for_people_is_posted_as_a_get() {
    let found = |request: &StubRequest, _| {
        assert!(request.target.len() < 8 * 1024);
        StubResponse::json(200, r#"{"requestId":"1","success":true,"result":[{"id":7,"email":null}]}"#)
    };
    let stub = Stub::start(found).await;
    let (client, _) = client(&stub);
    let few = client.leads("id", &["7".into(), "8".into()], &["id", "email"]).await.unwrap();
    assert_eq!(few[0]["id"], 7);
    let emails: Vec<String> = (0..300).map(|n| format!("a.rather.long.address.{n}@example.com")).collect();
    client.leads("email", &emails, &["id"]).await.unwrap();
    let requests = stub.requests();
    assert_eq!(requests[0].target, "/marketo/rest/v1/leads.json?filterType=id&filterValues=7%2C8&fields=id%2Cemail");
    assert_eq!((requests[1].method.as_str(), requests[1].target.as_str()), ("POST", "/marketo/rest/v1/leads.json?_method=GET"));
    assert!(requests[1].body.starts_with("filterType=email&filterValues=a.rather.long.address.0%40example.com%2C"));
}

#[tokio::test]
async fn people_come_from_every_page() {
    let stub = Stub::start(|request, _| match request.target.contains("nextPageToken=P2") {
        true => StubResponse::json(200, r#"{"requestId":"1","success":true,"result":[{"id":2}]}"#),
        false => StubResponse::json(200, r#"{"requestId":"1","success":true,"result":[{"id":1}],"nextPageToken":"P2"}"#),
    })
    .await;
    let people = client(&stub).0.leads("email", &["a@example.com".into()], &["id"]).await.unwrap();
    assert_eq!(people.iter().map(|one| one["id"].clone()).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn impossible_questions_for_people_are_not_sent() {
    let (client, _, stub) = answered_with(created_job()).await;
    let many: Vec<String> = (0..301).map(|n| n.to_string()).collect();
    assert!(matches!(client.leads("id", &many, &["id"]).await, Err(MarketoError::InvalidRequest { .. })));
    assert!(matches!(client.leads("email", &["a,b".into()], &["id"]).await, Err(MarketoError::InvalidRequest { .. })));
    assert_eq!(client.leads("id", &[], &["id"]).await, Ok(Vec::new()));
    assert!(stub.requests().is_empty());
}

#[tokio::test]
async fn users_are_read_to_the_last_page() {
    let stub = Stub::start(|request, _| {
        let (first, count) = if request.target.ends_with("pageOffset=0") { (0, 200) } else { (200, 3) };
        let rows: Vec<_> = (first..first + count)
            .map(|n| {
                format!(
                    r#"{{"userid":"u{n}@x.com","firstName":"F","lastName":"L","emailAddress":"u{n}@x.com","id":{n},"apiOnly":{}}}"#,
                    n == 1
                )
            })
            .collect();
        StubResponse::json(200, &format!("[{}]", rows.join(",")))
    })
    .await;
    let users = client(&stub).0.users().await.unwrap();
    assert_eq!((users.len(), users[1].api_only, users[202].user_id.as_str()), (203, true, "u202@x.com"));
    assert_eq!(stub.requests()[0].target, "/marketo/userservice/management/v1/users/allusers.json?pageSize=200&pageOffset=0");
}

#[tokio::test]
async fn a_role_held_in_two_workspaces_is_one_role() {
    let body = r#"[{"accessRoleId":1,"accessRoleName":"Admin","workspaceId":0,"workspaceName":"All"},
        {"accessRoleId":1,"accessRoleName":"Admin","workspaceId":2,"workspaceName":"B"},{"accessRoleId":5,"accessRoleName":"Web","workspaceId":2}]"#;
    let (client, _, stub) = answered_with(StubResponse::json(200, body)).await;
    let roles = client.user_roles("jamie/x@example.com").await.unwrap();
    assert_eq!(roles, [MarketoRole { id: 1, name: "Admin".into() }, MarketoRole { id: 5, name: "Web".into() }]);
    assert_eq!(stub.requests()[0].target, "/marketo/userservice/management/v1/users/jamie%2Fx@example.com/roles.json");
}

#[tokio::test]
async fn user_management_refuses_by_http_status_with_or_without_a_code() {
    let (client, ..) = answered_with(StubResponse::json(403, r#"{"errors":[{"code":603,"message":"Access denied"}]}"#)).await;
    let error = client.users().await.unwrap_err();
    assert!(matches!(&error, MarketoError::AccessDenied(refusal) if refusal.code == "603"), "{error:?}");
    let (client, tokens, _stub) = answered_with(StubResponse::new(401, "text/plain", "Unauthorized")).await;
    assert!(matches!(client.users().await, Err(MarketoError::TokenRefused(_))));
    assert_eq!(tokens.refreshes.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn identity_hands_out_a_token() {
    let body = r#"{"access_token":"cdf0:int","token_type":"bearer","expires_in":3599,"scope":"apis@acmeinc.com"}"#;
    let stub = Stub::start(move |_, _| StubResponse::json(200, body)).await;
    let token = request_token(&http_client(), &stub.url_of("/marketo"), "a b", &"s&t".into()).await.unwrap();
    assert_eq!((token.access_token.expose_secret(), token.expires_in, token.scope.as_str()), ("cdf0:int", 3599, "apis@acmeinc.com"));
    let target = "/marketo/identity/oauth/token?grant_type=client_credentials&client_id=a+b&client_secret=s%26t";
    assert_eq!(stub.requests()[0].target, target);
    assert!(!format!("{token:?}").contains("cdf0"));
}

#[tokio::test]
async fn identity_tells_a_wrong_address_id_and_secret_apart() {
    type Expected = fn(&MarketoError) -> bool;
    let cases: [(StubResponse, Expected); 6] = [
        (StubResponse::json(401, r#"{"error":"invalid_client","error_description":"No client with requested id: x"}"#), |error| {
            matches!(error, MarketoError::UnknownClient { .. })
        }),
        (StubResponse::json(401, r#"{"error":"invalid_client","error_description":"Bad client credentials"}"#), |error| {
            matches!(error, MarketoError::WrongSecret { .. })
        }),
        (StubResponse::json(401, r#"{"error":"invalid_client"}"#), |error| matches!(error, MarketoError::ClientRefused { .. })),
        (StubResponse::new(200, "text/html", "<html>Welcome</html>"), |error| matches!(error, MarketoError::NotMarketo { .. })),
        (StubResponse::new(404, "text/plain", "Not Found"), |error| matches!(error, MarketoError::NotMarketo { .. })),
        (StubResponse::new(502, "text/html", "Bad Gateway"), |error| matches!(error, MarketoError::Temporary(_))),
    ];
    for (reply, expected) in cases {
        let stub = Stub::start(move |_, _| reply.clone()).await;
        let error = request_token(&http_client(), &stub.url_of(""), "x", &"secret-word".into()).await.unwrap_err();
        assert!(expected(&error), "{error:?}");
    }
}

#[tokio::test]
async fn an_unreachable_address_is_named_as_such_without_giving_the_secret_away() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", free.local_addr().unwrap()).parse().unwrap();
    drop(free);
    let error = request_token(&http_client(), &base, "x", &"secret-word".into()).await.unwrap_err();
    assert!(matches!(error, MarketoError::Unreachable { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("secret-word"));
}

#[test]
fn the_word_null_is_an_empty_field() {
    assert_eq!(
        [field_value("null"), field_value(""), field_value("Null"), field_value("nullable")],
        [None, None, Some("Null"), Some("nullable")]
    );
}

#[tokio::test]
async fn a_post_without_a_body_says_that_it_has_none() {
    let token = r#"{"access_token":"t","expires_in":3599,"scope":"api@example.com","token_type":"bearer"}"#;
    let stub =
        Stub::start(move |request, _| if request.target.contains("identity") { StubResponse::json(200, token) } else { created_job() })
            .await;
    request_token(&http_client(), &stub.url_of("/marketo"), "a", &"b".into()).await.unwrap();
    client(&stub).0.enqueue_export("ce45").await.unwrap();
    client(&stub).0.export_status("ce45").await.unwrap();
    let said: Vec<_> =
        stub.requests().iter().map(|request| (request.method.clone(), request.header("content-length").map(str::to_owned))).collect();
    let (post, get) = (("POST".to_owned(), Some("0".to_owned())), ("GET".to_owned(), None));
    assert_eq!(said, [post.clone(), post, get]);
}

#[tokio::test]
async fn a_call_passed_on_without_a_body_says_so_where_one_could_be() {
    let stub = Stub::start(|_, _| StubResponse::json(200, "{}")).await;
    for method in ["GET", "HEAD", "DELETE", "POST", "PUT", "PATCH"] {
        let body = ProxyBody::Whole(bytes::Bytes::new());
        let call = ProxyRequest { method: method.into(), path: "/rest/x.json".into(), query: None, headers: Vec::new(), body };
        client(&stub).0.proxy(call).await.unwrap();
    }
    let requests = stub.requests();
    assert_eq!(requests.len(), 6);
    for one in requests {
        let expected = matches!(one.method.as_str(), "POST" | "PUT" | "PATCH").then_some("0");
        assert_eq!(one.header("content-length"), expected, "{}", one.method);
    }
}
