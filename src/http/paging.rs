//! Lists: `?limit=&cursor=` → `{data, next_cursor}`. A cursor is opaque to callers; inside it is the key of the last row, so
//! that a page is stable while rows are written.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{InputFault, Problem};

/// Rows on a page unless told otherwise.
const DEFAULT_LIMIT: u16 = 100;
/// Most rows on a page.
pub const LARGEST_LIMIT: u16 = 500;

/// The query parameters of every list.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Most rows to return; 100 unless given.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u16>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl PageParams {
    /// Rows wanted and the cursor.
    ///
    /// # Errors
    /// A problem naming `limit` or `cursor` when it can't be used.
    pub fn read<K: DeserializeOwned>(&self) -> Result<(u16, Option<K>), Problem> {
        let mut faults = Vec::new();
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=LARGEST_LIMIT).contains(&limit) {
            faults.push(InputFault::new("#query/limit", "out_of_range", format!("limit is between 1 and {LARGEST_LIMIT}.")));
        }
        let key = self.cursor.as_deref().map(Cursor::read::<K>);
        if let Some(None) = key {
            faults.push(InputFault::new("#query/cursor", "unknown_cursor", "Use next_cursor of the page before, unchanged."));
        }
        if faults.is_empty() { Ok((limit, key.flatten())) } else { Err(Problem::invalid(faults)) }
    }
}

/// The opaque text form of the key of a page's last row.
#[derive(Debug)]
pub struct Cursor;

impl Cursor {
    /// The text for `key`.
    pub fn write<K: Serialize>(key: &K) -> String {
        // Keys are ids and texts: they always have a JSON form.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).unwrap_or_default())
    }

    /// The key behind `text`, unless it was never written by us.
    #[must_use]
    pub fn read<K: DeserializeOwned>(text: &str) -> Option<K> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
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
    pub fn page<K: Serialize>(mut rows: Vec<T>, limit: u16, key: impl Fn(&T) -> K) -> Self {
        let more = rows.len() > usize::from(limit);
        rows.truncate(usize::from(limit));
        let next_cursor = rows.last().filter(|_| more).map(|last| Cursor::write(&key(last)));
        Self { data: rows, next_cursor }
    }
}
