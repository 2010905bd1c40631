//! A request about records and its answer, the same by itself and as a part of a composite request.

use actix_web::http::StatusCode;
use serde_json::Value;

use super::errors::SalesforceApiError;
use super::record_writer::RecordWriter;
use crate::sandbox::state::SandboxState;

/// Who calls, and in which version of the API.
#[derive(Debug, Clone, Copy)]
pub struct ApiCaller<'a> {
    pub sandbox: &'a SandboxState,
    pub user_id: &'a str,
    /// As in the path, for example `v66.0`.
    pub version: &'a str,
}

impl<'a> ApiCaller<'a> {
    /// Writes records for this caller.
    pub fn writer(&self) -> RecordWriter<'a> {
        RecordWriter { sandbox: self.sandbox, user_id: self.user_id }
    }
}

/// A request about records.
#[derive(Debug)]
pub struct RecordRequest<'a> {
    pub method: &'a str,
    /// What follows the version in the path, such as `["sobjects", "Task"]`.
    pub segments: Vec<String>,
    pub query: Vec<(String, String)>,
    pub body: Value,
}

impl RecordRequest<'_> {
    /// A parameter of the query, unless empty.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

/// The answer to a [`RecordRequest`].
#[derive(Debug, Clone, PartialEq)]
pub struct RecordReply {
    pub status: StatusCode,
    pub location: Option<String>,
    pub body: Option<Value>,
}

impl RecordReply {
    /// 200 with a body.
    pub fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, location: None, body: Some(body) }
    }

    /// 204.
    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, location: None, body: None }
    }
}

impl From<SalesforceApiError> for RecordReply {
    fn from(error: SalesforceApiError) -> Self {
        Self { status: error.status, location: None, body: Some(error.body()) }
    }
}
