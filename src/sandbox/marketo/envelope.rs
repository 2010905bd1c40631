//! Marketo's answer envelope: HTTP 200 whether or not the call succeeded.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

use super::error::MarketoApiError;
use crate::sandbox::state::SandboxState;

impl MarketoApiError {
    /// The error in the envelope, HTTP 200.
    pub fn to_response(&self, sandbox: &SandboxState) -> HttpResponse {
        sandbox.usage().count_error(sandbox.now(), &self.code);
        HttpResponse::Ok().json(json!({
            "requestId": new_request_id(sandbox),
            "success": false,
            "errors": [{"code": self.code, "message": self.message}],
        }))
    }

    /// The error as user management reports it: the HTTP status decides, there is no `success`, and the code is a number.
    pub fn to_user_management_response(&self, sandbox: &SandboxState, status: StatusCode) -> HttpResponse {
        let code = self.code.parse::<i64>().map_or_else(|_| json!(self.code), |number| json!(number));
        HttpResponse::build(status).json(json!({"requestId": new_request_id(sandbox), "errors": [{"code": code, "message": self.message}]}))
    }
}

/// A request id such as `e42b#14272d07d78`: four hexadecimal digits and the time in milliseconds.
fn new_request_id(sandbox: &SandboxState) -> String {
    let millis = sandbox.clock.now().unix_timestamp_nanos() / 1_000_000;
    format!("{}#{millis:x}", &sandbox.new_secret()[..4])
}

/// A successful answer: `requestId`, `success` and the given members.
pub fn respond_success(sandbox: &SandboxState, members: Value) -> HttpResponse {
    let mut body = Map::new();
    body.insert("requestId".into(), json!(new_request_id(sandbox)));
    if let Value::Object(members) = members {
        body.extend(members);
    }
    body.insert("success".into(), json!(true));
    HttpResponse::Ok().json(Value::Object(body))
}

/// A successful answer of the asset API with a warning in place of a result.
pub fn respond_warning(sandbox: &SandboxState, warning: &str) -> HttpResponse {
    respond_success(sandbox, json!({"errors": [], "warnings": [warning]}))
}

/// A successful answer with the given members, or the error.
pub fn respond(sandbox: &SandboxState, outcome: Result<Value, MarketoApiError>) -> HttpResponse {
    match outcome {
        Ok(members) => respond_success(sandbox, members),
        Err(error) => error.to_response(sandbox),
    }
}
