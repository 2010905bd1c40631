//! Parameters of the OAuth endpoints, from a query or a form.

/// Names and values of a query or form.
pub type Pairs = Vec<(String, String)>;

/// The value of a name, unless empty.
pub fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
}
