use actix_web::http::header::HeaderMap;

use super::IDEMPOTENCY_KEY;
use crate::http::{Problem, ValidationError};

/// Most characters of a key.
pub const MAX_KEY_LENGTH: usize = 255;

/// The key of a request: a String of RFC 9651, section 3.3.3, as the draft wants it, or the same characters without quotes, as most
/// callers send them. None when there is no header.
pub(super) fn read_key(headers: &HeaderMap) -> Option<Result<String, Problem>> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY);
    let first = values.next()?;
    let key = std::str::from_utf8(first.as_bytes()).ok().filter(|_| values.next().is_none()).and_then(read);
    Some(key.ok_or_else(|| {
        let detail = format!(
            "Send one key of 1 to {MAX_KEY_LENGTH} printable ASCII characters, with or without double quotes around it; without them it has \
             no spaces. A UUID fits."
        );
        Problem::invalid(vec![ValidationError::new(format!("#header/{IDEMPOTENCY_KEY}"), "wrong_shape", detail)])
    }))
}

fn read(value: &str) -> Option<String> {
    let key = match value.strip_prefix('"') {
        Some(rest) => unquoted(rest.strip_suffix('"')?)?,
        None => value.bytes().all(|one| one.is_ascii_graphic() && one != b'"').then(|| value.to_owned())?,
    };
    (1..=MAX_KEY_LENGTH).contains(&key.len()).then_some(key)
}

/// What stands between the quotes.
fn unquoted(text: &str) -> Option<String> {
    let mut key = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(one) = characters.next() {
        key.push(match one {
            '\\' => characters.next().filter(|escaped| matches!(escaped, '"' | '\\'))?,
            '"' => return None,
            one if matches!(one, ' '..='~') => one,
            _ => return None,
        });
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_quoted_string_or_bare() {
        for (value, key) in [("\"a b\"", "a b"), ("a", "a"), ("\"a\\\"\\\\\"", "a\"\\"), ("8e03978e-40d5", "8e03978e-40d5"), ("a,b", "a,b")]
        {
            assert_eq!(read(value).as_deref(), Some(key), "{value}");
        }
        for unfit in ["", "\"\"", "\"", "\"a", "a\"", "\"a\"b\"", "\"a\\x\"", "\"a\\\"", "a b", "ä", "\"ä\"", "\"a\";p=1", "\u{7f}"] {
            assert_eq!(read(unfit), None, "{unfit}");
        }
        assert!(read(&"x".repeat(MAX_KEY_LENGTH)).is_some() && read(&"x".repeat(MAX_KEY_LENGTH + 1)).is_none());
    }
}
