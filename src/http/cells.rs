//! Cells of CSV files that go out, so that no spreadsheet program takes one for a formula (OWASP, CSV Injection,
//! <https://owasp.org/www-community/attacks/CSV_Injection>).
//!
//! A program takes a cell for a formula by its first sign. Where a cell begins depends on the delimiter that the program expects, and
//! that depends on the country: a file with commas is split at semicolons in Germany, and quotation marks that don't stand at the
//! beginning of a cell don't keep it together then. So each place counts where a cell could begin: the beginning of the value, and
//! what comes behind any delimiter or line end in it.

use std::borrow::Cow;

/// What separates cells somewhere.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// The text as a cell of a file with commas that no spreadsheet takes for a formula, whichever delimiter it expects.
#[must_use]
pub fn harmless_cell(text: &str) -> Cow<'_, str> {
    harmless_cell_in(text, ',')
}

/// The same in a file with this delimiter, at which quotation marks hold the cell together: an apostrophe goes in front of what would
/// begin a formula. It also goes in front of apostrophes that do so already, so that taking one away gives the value back.
#[must_use]
pub fn harmless_cell_in(text: &str, delimiter: char) -> Cow<'_, str> {
    let mut harmless = String::new();
    let mut copied = 0;
    let mut begins = true;
    let mut apostrophes_at = None;
    for (at, one) in text.char_indices() {
        if begins {
            match one {
                '\'' => drop(apostrophes_at.get_or_insert(at)),
                _ if begins_formula(one) || (at == 0 && matches!(one, '\t' | '\r' | '\n')) => {
                    let insert_at = apostrophes_at.unwrap_or(at);
                    harmless.push_str(&text[copied..insert_at]);
                    harmless.push('\'');
                    copied = insert_at;
                    begins = false;
                }
                _ => {
                    begins = apostrophes_at.is_none() && is_skipped(one);
                }
            }
        }
        if (one != delimiter && DELIMITERS.contains(&one)) || matches!(one, '\r' | '\n') {
            (begins, apostrophes_at) = (true, None);
        }
    }
    if harmless.is_empty() {
        return Cow::Borrowed(text);
    }
    harmless.push_str(&text[copied..]);
    Cow::Owned(harmless)
}

/// Signs with which a formula begins, full-width ones included, which East Asian versions take for the plain ones.
fn begins_formula(one: char) -> bool {
    matches!(one, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')
}

/// What some programs pass over at the beginning of a cell: space, quotation marks, and what nobody sees.
fn is_skipped(one: char) -> bool {
    one == '"' || one.is_whitespace() || matches!(one, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_begins_like_a_formula_is_a_text() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x", "'=1", "''=1"] {
            assert_eq!(harmless_cell(text), format!("'{text}"));
        }
        for text in ["", "a=1", "ann@example.com", "{\"a\":1}", "[1,-2]", "a, -b", "2026-03-02", "O'Neil - Lee", "'a=1", "1;2", "a\tb"] {
            assert_eq!(harmless_cell(text), text);
        }
    }

    #[test]
    fn a_formula_behind_space_or_a_quotation_mark_is_a_text() {
        for (text, want) in
            [(" =1", " '=1"), ("\u{a0}+1", "\u{a0}'+1"), ("\"=1", "\"'=1"), ("\u{feff}@x", "\u{feff}'@x"), ("\u{200b}=1", "\u{200b}'=1")]
        {
            assert_eq!(harmless_cell(text), want);
        }
    }

    #[test]
    fn a_formula_behind_the_delimiter_of_another_locale_is_a_text() {
        for (delimiter, text, want) in [
            (',', "a;=1", "a;'=1"),
            (',', "a; +1;b;@x", "a; '+1;b;'@x"),
            (',', "a\t=1", "a\t'=1"),
            (',', "a|\"=1", "a|\"'=1"),
            (',', "a\n=1", "a\n'=1"),
            (',', "a\r\n-1", "a\r\n'-1"),
            (',', "a;'=1", "a;''=1"),
            (',', "\t=1", "'\t'=1"),
            (',', "a,=1", "a,=1"),
            (';', "a,=1", "a,'=1"),
            (';', "a;=1", "a;=1"),
            ('\t', "a;=1\t=1,＝1", "a;'=1\t=1,'＝1"),
        ] {
            assert_eq!(harmless_cell_in(text, delimiter), want, "{text:?} with {delimiter:?}");
        }
    }

    /// Whether a program that splits at `delimiter`, and at line ends, would find a formula.
    fn has_formula(line: &str, delimiter: char) -> bool {
        line.split([delimiter, '\r', '\n']).any(|cell| cell.trim_start_matches(is_skipped).starts_with(begins_formula))
    }

    proptest! {
        #[test]
        fn no_text_holds_a_formula_in_any_locale(text in "[a=+@,;|\t\r\n\"' ＝-]{0,24}", own in prop::sample::select(&DELIMITERS[..])) {
            let cell = harmless_cell_in(&text, own);
            for other in DELIMITERS.into_iter().filter(|other| *other != own) {
                prop_assert!(!has_formula(&cell, other), "{:?} with {:?}", cell, other);
            }
        }

        #[test]
        fn taking_one_apostrophe_away_gives_the_value_back(text in "[a=;,' ]{0,16}") {
            let cell = harmless_cell(&text);
            let mut back = String::new();
            let mut rest = cell.chars().peekable();
            let mut begins = true;
            while let Some(one) = rest.next() {
                let ahead: String = std::iter::once(one).chain(rest.clone()).collect();
                let sign = ahead.trim_start_matches('\'').chars().next();
                if begins && one == '\'' && sign.is_some_and(begins_formula) {
                    begins = false;
                    continue;
                }
                begins = one == ';' || (begins && is_skipped(one));
                back.push(one);
            }
            prop_assert_eq!(back, text);
        }
    }
}
