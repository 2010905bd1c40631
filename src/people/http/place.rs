//! The text form of cursors of lists of people. Every text of that form is a valid cursor, whether or not somebody is there.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::http::Cursor;
use crate::people::ListPlace;

/// The most characters of a cursor: a name key has up to 80 characters of up to 4 bytes.
const LONGEST: usize = 440;
/// Bytes before the name key.
const HEAD: usize = 9;

/// Writes a cursor. A list by id has the cursors of all lists. In a list by name the cursor is the part of the list, the id and the name
/// key, padded with NULs to a multiple of three bytes, so that every text of that length and alphabet can be read.
pub(super) fn write(place: &ListPlace) -> String {
    if place.name_key.is_empty() {
        return Cursor::write(&place.marketo_id);
    }
    let mut bytes = vec![u8::from(place.by_last_name)];
    bytes.extend(place.marketo_id.to_be_bytes());
    bytes.extend(place.name_key.as_bytes());
    bytes.resize(bytes.len().next_multiple_of(3), 0);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor; none when the text does not have the form of one.
pub(super) fn read(text: &str) -> Option<ListPlace> {
    if let Some(id) = Cursor::read(text) {
        return Some(ListPlace::of_id(id));
    }
    if !text.len().is_multiple_of(4) || text.len() > LONGEST {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() > HEAD)?;
    let (head, key) = bytes.split_at(HEAD);
    let id: [u8; 8] = head[1..].try_into().ok()?;
    Some(ListPlace {
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
            let place = ListPlace { by_last_name, name_key, marketo_id };
            let text = write(&place);
            prop_assert!(text.len() <= LONGEST && text.len().is_multiple_of(4), "{}", text);
            prop_assert_eq!(read(&text), Some(place));
        }

        #[test]
        fn every_text_of_the_form_is_a_cursor(text in "([0-9A-Za-z_-]{21}[AQgw]|([0-9A-Za-z_-]{4}){4,110})") {
            let place = read(&text);
            prop_assert!(place.is_some_and(|place| place.marketo_id >= 0 && !place.name_key.contains('\0')));
        }

        #[test]
        fn other_texts_are_no_cursors(text in "[0-9A-Za-z_-]{0,12}|[0-9A-Za-z_-]{21}|[0-9A-Za-z_-]{444}|.{16}[=+/ ]") {
            prop_assert_eq!(read(&text), None);
        }
    }
}
