//! Finding people by many Salesforce ids at once.

use std::fmt::Write as _;
use std::sync::LazyLock;

use super::columns::COLUMNS;
use crate::db::{self, Db, DbError, on};
use crate::ids::InstanceId;
use crate::people::{MAX_LOOKUP_IDS, Person, SalesforceId};

/// Statements for a few numbers of ids, so that each is prepared once; unused parameters are null.
pub(super) static STATEMENTS: LazyLock<[(usize, String); 3]> =
    LazyLock::new(|| [1, 20, MAX_LOOKUP_IDS].map(|size| (size, statement(size))));

/// Writes `SELECT … WHERE instance_id = $1 AND salesforce_contact_id IN ($2, $3) UNION ALL SELECT … AND salesforce_lead_id IN ($2, $3)`:
/// each half is served by its index. An `OR` would be planned anew for each list of ids.
fn statement(size: usize) -> String {
    let mut sql = String::new();
    for (column, joint) in [("salesforce_contact_id", ""), ("salesforce_lead_id", " UNION ALL ")] {
        // Writing to a String doesn't fail.
        let _ = write!(sql, "{joint}SELECT {} FROM people WHERE instance_id = $1 AND {column} IN ($2", *COLUMNS);
        for index in 3..size + 2 {
            let _ = write!(sql, ", ${index}");
        }
        sql.push(')');
    }
    sql
}

/// Finds the people who are one of these leads or contacts, in no order and with repetitions; at most [`MAX_LOOKUP_IDS`] ids.
pub async fn find_by_salesforce_ids(db: &Db, instance: InstanceId, ids: &[&SalesforceId]) -> Result<Vec<Person>, DbError> {
    debug_assert!(ids.len() <= MAX_LOOKUP_IDS);
    let Some((size, sql)) = STATEMENTS.iter().find(|(size, _)| ids.len() <= *size) else { return Ok(Vec::new()) };
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    on!(db, c => {
        let mut query = db::query_as(sql.as_str()).bind(instance);
        for index in 0..*size {
            query = query.bind(ids.get(index).map(|id| id.as_str()));
        }
        query.fetch_all(c)
    })
}
