//! Queries whose results are fetched page by page.

use std::collections::BTreeMap;

use super::query_plan::QueryPlan;

/// How long a cursor is good for.
const LIFETIME_SECONDS: i64 = 2 * 86_400;
/// Most cursors that are open at once; a further one closes the oldest.
const MAX_OPEN: usize = 10;

/// A query whose next page can be fetched by its locator.
#[derive(Debug, Clone)]
pub struct QueryCursor {
    /// Empty until there is a second page.
    pub id: String,
    pub plan: QueryPlan,
    /// How many records the query has in all.
    pub total: u64,
    pub batch_size: usize,
    /// Unix seconds.
    pub created_at: i64,
    /// The step of the plan at which each page begins, by how many records come before it.
    pub page_starts: BTreeMap<u64, u64>,
}

/// Every open cursor, oldest first.
#[derive(Debug, Default)]
pub struct QueryCursors(Vec<QueryCursor>);

impl QueryCursors {
    /// Keeps a cursor, in place of the one with its id, and forgets expired ones.
    pub fn save(&mut self, cursor: QueryCursor) {
        self.0.retain(|other| other.id != cursor.id && other.created_at + LIFETIME_SECONDS > cursor.created_at);
        self.0.push(cursor);
        if self.0.len() > MAX_OPEN {
            self.0.remove(0);
        }
    }

    /// The cursor with this id, unless it expired.
    pub fn find(&self, id: &str, now: i64) -> Option<&QueryCursor> {
        self.0.iter().find(|cursor| cursor.id == id).filter(|cursor| now < cursor.created_at + LIFETIME_SECONDS)
    }
}
