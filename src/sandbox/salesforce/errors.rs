//! Salesforce's two forms of errors: the array of the REST APIs and the pair of the OAuth endpoints.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde_json::{Value, json};

/// An error of the REST or Bulk API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalesforceApiError {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
    /// The fields that the error is about; most name none.
    pub fields: Vec<String>,
}

impl SalesforceApiError {
    /// An error with this HTTP status, `errorCode` and message.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), fields: Vec::new() }
    }

    /// 400 with this `errorCode`.
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 400 with this `errorCode`, about a field.
    pub fn bad_field(code: &'static str, field: &str, message: impl Into<String>) -> Self {
        Self { fields: vec![field.to_owned()], ..Self::bad_request(code, message) }
    }

    /// 404.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", "The requested resource does not exist")
    }

    /// 500.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN_EXCEPTION", "An unexpected error occurred")
    }

    /// 404 for a record in the recycle bin.
    pub fn deleted() -> Self {
        Self::new(StatusCode::NOT_FOUND, "ENTITY_IS_DELETED", "entity is deleted")
    }

    /// 401 for a session that ended or never existed.
    pub fn no_session() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "INVALID_SESSION_ID", "Session expired or invalid")
    }

    /// The error array as JSON.
    pub fn body(&self) -> Value {
        let mut error = json!({"message": self.message, "errorCode": self.code});
        if !self.fields.is_empty() {
            error["fields"] = json!(self.fields);
        }
        json!([error])
    }

    /// The result of one record in an answer about several, where the code's name is `statusCode`.
    pub fn save_result(&self) -> Value {
        json!({"success": false, "errors": [{"statusCode": self.code, "message": self.message, "fields": self.fields}]})
    }

    /// The error array as an answer.
    pub fn to_response(&self) -> HttpResponse {
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

    /// HTTP 400 that no cache may store.
    pub fn to_response(self) -> HttpResponse {
        HttpResponse::BadRequest()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::PRAGMA, "no-cache"))
            .json(json!({"error": self.error, "error_description": self.description}))
    }
}

/// The refresh token was revoked, rotated away, left idle too long, or its grant was pushed out by newer ones.
pub const DEAD_GRANT: OauthError = OauthError::new("invalid_grant", "expired access/refresh token");
/// The user was deactivated.
pub const INACTIVE_USER: OauthError = OauthError::new("invalid_grant", "inactive user");
/// The consumer key is unknown.
pub const UNKNOWN_CLIENT: OauthError = OauthError::new("invalid_client_id", "client identifier invalid");
/// The consumer secret is wrong or missing.
pub const WRONG_SECRET: OauthError = OauthError::new("invalid_client", "invalid client credentials");
/// The redirect address isn't one of the app's.
pub const WRONG_REDIRECT: OauthError = OauthError::new("redirect_uri_mismatch", "redirect_uri must match configuration");
