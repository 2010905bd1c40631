//! Salesforce's two error forms: the array of the REST APIs and the pair of the OAuth endpoints.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde_json::{Value, json};

/// An error of the REST or Bulk API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
    /// The fields it is about; most errors name none.
    pub fields: Vec<String>,
}

impl ApiError {
    /// An error with this HTTP status, `errorCode` and message.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), fields: Vec::new() }
    }

    /// 400 with a code.
    pub fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 400 with a code, about a field.
    pub fn field(code: &'static str, field: &str, message: impl Into<String>) -> Self {
        Self { fields: vec![field.to_owned()], ..Self::bad(code, message) }
    }

    /// 404.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", "The requested resource does not exist")
    }

    /// 500.
    pub fn broken() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN_EXCEPTION", "An unexpected error occurred")
    }

    /// 401 for a session that ended or never was.
    pub fn no_session() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "INVALID_SESSION_ID", "Session expired or invalid")
    }

    /// The error array's content.
    pub fn body(&self) -> Value {
        let mut shown = json!({"message": self.message, "errorCode": self.code});
        if !self.fields.is_empty() {
            shown["fields"] = json!(self.fields);
        }
        json!([shown])
    }

    /// The result of one record in an answer about several, where the code has another name.
    pub fn save_result(&self) -> Value {
        json!({"success": false, "errors": [{"statusCode": self.code, "message": self.message, "fields": self.fields}]})
    }

    /// The error array.
    pub fn response(&self) -> HttpResponse {
        HttpResponse::build(self.status).json(self.body())
    }
}

/// An error of the OAuth endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OauthError {
    pub error: &'static str,
    pub description: &'static str,
}

impl OauthError {
    /// An error and its description.
    pub const fn new(error: &'static str, description: &'static str) -> Self {
        Self { error, description }
    }

    /// HTTP 400, never to be stored.
    pub fn response(self) -> HttpResponse {
        HttpResponse::BadRequest()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::PRAGMA, "no-cache"))
            .json(json!({"error": self.error, "error_description": self.description}))
    }
}

/// A refresh token or session that was revoked, rotated away or pushed out.
pub const DEAD_GRANT: OauthError = OauthError::new("invalid_grant", "expired access/refresh token");
/// The user was deactivated.
pub const INACTIVE_USER: OauthError = OauthError::new("invalid_grant", "inactive user");
/// The consumer key is unknown.
pub const UNKNOWN_CLIENT: OauthError = OauthError::new("invalid_client_id", "client identifier invalid");
/// The consumer secret is wrong or missing.
pub const WRONG_SECRET: OauthError = OauthError::new("invalid_client", "invalid client credentials");
/// The redirect address isn't one of the app's.
pub const WRONG_REDIRECT: OauthError = OauthError::new("redirect_uri_mismatch", "redirect_uri must match configuration");
