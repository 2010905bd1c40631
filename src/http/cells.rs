use std::borrow::Cow;

/// The text as a cell that no spreadsheet takes for a formula: what begins like one gets an apostrophe in front, which the
/// programs don't show (<https://owasp.org/www-community/attacks/CSV_Injection>). So does what begins so after apostrophes, so that
/// taking one away always gives the value back.
#[must_use]
pub fn harmless_cell(text: &str) -> Cow<'_, str> {
    match text.trim_start_matches('\'').chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => Cow::Owned(format!("'{text}")),
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_formula_is_a_text() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(harmless_cell(text), format!("'{text}"));
        }
        for text in ["", "a=1", "ann@example.com", "{\"a\":1}"] {
            assert_eq!(harmless_cell(text), text);
        }
    }
}
