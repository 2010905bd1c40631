//! Parameters of the OAuth endpoints, from a query or a form.

/// Names and values in the order sent.
pub type OauthParameters = Vec<(String, String)>;

/// The first value of a parameter, unless it is empty.
pub fn find_value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
}
