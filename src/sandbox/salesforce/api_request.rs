//! A request about records and its answer, the same by itself and as a part of a composite request.

use actix_web::http::StatusCode;
use serde_json::Value;

use super::errors::ApiError;
use super::write::Writer;
use crate::sandbox::state::SandboxState;

/// Who asks, and in which version of the API.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    pub sandbox: &'a SandboxState,
    pub user_id: &'a str,
    /// As in the path, for example `v66.0`.
    pub version: &'a str,
}

impl<'a> Caller<'a> {
    /// The same as a writer of records.
    pub fn writer(&self) -> Writer<'a> {
        Writer { sandbox: self.sandbox, user_id: self.user_id }
    }
}

/// What is asked.
#[derive(Debug)]
pub struct Request<'a> {
    pub method: &'a str,
    /// What follows the version in the path, such as `["sobjects", "Task"]`.
    pub segments: Vec<String>,
    pub query: Vec<(String, String)>,
    pub body: Value,
}

impl Request<'_> {
    /// A parameter of the query, unless empty.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    pub status: StatusCode,
    pub location: Option<String>,
    pub body: Option<Value>,
}

impl Reply {
    /// 200 with a body.
    pub fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, location: None, body: Some(body) }
    }

    /// 204.
    pub fn none() -> Self {
        Self { status: StatusCode::NO_CONTENT, location: None, body: None }
    }
}

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Self {
        Self { status: error.status, location: None, body: Some(error.body()) }
    }
}
