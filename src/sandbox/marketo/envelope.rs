//! Marketo's answer envelope: HTTP 200 whether or not the call succeeded.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

use super::error::Refusal;
use crate::sandbox::state::SandboxState;

impl Refusal {
    /// The error in the envelope, HTTP 200.
    pub fn envelope(&self, sandbox: &SandboxState) -> HttpResponse {
        sandbox.usage().count_error(sandbox.now(), &self.code);
        HttpResponse::Ok().json(json!({
            "requestId": request_id(sandbox),
            "success": false,
            "errors": [{"code": self.code, "message": self.message}],
        }))
    }

    /// The error as user management writes it: the HTTP status decides, there is no `success`, and the code is a number.
    pub fn user_management(&self, sandbox: &SandboxState, status: StatusCode) -> HttpResponse {
        let code = self.code.parse::<i64>().map_or_else(|_| json!(self.code), |number| json!(number));
        HttpResponse::build(status).json(json!({"requestId": request_id(sandbox), "errors": [{"code": code, "message": self.message}]}))
    }
}

/// Marketo's request id, such as `e42b#14272d07d78`: four hexadecimal digits and the time in milliseconds.
pub fn request_id(sandbox: &SandboxState) -> String {
    let millis = sandbox.clock.now().unix_timestamp_nanos() / 1_000_000;
    format!("{}#{millis:x}", &sandbox.new_secret()[..4])
}

/// A successful answer: `requestId`, `success` and the given members.
pub fn success(sandbox: &SandboxState, members: Value) -> HttpResponse {
    let mut body = Map::new();
    body.insert("requestId".into(), json!(request_id(sandbox)));
    if let Value::Object(members) = members {
        body.extend(members);
    }
    body.insert("success".into(), json!(true));
    HttpResponse::Ok().json(Value::Object(body))
}

/// A successful answer of the asset API that has no result but a warning.
pub fn warned(sandbox: &SandboxState, warning: &str) -> HttpResponse {
    success(sandbox, json!({"errors": [], "warnings": [warning]}))
}

/// The members of a success, or the refusal, as an answer.
pub fn answer(sandbox: &SandboxState, outcome: Result<Value, Refusal>) -> HttpResponse {
    match outcome {
        Ok(members) => success(sandbox, members),
        Err(refusal) => refusal.envelope(sandbox),
    }
}
