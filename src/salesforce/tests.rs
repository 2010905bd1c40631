use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use secrecy::{ExposeSecret, SecretString};

use super::*;
use crate::http_stub::{Stub, StubResponse, UnlimitedQuota, http_client};
use crate::upstream::{BoxFuture, RetryPolicy, TokenSource, TokenUnavailable};

mod oauth_flow;

/// Hands out `first`, then `second` once `first` was refused, and counts the refreshes.
struct TwoSalesforceTokens {
    refreshes: Mutex<u32>,
}

impl TokenSource for TwoSalesforceTokens {
    fn token(&self) -> BoxFuture<'_, Result<SecretString, TokenUnavailable>> {
        Box::pin(async { Ok("first".into()) })
    }

    fn replace_rejected<'a>(&'a self, rejected: &'a SecretString) -> BoxFuture<'a, Result<SecretString, TokenUnavailable>> {
        assert_eq!(rejected.expose_secret(), "first");
        *self.refreshes.lock().unwrap() += 1;
        Box::pin(async { Ok("second".into()) })
    }
}

fn client(stub: &Stub) -> (SalesforceClient, Arc<TwoSalesforceTokens>) {
    let tokens = Arc::new(TwoSalesforceTokens { refreshes: Mutex::default() });
    let at_once = RetryPolicy { attempts: 3, first_delay: Duration::ZERO, longest_delay: Duration::ZERO };
    (
        SalesforceClient::new(http_client(), stub.url_of("/salesforce"), "v66.0", tokens.clone(), Arc::new(UnlimitedQuota))
            .with_retry(at_once),
        tokens,
    )
}

/// A client of a server that answers every request alike.
async fn answered_with(reply: StubResponse) -> (SalesforceClient, Arc<TwoSalesforceTokens>, Stub) {
    let stub = Stub::start(move |_, _| reply.clone()).await;
    let (client, tokens) = client(&stub);
    (client, tokens, stub)
}

fn refusal(status: u16, code: &str) -> StubResponse {
    StubResponse::json(status, &format!(r#"[{{"errorCode":"{code}","message":"words of {code}","fields":["Email"]}}]"#))
}

fn job(state: &str) -> StubResponse {
    StubResponse::json(
        200,
        &format!(r#"{{"id":"750R0000000zxr8IAA","operation":"query","object":"Lead","state":"{state}","apiVersion":66.0}}"#),
    )
}

#[tokio::test]
async fn describe_lists_the_fields_that_the_user_may_see() {
    let body = r#"{"name":"Lead","label":"Lead","queryable":true,"keyPrefix":"00Q","fields":[
        {"name":"OwnerId","label":"Owner ID","type":"reference","length":18,"custom":false,"nillable":false,"referenceTo":["Group","User"]},
        {"name":"IsConverted","label":"Converted","type":"boolean","length":0}]}"#;
    let (client, _, stub) = answered_with(StubResponse::json(200, body).header("sforce-limit-info", "api-usage=18/5000")).await;
    assert_eq!(client.api_usage(), None);
    let lead = client.describe("Lead").await.unwrap();
    assert_eq!((lead.fields[0].name.as_str(), lead.fields[0].length), ("OwnerId", 18));
    assert_eq!((lead.fields[0].reference_to.len(), lead.fields[1].data_type.as_str()), (2, "boolean"));
    assert_eq!(client.api_usage(), Some(ApiUsage { used: 18, limit: 5000 }));
    let request = &stub.requests()[0];
    assert_eq!(request.target, "/salesforce/services/data/v66.0/sobjects/Lead/describe");
    assert_eq!(request.header("authorization"), Some("Bearer first"));
}

#[tokio::test]
async fn an_invalid_session_is_refreshed_once_and_the_call_repeated_once() {
    let stub = Stub::start(|request, _| match request.header("authorization") {
        Some("Bearer second") => job("InProgress"),
        _ => refusal(401, "INVALID_SESSION_ID"),
    })
    .await;
    let (client, tokens) = client(&stub);
    assert_eq!(client.create_query_job("SELECT Id FROM Lead").await.unwrap().state, QueryJobState::InProgress);
    assert_eq!((*tokens.refreshes.lock().unwrap(), stub.requests().len()), (1, 2));
}

#[tokio::test]
async fn a_refreshed_session_that_is_refused_too_is_an_error() {
    let (client, tokens, stub) = answered_with(refusal(401, "INVALID_SESSION_ID")).await;
    let error = client.limits().await.unwrap_err();
    assert!(matches!(error, SalesforceError::SessionInvalid(_)), "{error:?}");
    assert_eq!((error.category(), *tokens.refreshes.lock().unwrap(), stub.requests().len()), (Category::Authentication, 1, 2));
}

#[tokio::test]
async fn intermittent_refusals_are_repeated_and_repetition_is_bounded() {
    for (status, code) in [(503, "SERVER_UNAVAILABLE"), (400, "UNABLE_TO_LOCK_ROW"), (400, "QUERY_TIMEOUT"), (500, "UNHEARD_OF")] {
        let stub = Stub::start(move |_, n| if n == 0 { refusal(status, code) } else { job("JobComplete") }).await;
        assert!(client(&stub).0.query_job("750").await.is_ok(), "{code}");
        let (client, _, stub) = answered_with(refusal(status, code)).await;
        assert_eq!(client.query_job("750").await.unwrap_err().code(), Some(code));
        assert_eq!(stub.requests().len(), 3, "{code}");
    }
}

#[tokio::test]
async fn lost_answers_to_questions_are_asked_for_again() {
    let stub = Stub::start(|_, n| match n {
        0 => StubResponse::none(),
        1 => job("InProgress").cut_after(10),
        _ => job("InProgress"),
    })
    .await;
    assert!(client(&stub).0.query_job("750").await.is_ok());
}

#[tokio::test]
async fn a_job_whose_creation_was_not_answered_is_not_created_again() {
    let (client, _, stub) = answered_with(StubResponse::none()).await;
    let error = client.create_query_job("SELECT Id FROM Lead").await.unwrap_err();
    assert!(matches!(error, SalesforceError::AnswerLost { .. }), "{error:?}");
    let (client, _, cut) = answered_with(job("UploadComplete").cut_after(10)).await;
    let error = client.create_query_job("SELECT Id FROM Lead").await.unwrap_err();
    assert!(matches!(error, SalesforceError::AnswerLost { .. }), "{error:?}");
    assert_eq!((stub.requests().len(), cut.requests().len()), (1, 1));
}

#[tokio::test]
async fn used_up_calls_are_told_apart_from_missing_permissions_and_not_repeated() {
    let (client, _, stub) = answered_with(refusal(403, "REQUEST_LIMIT_EXCEEDED").header("retry-after", "600")).await;
    let error = client.count("SELECT COUNT() FROM Lead").await.unwrap_err();
    assert!(matches!(error, SalesforceError::RequestLimitExceeded(_)), "{error:?}");
    assert_eq!((error.category(), error.retry_after()), (Category::Intermittent, Some(Duration::from_secs(600))));
    assert_eq!(stub.requests().len(), 1);
}

#[tokio::test]
async fn every_code_of_the_diagnostics_has_its_category_and_advice() {
    for (status, code, category) in [
        (403, "API_CURRENTLY_DISABLED", Category::AccessValidation),
        (400, "CANNOT_UPDATE_CONVERTED_LEAD", Category::Other),
        (400, "ENTITY_IS_LOCKED", Category::AccessValidation),
        (400, "FIELD_INTEGRITY_EXCEPTION", Category::AccessValidation),
        (400, "INVALID_TYPE", Category::AccessValidation),
        (400, "FAILED_WRITE", Category::Intermittent),
        (403, "TXN_SECURITY_NO_ACCESS", Category::AccessValidation),
        (400, "UNKNOWN_EXCEPTION", Category::Other),
        (403, "FUNCTIONALITY_NOT_ENABLED", Category::AccessValidation),
        (400, "MALFORMED_QUERY", Category::Other),
    ] {
        let (client, ..) = answered_with(refusal(status, code)).await;
        let error = client.query("SELECT Id FROM Lead").await.unwrap_err();
        assert_eq!((error.code(), error.category(), error.message()), (Some(code), category, format!("words of {code}")));
        assert!(matches!(&error, SalesforceError::Api(refusal) if refusal.fields == ["Email"]), "{error:?}");
        assert!(!error.remedy().is_empty());
    }
}

#[tokio::test]
async fn an_error_without_the_documented_body_keeps_its_status() {
    let (client, ..) = answered_with(StubResponse::new(404, "text/html", "<h1>gone</h1>")).await;
    let error = client.describe("Lead").await.unwrap_err();
    assert_eq!((error.code(), error.message().as_str()), (Some("404"), "<h1>gone</h1>"));
    let (client, ..) = answered_with(StubResponse::new(302, "text/html", "").header("location", "https://example.com/")).await;
    assert!(matches!(client.describe("Lead").await, Err(SalesforceError::UnexpectedAnswer { .. })));
}

#[tokio::test]
async fn a_query_is_read_page_by_page_on_the_organizations_own_host() {
    let stub = Stub::start(|request, _| match request.target.as_str() {
        "/salesforce/services/data/v66.0/query?q=SELECT+Id+FROM+User" => StubResponse::json(
            200,
            r#"{"totalSize":3,"done":false,"nextRecordsUrl":"/services/data/v66.0/query/01g-2000","records":[{"Id":"a"},{"Id":"b"}]}"#,
        ),
        "/salesforce/services/data/v66.0/query/01g-2000" => {
            StubResponse::json(200, r#"{"totalSize":3,"done":true,"records":[{"Id":"c"}]}"#)
        }
        _ => refusal(404, "NOT_FOUND"),
    })
    .await;
    let (client, _) = client(&stub);
    let pages: Vec<_> = client.query_all_pages("SELECT Id FROM User").map(|page| page.unwrap().records.len()).collect().await;
    assert_eq!(pages, [2, 1]);
    // The base's own path isn't doubled, and another host isn't visited.
    assert!(client.query_next("/salesforce/services/data/v66.0/query/01g-2000").await.is_ok());
    assert!(client.query_next("https://example.com/services/data/v66.0/query/01g-2000").await.is_ok());
    assert!(client.query_next("https://example.com/elsewhere").await.is_err());
}

#[tokio::test]
async fn limits_are_read_by_name() {
    let body = r#"{"DailyApiRequests":{"Max":5000,"Remaining":4982,"App":{"Max":0,"Remaining":0}},"DailyBulkV2QueryJobs":{"Max":10000,"Remaining":9999},"Odd":7}"#;
    let (client, ..) = answered_with(StubResponse::json(200, body)).await;
    let limits = client.limits().await.unwrap();
    assert_eq!(limits["DailyApiRequests"], Limit { max: 5000, remaining: 4982 });
    assert_eq!(limits.len(), 2);
}

#[tokio::test]
async fn a_query_job_is_asked_for_in_csv_with_line_feeds() {
    let (client, _, stub) = answered_with(job("UploadComplete")).await;
    let made = client.create_query_job("SELECT Id, OwnerId FROM Lead").await.unwrap();
    assert_eq!((made.id.as_str(), made.state.is_final()), ("750R0000000zxr8IAA", false));
    client.abort_query_job(&made.id).await.unwrap();
    let requests = stub.requests();
    let bodies: Vec<serde_json::Value> = requests.iter().map(|request| serde_json::from_str(&request.body).unwrap()).collect();
    assert_eq!((bodies[0]["operation"].as_str(), bodies[0]["lineEnding"].as_str()), (Some("query"), Some("LF")));
    assert_eq!(bodies[1], serde_json::json!({ "state": "Aborted" }));
    assert_eq!(
        (requests[1].method.as_str(), requests[1].target.as_str()),
        ("PATCH", "/salesforce/services/data/v66.0/jobs/query/750R0000000zxr8IAA")
    );
}

#[tokio::test]
async fn a_query_job_that_is_gone_counts_as_deleted() {
    for reply in [StubResponse::new(204, "text/plain", ""), refusal(404, "NOT_FOUND")] {
        let (client, _, stub) = answered_with(reply).await;
        client.delete_query_job("750").await.unwrap();
        assert_eq!(stub.requests()[0].method, "DELETE");
    }
}

async fn read_text(body: ResultBody) -> Result<String, SalesforceError> {
    let chunks: Vec<_> = body.collect().await;
    let bytes = chunks.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    Ok(String::from_utf8(bytes).unwrap())
}

#[tokio::test]
async fn results_come_page_by_page_until_the_locator_is_the_word_null() {
    let stub = Stub::start(|request, _| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"\"Id\"\n\"00Q1\"\n").unwrap();
        let page = StubResponse::new(200, "text/csv", packed.finish().unwrap()).header("content-encoding", "gzip");
        match request.target.contains("locator=") {
            true => page.header("Sforce-Locator", "null"),
            false => page.header("Sforce-Locator", "MTAwMDA").header("Sforce-NumberOfRecords", "1"),
        }
    })
    .await;
    let (client, _) = client(&stub);
    let first = client.query_results("750", None, 50_000).await.unwrap();
    assert_eq!((first.locator.as_deref(), first.records), (Some("MTAwMDA"), Some(1)));
    assert_eq!(read_text(first.body).await.unwrap(), "\"Id\"\n\"00Q1\"\n");
    let last = client.query_results("750", Some("MTAwMDA"), 50_000).await.unwrap();
    assert_eq!((last.locator, last.records), (None, None));
    let requests = stub.requests();
    assert_eq!(requests[0].target, "/salesforce/services/data/v66.0/jobs/query/750/results?maxRecords=50000");
    assert!(requests[1].target.ends_with("&locator=MTAwMDA"));
    assert_eq!((requests[0].header("accept"), requests[0].header("accept-encoding")), (Some("text/csv"), Some("gzip")));
}

#[tokio::test]
async fn both_ways_to_say_not_yet_are_known() {
    for reply in [StubResponse::new(204, "text/plain", ""), refusal(412, "JOB_NOT_COMPLETE")] {
        let (client, ..) = answered_with(reply).await;
        assert_eq!(client.query_results("750", None, 10).await.unwrap_err(), SalesforceError::ResultsNotReady);
    }
}

#[tokio::test]
async fn a_result_page_that_breaks_off_ends_with_an_error() {
    let (client, ..) = answered_with(StubResponse::new(200, "text/csv", "\"Id\"\n\"00Q1\"\n").cut_after(7)).await;
    let page = client.query_results("750", None, 10).await.unwrap();
    assert!(matches!(read_text(page.body).await, Err(SalesforceError::Unreachable { .. })));
}
