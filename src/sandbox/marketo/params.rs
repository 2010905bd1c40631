//! Parameters of a call, from the query or, for `POST …?_method=GET`, from the form in the body.

use actix_web::HttpRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::error::Refusal;

/// Names and values in the order given. Lists may be comma-separated, repeated, or both.
#[derive(Debug, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Those of the query alone.
    pub fn of_query(request: &HttpRequest) -> Self {
        Self(form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect())
    }

    /// Those of the query and of a form body.
    pub fn of_query_and_body(request: &HttpRequest, body: &[u8]) -> Self {
        let mut params = Self::of_query(request);
        params.0.extend(form_urlencoded::parse(body).into_owned());
        params
    }

    /// The first value, unless empty.
    pub fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// All values, with commas taken apart and blanks trimmed.
    pub fn list(&self, name: &str) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(known, _)| known == name)
            .flat_map(|(_, value)| value.split(','))
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// Where a page begins, by a token of [`Params::page`].
    ///
    /// # Errors
    /// 1003 for a text that is no token.
    pub fn page_offset(&self) -> Result<usize, Refusal> {
        let Some(token) = self.one("nextPageToken") else { return Ok(0) };
        // A plus sign that wasn't percent-encoded arrives as a blank.
        let read = || String::from_utf8(STANDARD.decode(token.replace(' ', "+")).ok()?).ok()?.strip_prefix("page:")?.parse().ok();
        read().ok_or_else(|| Refusal::invalid("nextPageToken"))
    }

    /// A page of results, with a token when more of `all` come after `end`.
    pub fn page(results: Vec<Value>, end: usize, all: usize) -> Value {
        let mut members = json!({ "result": results });
        if end < all {
            members["nextPageToken"] = json!(STANDARD.encode(format!("page:{end}")));
        }
        members
    }

    /// `batchSize`, 300 when absent or larger.
    ///
    /// # Errors
    /// 1001 when it is no positive number.
    pub fn batch_size(&self) -> Result<usize, Refusal> {
        match self.one("batchSize") {
            None => Ok(300),
            Some(text) => text
                .parse()
                .ok()
                .filter(|&size: &usize| size > 0)
                .map(|size| size.min(300))
                .ok_or_else(|| Refusal::wrong_type(text, "Integer")),
        }
    }
}
