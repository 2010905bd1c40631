//! Compares figures with what the demo asked for: a wrong figure fails the demo rather than being printed.

use std::fmt::Display;

use serde_json::Value;

/// Checks one figure before it is printed.
///
/// # Errors
/// A sentence that names the figure, with both values.
pub(super) fn expect<T: PartialEq + Display>(figure: &str, found: T, expected: T) -> Result<T, String> {
    if found == expected { Ok(found) } else { Err(format!("{figure}: {found}, but {expected} were asked for")) }
}

/// Reads the number of this name and checks it.
///
/// # Errors
/// As [`expect`]; also when there is no such number.
pub(super) fn expect_count(figure: &str, body: &Value, pointer: &str, expected: u64) -> Result<u64, String> {
    expect(figure, read_count(figure, body, pointer)?, expected)
}

/// The number at this JSON pointer (RFC 6901).
///
/// # Errors
/// When there is none: a missing number isn't zero.
pub(super) fn read_count(figure: &str, body: &Value, pointer: &str) -> Result<u64, String> {
    body.pointer(pointer).and_then(Value::as_u64).ok_or_else(|| format!("{figure}: the answer has no number {pointer}: {body}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrong_figure_is_reported_with_both_values() {
        let import = json!({ "counts": { "invited": 0 } });
        let said = expect_count("rows invited", &import, "/counts/invited", 2).unwrap_err();
        assert_eq!(said, "rows invited: 0, but 2 were asked for");
        assert_eq!(expect_count("rows invited", &import, "/counts/invited", 0), Ok(0));
    }

    #[test]
    fn a_missing_figure_is_not_zero() {
        let said = expect_count("rows invited", &json!({}), "/counts/invited", 0).unwrap_err();
        assert!(said.contains("/counts/invited"), "{said}");
    }
}
