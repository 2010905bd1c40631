//! The text form of cursors of lists of people. Every text of that form is a valid cursor, whether or not somebody is there.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::http::Cursor;
use crate::people::PeopleCursor;

/// The most characters of a cursor: a name key has up to 80 characters of up to 4 bytes.
const MAX_CURSOR_CHARS: usize = 440;
/// Bytes before the name key.
const HEADER_BYTES: usize = 9;

/// Writes a cursor. A list by id has the cursors of all lists. In a list by name the cursor is the part of the list, the id and the name
/// key, padded with NULs to a multiple of three bytes, so that every text of that length and alphabet can be read.
pub(super) fn write(cursor: &PeopleCursor) -> String {
    if cursor.name_key.is_empty() {
        return Cursor::write(&cursor.marketo_id);
    }
    let mut bytes = vec![u8::from(cursor.by_last_name)];
    bytes.extend(cursor.marketo_id.to_be_bytes());
    bytes.extend(cursor.name_key.as_bytes());
    bytes.resize(bytes.len().next_multiple_of(3), 0);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor; none when the text does not have the form of one.
pub(super) fn read(text: &str) -> Option<PeopleCursor> {
    if let Some(id) = Cursor::read(text) {
        return Some(PeopleCursor::at_id(id));
    }
    if !text.len().is_multiple_of(4) || text.len() > MAX_CURSOR_CHARS {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() > HEADER_BYTES)?;
    let (head, key) = bytes.split_at(HEADER_BYTES);
    let id: [u8; 8] = head[1..].try_into().ok()?;
    Some(PeopleCursor {
        by_last_name: head[0] % 2 == 1,
        // Names have no NULs, because PostgreSQL can't store them.
        name_key: String::from_utf8_lossy(key).replace('\0', ""),
        marketo_id: i64::try_from(u64::from_be_bytes(id)).unwrap_or(i64::MAX),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_is_read_back_from_its_text(by_last_name: bool, name_key in "[^\0]{1,80}", marketo_id in 0..i64::MAX) {
            let cursor = PeopleCursor { by_last_name, name_key, marketo_id };
            let text = write(&cursor);
            prop_assert!(text.len() <= MAX_CURSOR_CHARS && text.len().is_multiple_of(4), "{}", text);
            prop_assert_eq!(read(&text), Some(cursor));
        }

        #[test]
        fn every_text_of_the_form_is_a_cursor(text in "([0-9A-Za-z_-]{21}[AQgw]|([0-9A-Za-z_-]{4}){4,110})") {
            let cursor = read(&text);
            prop_assert!(cursor.is_some_and(|cursor| cursor.marketo_id >= 0 && !cursor.name_key.contains('\0')));
        }

        #[test]
        fn other_texts_are_no_cursors(text in "[0-9A-Za-z_-]{0,12}|[0-9A-Za-z_-]{21}|[0-9A-Za-z_-]{444}|.{16}[=+/ ]") {
            prop_assert_eq!(read(&text), None);
        }
    }
}
