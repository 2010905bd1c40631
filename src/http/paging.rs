//! Lists: `?limit=&cursor=` → `{data, next_cursor}`. A cursor is opaque to callers; inside it is the key of the last row, so
//! that a page is stable while rows are written. Every text of a cursor's form is a place in the list, whether or not a row is
//! there: only a text of another form can be refused, and the document can say so.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Problem, ValidationError};
use crate::ids::{DiagnosticId, ImportId, InstanceId, InviteId, JobId, MailId, MemberId, RunId, TeamId};

/// Most rows on a page.
pub const MAX_LIMIT: u16 = 500;

/// The query parameters of every list.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Most rows to return; 100 unless given.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9A-Za-z_-]{21}[AQgw]$")]
    pub cursor: Option<String>,
}

impl PageParams {
    /// Rows on a page unless told otherwise.
    pub const DEFAULT_LIMIT: u16 = 100;

    /// Rows wanted and the cursor.
    ///
    /// # Errors
    /// A problem naming `limit` or `cursor` when it can't be used.
    pub fn read<K: PageKey>(&self) -> Result<(u16, Option<K>), Problem> {
        let mut errors = Vec::new();
        let limit = self.limit.unwrap_or(Self::DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            errors.push(ValidationError::new("#query/limit", "out_of_range", format!("limit is between 1 and {MAX_LIMIT}.")));
        }
        let key = self.cursor.as_deref().map(Cursor::read::<K>);
        if let Some(None) = key {
            errors.push(ValidationError::new("#query/cursor", "unknown_cursor", "Use next_cursor of the page before, unchanged."));
        }
        if errors.is_empty() { Ok((limit, key.flatten())) } else { Err(Problem::invalid(errors)) }
    }
}

/// A key by which a list is in order.
pub trait PageKey {
    /// Its place among all keys of its type.
    fn to_number(&self) -> u128;
    /// The key at the place; the last one for a place after all keys.
    fn of_number(number: u128) -> Self;
}

macro_rules! page_keys_of_ids {
    ($($name:ident),+) => {$(
        impl PageKey for $name {
            fn to_number(&self) -> u128 {
                self.0.as_u128()
            }

            fn of_number(number: u128) -> Self {
                Self(Uuid::from_u128(number))
            }
        }
    )+};
}

page_keys_of_ids!(DiagnosticId, ImportId, InstanceId, InviteId, JobId, MailId, MemberId, RunId, TeamId);

/// A vendor's number, which is never negative.
impl PageKey for i64 {
    fn to_number(&self) -> u128 {
        u128::try_from(*self).unwrap_or(0)
    }

    fn of_number(number: u128) -> Self {
        Self::try_from(number).unwrap_or(Self::MAX)
    }
}

/// The opaque text form of the key of a page's last row: 16 bytes in 22 characters.
#[derive(Debug)]
pub struct Cursor;

impl Cursor {
    /// The text for `key`.
    pub fn write<K: PageKey>(key: &K) -> String {
        URL_SAFE_NO_PAD.encode(key.to_number().to_be_bytes())
    }

    /// The key behind `text`, unless it has not the form of a cursor.
    #[must_use]
    pub fn read<K: PageKey>(text: &str) -> Option<K> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(K::of_number(u128::from_be_bytes(bytes.try_into().ok()?)))
    }
}

/// One page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Listing<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Pass as `cursor` to get the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl<T> Listing<T> {
    /// A page from `rows`, of which one more than `limit` was asked for, so that it is known whether another page follows.
    pub fn page<K: PageKey>(mut rows: Vec<T>, limit: u16, key: impl Fn(&T) -> K) -> Self {
        let more = rows.len() > usize::from(limit);
        rows.truncate(usize::from(limit));
        let next_cursor = rows.last().filter(|_| more).map(|last| Cursor::write(&key(last)));
        Self { data: rows, next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_key() {
        let id = InstanceId(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001));
        assert_eq!(Cursor::read::<InstanceId>(&Cursor::write(&id)), Some(id));
        for number in [0, 1, 1_500_000, i64::MAX] {
            assert_eq!(Cursor::read::<i64>(&Cursor::write(&number)), Some(number));
        }
    }

    #[test]
    fn a_text_of_a_cursors_form_is_a_place_and_no_other_is() {
        assert_eq!(Cursor::read::<i64>("_____________________w"), Some(i64::MAX), "a place after every key");
        for wrong in ["", "nonsense", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAAAA"] {
            assert!(Cursor::read::<i64>(wrong).is_none(), "{wrong:?}");
        }
    }
}
