//! `composite`: several requests in one, later ones using what earlier ones answered (the vendor's pages "Composite").

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::api_request::{Caller, Reply, Request};
use super::errors::ApiError;
use super::operations::perform;
use super::session::is_known_version;

/// Most requests in one, and how many of them may be queries or collections.
const MOST_REQUESTS: usize = 25;
const MOST_QUERIES: usize = 5;

/// Why a request wasn't carried out, or was undone.
fn halted(message: impl Into<String>) -> Reply {
    ApiError::bad("PROCESSING_HALTED", message).into()
}

/// Carries out every request of a composite one. Blocks.
///
/// # Errors
/// 400 for a request that isn't well formed.
pub fn composite(caller: Caller<'_>, body: &Value) -> Result<Value, ApiError> {
    let requests =
        body["compositeRequest"].as_array().ok_or_else(|| ApiError::bad("JSON_PARSER_ERROR", "compositeRequest must be a list"))?;
    check(requests)?;
    let all_or_none = body["allOrNone"].as_bool().unwrap_or(false);
    let before = caller.sandbox.salesforce().written.clone();
    let mut replies: Vec<Reply> = Vec::new();
    let mut answered: BTreeMap<&str, Value> = BTreeMap::new();
    for request in requests {
        let failed = all_or_none && replies.iter().any(|reply| !reply.status.is_success());
        let reply = if failed { halted("an earlier request failed") } else { one(caller, request, &answered) };
        if reply.status.is_success() {
            answered.insert(reference(request), reply.body.clone().unwrap_or(Value::Null));
        }
        replies.push(reply);
    }
    if all_or_none && replies.iter().any(|reply| !reply.status.is_success()) {
        caller.sandbox.salesforce().written = before;
        for reply in replies.iter_mut().filter(|reply| reply.status.is_success()) {
            *reply = halted("The transaction was rolled back since another operation in the same transaction failed.");
        }
    }
    let shown: Vec<Value> = requests
        .iter()
        .zip(replies)
        .map(|(request, reply)| {
            let headers: Map<String, Value> = reply.location.map(|location| ("Location".to_owned(), json!(location))).into_iter().collect();
            json!({"body": reply.body, "httpHeaders": headers, "httpStatusCode": reply.status.as_u16(), "referenceId": reference(request)})
        })
        .collect();
    Ok(json!({ "compositeResponse": shown }))
}

fn reference(request: &Value) -> &str {
    request["referenceId"].as_str().unwrap_or_default()
}

fn check(requests: &[Value]) -> Result<(), ApiError> {
    let is_query =
        |request: &&Value| request["url"].as_str().is_some_and(|url| url.contains("/query") || url.contains("/composite/sobjects"));
    if requests.len() > MOST_REQUESTS || requests.iter().filter(is_query).count() > MOST_QUERIES {
        let message = format!("at most {MOST_REQUESTS} requests, and at most {MOST_QUERIES} of them queries or collections");
        return Err(ApiError::bad("LIMIT_EXCEEDED", message));
    }
    for (place, request) in requests.iter().enumerate() {
        let name = reference(request);
        // Letters, digits and underscores, by the page "Composite Subrequest Result".
        let fine = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !fine || requests[..place].iter().any(|earlier| reference(earlier) == name) {
            return Err(ApiError::bad("JSON_PARSER_ERROR", format!("referenceId {name:?} is not fit, or there twice")));
        }
    }
    Ok(())
}

fn one(caller: Caller<'_>, request: &Value, answered: &BTreeMap<&str, Value>) -> Reply {
    let mut filled = request.clone();
    for member in ["url", "body"] {
        if let Err(missing) = fill(&mut filled[member], answered) {
            return halted(format!("Invalid reference specified. No value for {missing} found"));
        }
    }
    let (path, query) = match filled["url"].as_str() {
        Some(url) => url.split_once('?').unwrap_or((url, "")),
        None => return ApiError::bad("JSON_PARSER_ERROR", "url is missing").into(),
    };
    let mut segments = path.trim_matches('/').split('/').map(str::to_owned);
    let version = match (segments.next().as_deref(), segments.next().as_deref(), segments.next()) {
        (Some("services"), Some("data"), Some(version)) if is_known_version(&version) => version,
        _ => return ApiError::not_found().into(),
    };
    let asked = Request {
        method: filled["method"].as_str().unwrap_or_default(),
        segments: segments.collect(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        body: filled["body"].clone(),
    };
    if asked.segments.first().is_some_and(|first| first == "composite") && asked.segments.get(1).is_none_or(|second| second != "sobjects") {
        return ApiError::new(StatusCode::BAD_REQUEST, "INVALID_INPUT", "a composite request can't hold another one").into();
    }
    perform(Caller { version: &version, ..caller }, &asked).unwrap_or_else(Reply::from)
}

/// Puts answers in the place of `@{reference.member}`; fails with a reference that leads nowhere.
fn fill(value: &mut Value, answered: &BTreeMap<&str, Value>) -> Result<(), String> {
    match value {
        Value::Array(all) => all.iter_mut().try_for_each(|one| fill(one, answered)),
        Value::Object(members) => members.values_mut().try_for_each(|one| fill(one, answered)),
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
        assert_eq!(fill(&mut body, &answered), Ok(()));
        assert_eq!(body, json!({"WhatId": "001A", "Subject": "one of 1"}));
        assert_eq!(fill(&mut json!("@{found.records[1].Id}"), &answered), Err("found.records[1].Id".into()));
    }
}
