//! Errors as Marketo reports them.

/// A business error of Marketo: a code (a quoted number) and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketoApiError {
    pub code: String,
    pub message: String,
}

impl MarketoApiError {
    /// An error with this code and message.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }

    /// 1001: a value of the wrong type.
    pub fn wrong_type(value: &str, expected_type: &str) -> Self {
        Self::new("1001", format!("Invalid value '{value}'. Required of type '{expected_type}'"))
    }

    /// 1002: a missing parameter.
    pub fn missing(parameter: &str) -> Self {
        Self::new("1002", format!("Missing value for the required parameter '{parameter}'"))
    }

    /// 1003: an invalid value.
    pub fn invalid(attribute: &str) -> Self {
        Self::new("1003", format!("Invalid value specified for attribute '{attribute}'"))
    }

    /// 1006: an unknown field.
    pub fn unknown_field(field: &str) -> Self {
        Self::new("1006", format!("Field '{field}' not found"))
    }
}
