//! Results of REST queries, page by page.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::cursors::Cursor;
use super::errors::ApiError;
use super::query::Plan;
use super::record_json::shown_record;
use super::records::Org;
use super::session::org;
use super::soql::Select;
use crate::sandbox::state::SandboxState;

const MOST_OFFSET: u64 = 2000;
/// Records of a page, unless the caller asks for fewer.
pub const LARGEST_PAGE: usize = 2000;

/// The answer to a query: its first page.
///
/// # Errors
/// Those of the query.
pub fn first_page(sandbox: &SandboxState, text: &str, deleted_too: bool, batch: usize, version: &str) -> Result<Value, ApiError> {
    let mut plan = Plan::new(text, deleted_too)?;
    if plan.query.offset.is_some_and(|offset| offset > MOST_OFFSET) {
        return Err(ApiError::bad("NUMBER_OUTSIDE_VALID_RANGE", format!("Maximum SOQL offset allowed is {MOST_OFFSET}")));
    }
    let org = org(sandbox);
    plan.prepare(&org);
    if let Select::Aggregates(asked) = &plan.query.select {
        let records = plan.aggregate(&org, asked, LARGEST_PAGE)?;
        return Ok(json!({"totalSize": records.len(), "done": true, "records": records}));
    }
    let total = plan.total(&org);
    if plan.query.select == Select::Count {
        return Ok(json!({"totalSize": total, "done": true, "records": []}));
    }
    let cursor =
        Cursor { id: String::new(), plan, total, batch_size: batch, created_at: sandbox.now(), page_starts: BTreeMap::from([(0, 0)]) };
    Ok(page(sandbox, &org, cursor, 0, 0, version))
}

fn page(sandbox: &SandboxState, org: &Org<'_>, mut cursor: Cursor, shown: u64, step: u64, version: &str) -> Value {
    let mut records: Vec<Value> = Vec::new();
    let next = cursor
        .plan
        .walk(org, step, shown, cursor.batch_size, |record| records.push(shown_record(org, &record, cursor.plan.fields(), version)));
    let mut body = json!({"totalSize": cursor.total, "done": next.is_none(), "records": records});
    if let Some(next) = next {
        let after = shown + body["records"].as_array().map_or(0, Vec::len) as u64;
        if cursor.id.is_empty() {
            cursor.id = format!("01g5g00000{}", &sandbox.new_secret()[..8]);
        }
        cursor.page_starts.insert(after, next);
        body["nextRecordsUrl"] = json!(format!("/services/data/{version}/query/{}-{after}", cursor.id));
        sandbox.salesforce().cursors.save(cursor);
    }
    body
}

/// A later page of a query, by the locator that the page before it named.
///
/// # Errors
/// `INVALID_QUERY_LOCATOR` for an unknown or expired one.
pub fn next_page(sandbox: &SandboxState, locator: &str, version: &str) -> Result<Value, ApiError> {
    let invalid = || ApiError::bad("INVALID_QUERY_LOCATOR", "invalid query locator");
    let (id, shown) = locator.rsplit_once('-').ok_or_else(invalid)?;
    let shown: u64 = shown.parse().map_err(|_| invalid())?;
    let cursor = sandbox.salesforce().cursors.find(id, sandbox.now()).cloned().ok_or_else(invalid)?;
    let step = cursor.page_starts.get(&shown).copied().ok_or_else(invalid)?;
    Ok(page(sandbox, &org(sandbox), cursor, shown, step, version))
}
