use serde::de::{Deserialize, Deserializer};

/// What every answer of the REST and bulk APIs says about itself.
#[derive(Debug, serde::Deserialize)]
pub(super) struct AnswerVerdict {
    #[serde(rename = "requestId")]
    pub request_id: Option<String>,
    /// Missing in answers of the user management API, where the HTTP status decides.
    pub success: Option<bool>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub errors: Vec<MarketoErrorEntry>,
}

/// One entry of `errors`.
#[derive(Debug, serde::Deserialize)]
pub(super) struct MarketoErrorEntry {
    #[serde(deserialize_with = "text_or_number")]
    pub code: String,
    #[serde(default)]
    pub message: String,
}

/// The part of an answer that was asked for.
#[derive(Debug, serde::Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct Envelope<T> {
    #[serde(default = "Vec::new", deserialize_with = "null_is_empty")]
    pub result: Vec<T>,
    #[serde(rename = "nextPageToken")]
    pub next_page_token: Option<String>,
    /// Of activities, whether there are more.
    #[serde(rename = "moreResult")]
    pub more_result: Option<bool>,
}

/// An activity. Its number `id` is no longer unique and may be missing; `marketoGUID` replaces it.
#[derive(Debug, serde::Deserialize)]
pub(super) struct ActivityRow {
    #[serde(rename = "marketoGUID")]
    pub guid: Option<String>,
    #[serde(rename = "leadId")]
    pub lead_id: Option<i64>,
    #[serde(rename = "activityTypeId")]
    pub kind: i64,
    #[serde(default = "Vec::new", deserialize_with = "null_is_empty")]
    pub attributes: Vec<ActivityAttribute>,
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct ActivityAttribute {
    pub name: String,
    #[serde(default)]
    pub value: serde_json::Value,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LeadFieldDescription {
    #[serde(default)]
    pub display_name: String,
    #[serde(default)]
    pub data_type: String,
    pub length: Option<u32>,
    pub rest: Option<RestAttribute>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RestAttribute {
    pub name: String,
    #[serde(default)]
    pub read_only: bool,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExportRow {
    pub export_id: String,
    pub status: String,
    pub created_at: Option<String>,
    pub finished_at: Option<String>,
    pub number_of_records: Option<u64>,
    pub file_size: Option<u64>,
    pub file_checksum: Option<String>,
    pub error_msg: Option<String>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MarketoUserRow {
    pub userid: String,
    #[serde(default)]
    pub email_address: String,
    #[serde(default)]
    pub first_name: String,
    #[serde(default)]
    pub last_name: String,
    #[serde(default)]
    pub api_only: bool,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoleRow {
    pub access_role_id: i64,
    #[serde(default)]
    pub access_role_name: String,
}

/// The identity service's answer: a token or an OAuth error (RFC 6749, 5.1 and 5.2).
#[derive(serde::Deserialize)]
#[serde(untagged)]
pub(super) enum IdentityAnswer {
    Token {
        access_token: secrecy::SecretString,
        expires_in: u64,
        scope: String,
    },
    Refused {
        error: String,
        #[serde(default)]
        error_description: String,
    },
}

fn null_is_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(from)?.unwrap_or_default())
}

/// Codes are quoted in the REST API and bare numbers in the user management API.
fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum CodeForm {
        Text(String),
        Number(i64),
    }
    Ok(match CodeForm::deserialize(from)? {
        CodeForm::Text(text) => text,
        CodeForm::Number(number) => number.to_string(),
    })
}
