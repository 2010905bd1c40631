//! Parameters of a call, from the query or, for `POST …?_method=GET`, from the form in the body.

use actix_web::HttpRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::error::MarketoApiError;

/// Names and values in the order sent. Lists may be comma-separated, repeated, or both.
#[derive(Debug, Default)]
pub struct RequestParameters(Vec<(String, String)>);

impl RequestParameters {
    /// The parameters of the query alone.
    pub fn from_query(request: &HttpRequest) -> Self {
        Self(form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect())
    }

    /// The parameters of the query and of a form in the body.
    pub fn from_query_and_body(request: &HttpRequest, body: &[u8]) -> Self {
        let mut params = Self::from_query(request);
        params.0.extend(form_urlencoded::parse(body).into_owned());
        params
    }

    /// The first value of a parameter, unless it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter, split at commas and trimmed.
    pub fn get_list(&self, name: &str) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(known, _)| known == name)
            .flat_map(|(_, value)| value.split(','))
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// Where a page begins, by a token of [`RequestParameters::render_page`].
    ///
    /// # Errors
    /// 1003 for a text that isn't a token.
    pub fn page_offset(&self) -> Result<usize, MarketoApiError> {
        let Some(token) = self.get("nextPageToken") else { return Ok(0) };
        // A plus sign that wasn't percent-encoded arrives as a blank.
        let decode = || String::from_utf8(STANDARD.decode(token.replace(' ', "+")).ok()?).ok()?.strip_prefix("page:")?.parse().ok();
        decode().ok_or_else(|| MarketoApiError::invalid("nextPageToken"))
    }

    /// A page of results, with a token when more of `total` results come after `end`.
    pub fn render_page(results: Vec<Value>, end: usize, total: usize) -> Value {
        let mut members = json!({ "result": results });
        if end < total {
            members["nextPageToken"] = json!(STANDARD.encode(format!("page:{end}")));
        }
        members
    }

    /// `batchSize`; 300 when it is absent or larger.
    ///
    /// # Errors
    /// 1001 when it isn't a positive number.
    pub fn batch_size(&self) -> Result<usize, MarketoApiError> {
        match self.get("batchSize") {
            None => Ok(300),
            Some(text) => text
                .parse()
                .ok()
                .filter(|&size: &usize| size > 0)
                .map(|size| size.min(300))
                .ok_or_else(|| MarketoApiError::wrong_type(text, "Integer")),
        }
    }
}
