//! Values of records' fields, and how the APIs write them.

use crate::sandbox::timestamps;

/// A field's value.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    Null,
    Text(String),
    Boolean(bool),
    /// Unix seconds.
    DateTime(i64),
    /// Unix seconds of the day's midnight, UTC.
    Date(i64),
    Number(f64),
    Integer(i64),
}

impl FieldValue {
    /// A text, or [`FieldValue::Null`] for none.
    pub fn from_text(text: Option<String>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }

    /// Whether it comes before another value of the same type; texts are compared without regard to case.
    pub fn is_before(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(own), Self::Text(other)) => own.to_lowercase() < other.to_lowercase(),
            (Self::DateTime(own), Self::DateTime(other)) | (Self::Date(own), Self::Date(other)) => own < other,
            (Self::Number(own), Self::Number(other)) => own < other,
            _ => false,
        }
    }

    /// As JSON of the REST API.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Text(text) => text.as_str().into(),
            Self::Boolean(flag) => (*flag).into(),
            Self::DateTime(seconds) => timestamps::format_salesforce_json(*seconds).into(),
            Self::Date(seconds) => timestamps::format_date(*seconds).into(),
            Self::Number(number) => (*number).into(),
            Self::Integer(number) => (*number).into(),
        }
    }

    /// As a field of the Bulk API's CSV.
    pub fn into_csv(self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) => text,
            Self::Boolean(flag) => flag.to_string(),
            Self::DateTime(seconds) => timestamps::format_salesforce_csv(seconds),
            Self::Date(seconds) => timestamps::format_date(seconds),
            Self::Number(number) => format!("{number:?}"),
            Self::Integer(number) => number.to_string(),
        }
    }
}
