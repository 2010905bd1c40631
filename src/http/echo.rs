//! What of a caller's text returns in an answer or a log line.

use std::borrow::Cow;
use std::fmt::Write;

/// Longest name or value of a caller's that is repeated, in characters.
const MAX_ECHO_LENGTH: usize = 80;

/// A name or a value of a caller's, as an answer or a log line may repeat it.
#[must_use]
pub fn echo(text: &str) -> Cow<'_, str> {
    excerpt(text, MAX_ECHO_LENGTH)
}

/// `text` in at most some `longest` characters: of a longer one the middle is left out and said to be, since what to do about it often
/// comes last. Control characters, and those that change the direction of writing, are escaped, so that no text looks like another.
#[must_use]
pub fn excerpt(text: &str, longest: usize) -> Cow<'_, str> {
    // A text has no more characters than bytes.
    let length = if text.len() <= longest { text.len() } else { text.chars().count() };
    if length <= longest {
        return escape(text);
    }
    let offset = |character: usize| text.char_indices().nth(character).map_or(text.len(), |(offset, _)| offset);
    let head = longest / 3;
    let (head, tail) = (&text[..offset(head)], &text[offset(length - (longest - head))..]);
    Cow::Owned(format!("{}…[{} characters]…{}", escape(head), length - longest, escape(tail)))
}

fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_misleading) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for one in text.chars() {
        if is_misleading(one) {
            // Writing to a text can't fail.
            let _ = write!(escaped, "{}", one.escape_default());
        } else {
            escaped.push(one);
        }
    }
    Cow::Owned(escaped)
}

fn is_misleading(one: char) -> bool {
    // Line and paragraph separators, and the marks by which text runs from right to left.
    one.is_control() || matches!(one, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_text_is_repeated_as_it_is() {
        for text in ["", "grant_type", "naïve ☂", "\"a\\b\""] {
            assert!(matches!(excerpt(text, 20), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn the_middle_of_a_long_text_is_left_out() {
        let text = format!("unknown field `{}`, expected `name`", "é".repeat(1000));
        let cut = excerpt(&text, 60);
        assert!(cut.starts_with("unknown field `é") && cut.ends_with("é`, expected `name`"), "{cut}");
        assert!(cut.contains("…[973 characters]…"), "{cut}");
    }

    #[test]
    fn characters_that_mislead_are_escaped() {
        assert_eq!(echo("a\r\nb\u{0}\u{1b}[31m\u{202e}\u{85}"), "a\\r\\nb\\u{0}\\u{1b}[31m\\u{202e}\\u{85}");
    }

    proptest! {
        #[test]
        fn no_text_gets_longer_than_its_bound(text in "\\PC{0,300}|.{0,300}", longest in 0_usize..200) {
            let cut = excerpt(&text, longest);
            prop_assert!(!cut.chars().any(is_misleading));
            // Each character may be escaped, and what is left out is counted.
            prop_assert!(cut.chars().count() <= longest * 10 + 30, "{}", cut);
        }
    }
}
