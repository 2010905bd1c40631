//! `composite`: several requests in one, in which later ones refer to the answers to earlier ones (the vendor's pages "Composite").

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::api_call::is_known_version;
use super::api_request::{ApiCaller, RecordReply, RecordRequest};
use super::errors::SalesforceApiError;
use super::operations::execute;

/// Most requests in one.
const MAX_REQUESTS: usize = 25;
/// Most of them that may be queries or collections.
const MAX_QUERIES: usize = 5;

/// The reply to a request that wasn't carried out, or was rolled back.
fn halted_reply(message: impl Into<String>) -> RecordReply {
    SalesforceApiError::bad_request("PROCESSING_HALTED", message).into()
}

/// Carries out every request of a composite one. Blocks.
///
/// # Errors
/// 400 for a request that isn't well-formed.
pub fn execute_composite(caller: ApiCaller<'_>, body: &Value) -> Result<Value, SalesforceApiError> {
    let requests = body["compositeRequest"]
        .as_array()
        .ok_or_else(|| SalesforceApiError::bad_request("JSON_PARSER_ERROR", "compositeRequest must be a list"))?;
    check_requests(requests)?;
    let all_or_none = body["allOrNone"].as_bool().unwrap_or(false);
    let before = caller.sandbox.salesforce().stored_records.clone();
    let mut replies: Vec<RecordReply> = Vec::new();
    let mut answered: BTreeMap<&str, Value> = BTreeMap::new();
    for request in requests {
        let failed = all_or_none && replies.iter().any(|reply| !reply.status.is_success());
        let reply = if failed { halted_reply("an earlier request failed") } else { execute_one(caller, request, &answered) };
        if reply.status.is_success() {
            answered.insert(reference_id(request), reply.body.clone().unwrap_or(Value::Null));
        }
        replies.push(reply);
    }
    if all_or_none && replies.iter().any(|reply| !reply.status.is_success()) {
        caller.sandbox.salesforce().stored_records = before;
        for reply in replies.iter_mut().filter(|reply| reply.status.is_success()) {
            *reply = halted_reply("The transaction was rolled back since another operation in the same transaction failed.");
        }
    }
    let rendered: Vec<Value> = requests
        .iter()
        .zip(replies)
        .map(|(request, reply)| {
            let headers: Map<String, Value> = reply.location.map(|location| ("Location".to_owned(), json!(location))).into_iter().collect();
            json!({"body": reply.body, "httpHeaders": headers, "httpStatusCode": reply.status.as_u16(), "referenceId": reference_id(request)})
        })
        .collect();
    Ok(json!({ "compositeResponse": rendered }))
}

fn reference_id(request: &Value) -> &str {
    request["referenceId"].as_str().unwrap_or_default()
}

fn check_requests(requests: &[Value]) -> Result<(), SalesforceApiError> {
    let is_query =
        |request: &&Value| request["url"].as_str().is_some_and(|url| url.contains("/query") || url.contains("/composite/sobjects"));
    if requests.len() > MAX_REQUESTS || requests.iter().filter(is_query).count() > MAX_QUERIES {
        let message = format!("at most {MAX_REQUESTS} requests, and at most {MAX_QUERIES} of them queries or collections");
        return Err(SalesforceApiError::bad_request("LIMIT_EXCEEDED", message));
    }
    for (position, request) in requests.iter().enumerate() {
        let name = reference_id(request);
        // Letters, digits and underscores, by the page "Composite Subrequest Result".
        let is_valid = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_valid || requests[..position].iter().any(|earlier| reference_id(earlier) == name) {
            return Err(SalesforceApiError::bad_request("JSON_PARSER_ERROR", format!("referenceId {name:?} is invalid or used twice")));
        }
    }
    Ok(())
}

fn execute_one(caller: ApiCaller<'_>, request: &Value, answered: &BTreeMap<&str, Value>) -> RecordReply {
    let mut filled = request.clone();
    for member in ["url", "body"] {
        if let Err(missing) = fill_references(&mut filled[member], answered) {
            return halted_reply(format!("Invalid reference specified. No value for {missing} found"));
        }
    }
    let (path, query) = match filled["url"].as_str() {
        Some(url) => url.split_once('?').unwrap_or((url, "")),
        None => return SalesforceApiError::bad_request("JSON_PARSER_ERROR", "url is missing").into(),
    };
    let mut segments = path.trim_matches('/').split('/').map(str::to_owned);
    let version = match (segments.next().as_deref(), segments.next().as_deref(), segments.next()) {
        (Some("services"), Some("data"), Some(version)) if is_known_version(&version) => version,
        _ => return SalesforceApiError::not_found().into(),
    };
    let subrequest = RecordRequest {
        method: filled["method"].as_str().unwrap_or_default(),
        segments: segments.collect(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        body: filled["body"].clone(),
    };
    if subrequest.segments.first().is_some_and(|first| first == "composite")
        && subrequest.segments.get(1).is_none_or(|second| second != "sobjects")
    {
        return SalesforceApiError::new(StatusCode::BAD_REQUEST, "INVALID_INPUT", "a composite request can't hold another one").into();
    }
    execute(ApiCaller { version: &version, ..caller }, &subrequest).unwrap_or_else(RecordReply::from)
}

/// Replaces `@{reference.member}` by values of earlier answers; the error is a reference that leads nowhere.
fn fill_references(value: &mut Value, answered: &BTreeMap<&str, Value>) -> Result<(), String> {
    match value {
        Value::Array(all) => all.iter_mut().try_for_each(|one| fill_references(one, answered)),
        Value::Object(members) => members.values_mut().try_for_each(|one| fill_references(one, answered)),
        Value::String(text) => {
            let mut filled = String::new();
            let mut rest = text.as_str();
            while let Some((before, after)) = rest.split_once("@{") {
                let (path, behind) = after.split_once('}').ok_or_else(|| after.to_owned())?;
                let found = look_up(path, answered).ok_or_else(|| path.to_owned())?;
                filled.push_str(before);
                match found {
                    Value::String(text) => filled.push_str(&text),
                    other => filled.push_str(&other.to_string()),
                }
                rest = behind;
            }
            filled.push_str(rest);
            *text = filled;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Follows `reference.member[0].member`.
fn look_up(path: &str, answered: &BTreeMap<&str, Value>) -> Option<Value> {
    let mut steps = path.split(['.', '[']).map(|step| step.trim_end_matches(']'));
    let mut found = answered.get(steps.next()?)?;
    for step in steps {
        found = match step.parse::<usize>() {
            Ok(number) => found.get(number)?,
            Err(_) => found.get(step)?,
        };
    }
    (!found.is_null()).then(|| found.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_followed_through_members_and_lists() {
        let answered = BTreeMap::from([("found", json!({"records": [{"Id": "001A"}], "totalSize": 1}))]);
        let mut body = json!({"WhatId": "@{found.records[0].Id}", "Subject": "one of @{found.totalSize}"});
        assert_eq!(fill_references(&mut body, &answered), Ok(()));
        assert_eq!(body, json!({"WhatId": "001A", "Subject": "one of 1"}));
        assert_eq!(fill_references(&mut json!("@{found.records[1].Id}"), &answered), Err("found.records[1].Id".into()));
    }
}
