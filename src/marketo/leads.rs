use serde_json::{Map, Value};
use url::form_urlencoded;

use super::client::{MarketoApiCall, MarketoClient};
use super::error::MarketoError;
use super::wire::{Envelope, LeadFieldDescription};

/// A person as Marketo answers: REST field name to value; a field without a value is null.
pub type Lead = Map<String, Value>;

/// Most values that one question for people may name.
const MAX_VALUES: usize = 300;
/// Marketo answers 414 when the address of a GET is longer than 8 KB; this leaves room for what stands before the path.
const MAX_TARGET_LENGTH: usize = 7_500;
/// Marketo refuses (1003) a question that more than 1,000 people match, so more pages than this are a fault.
const MAX_PAGES: usize = 10;

/// A field of a person, from `describe.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldDescription {
    /// Name shown in Marketo.
    pub display_name: String,
    /// Marketo's word for the type, for example `string`, `email`, `datetime`.
    pub data_type: String,
    /// Most characters, of the types that have such a limit.
    pub length: Option<u32>,
    /// Name in the REST and bulk APIs.
    pub rest_name: String,
    /// Whether the APIs can't write it.
    pub read_only: bool,
}

impl MarketoClient {
    /// The fields that people have in this subscription, those that the REST API knows. May be cached for a day.
    ///
    /// # Errors
    /// See [`MarketoError`].
    pub async fn describe(&self) -> Result<Vec<FieldDescription>, MarketoError> {
        let answer: Envelope<LeadFieldDescription> =
            self.json(&MarketoApiCall::get(self.resource_url(&["rest", "v1", "leads", "describe.json"])?)).await?;
        let fields = answer.result.into_iter().filter_map(|field| {
            let rest = field.rest?; // fields without it exist in the SOAP API only
            Some(FieldDescription {
                display_name: field.display_name,
                data_type: field.data_type,
                length: field.length,
                rest_name: rest.name,
                read_only: rest.read_only,
            })
        });
        Ok(fields.collect())
    }

    /// The people whose field `filter_type` has one of `values` (300 at most), each with `fields`.
    ///
    /// # Errors
    /// [`MarketoError::InvalidRequest`] for too many values or one with a comma, which Marketo would read as two;
    /// [`MarketoError::InvalidData`] (1003) when more than 1,000 people match; see [`MarketoError`] for the rest.
    pub async fn leads(&self, filter_type: &str, values: &[String], fields: &[&str]) -> Result<Vec<Lead>, MarketoError> {
        if values.is_empty() {
            return Ok(Vec::new());
        }
        if values.len() > MAX_VALUES {
            return Err(MarketoError::InvalidRequest { message: format!("{} values where {MAX_VALUES} are allowed", values.len()) });
        }
        if values.iter().any(|value| value.contains(',')) {
            return Err(MarketoError::InvalidRequest { message: format!("a value of {filter_type} holds a comma") });
        }
        let (values, fields) = (values.join(","), fields.join(","));
        let mut people = Vec::new();
        let mut page: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let call = {
                let mut query = form_urlencoded::Serializer::new(String::new());
                query.append_pair("filterType", filter_type).append_pair("filterValues", &values).append_pair("fields", &fields);
                if let Some(token) = &page {
                    query.append_pair("nextPageToken", token);
                }
                self.question(&["rest", "v1", "leads.json"], query.finish())?
            };
            let answer: Envelope<Lead> = self.json(&call).await?;
            people.extend(answer.result);
            match answer.next_page_token {
                Some(token) if !token.is_empty() => page = Some(token),
                _ => return Ok(people),
            }
        }
        Err(MarketoError::UnexpectedAnswer { message: format!("more than {MAX_PAGES} pages of people") })
    }

    /// GET, or when the address would be too long the POST that Marketo takes for one: `_method=GET` in the address, the
    /// query in the body.
    pub(super) fn question(&self, path: &[&str], query: String) -> Result<MarketoApiCall, MarketoError> {
        let mut url = self.resource_url(path)?;
        if url.path().len() + query.len() > MAX_TARGET_LENGTH {
            url.set_query(Some("_method=GET"));
            return Ok(MarketoApiCall::post_form(url, query));
        }
        url.set_query(Some(&query));
        Ok(MarketoApiCall::get(url))
    }
}
