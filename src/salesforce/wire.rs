use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::Deserialize;

/// One entry of an error body.
#[derive(Debug, Deserialize)]
pub(super) struct SalesforceErrorEntry {
    #[serde(rename = "errorCode")]
    pub code: String,
    #[serde(default)]
    pub message: String,
    #[serde(default)]
    pub fields: Vec<String>,
}

/// The token endpoint's answer. The strings that are signed are kept as they came.
#[derive(Deserialize)]
pub(super) struct SalesforceTokenResponse {
    pub access_token: SecretString,
    pub refresh_token: Option<SecretString>,
    pub instance_url: String,
    pub id: String,
    /// Missing from the answer to an assertion, as is the signature.
    pub issued_at: Option<String>,
    pub signature: Option<String>,
    #[serde(default)]
    pub scope: String,
}

/// What introspection says of a token (RFC 7662, section 2.2).
#[derive(Debug, Deserialize)]
pub(super) struct IntrospectionAnswer {
    pub active: bool,
    pub exp: Option<i64>,
}

/// The OAuth endpoints' refusal.
#[derive(Debug, Deserialize)]
pub(super) struct OAuthFault {
    pub error: String,
    #[serde(default)]
    pub error_description: String,
}

/// An object type, the parts of its description that we use. Fields that the user may not see are absent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ObjectDescription {
    /// API name, for example `Lead`.
    pub name: String,
    /// Name shown to people.
    #[serde(default)]
    pub label: String,
    /// Whether it can be queried.
    #[serde(default)]
    pub queryable: bool,
    /// Its fields.
    pub fields: Vec<SalesforceField>,
}

/// A field of an object type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SalesforceField {
    /// API name, for example `OwnerId`.
    pub name: String,
    /// Name shown to people.
    #[serde(default)]
    pub label: String,
    /// Salesforce's word for the type, for example `string`, `reference`.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Most characters; 0 for types without such a limit.
    #[serde(default)]
    pub length: u32,
    /// Whether the organization or a package added it.
    #[serde(default)]
    pub custom: bool,
    /// Whether it may be empty.
    #[serde(default)]
    pub nillable: bool,
    /// Object types that a reference may point to.
    #[serde(default)]
    pub reference_to: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueryAnswer {
    pub total_size: u64,
    pub done: bool,
    pub next_records_url: Option<String>,
    #[serde(default)]
    pub records: Vec<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LimitRow {
    #[serde(rename = "Max")]
    pub max: i64,
    #[serde(rename = "Remaining")]
    pub remaining: i64,
}

/// `/limits`: name to figures. Some entries hold the shares of single apps beside `Max` and `Remaining`.
pub(super) type LimitRows = BTreeMap<String, serde_json::Value>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobRow {
    pub id: String,
    pub state: String,
    #[serde(default)]
    pub object: String,
    pub number_records_processed: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeletedRows {
    pub deleted_records: Vec<DeletedRow>,
    pub earliest_date_available: String,
    pub latest_date_covered: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct DeletedRow {
    pub id: String,
}
