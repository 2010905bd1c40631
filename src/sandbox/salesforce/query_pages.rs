//! Results of REST queries, page by page.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::api_call::snapshot_org;
use super::cursors::QueryCursor;
use super::errors::SalesforceApiError;
use super::org_snapshot::OrgSnapshot;
use super::query_plan::QueryPlan;
use super::record_json::render_record;
use super::soql::SelectClause;
use crate::sandbox::state::SandboxState;

const MAX_OFFSET: u64 = 2000;
/// Records of a page at most, and unless the caller asks for fewer.
pub const MAX_PAGE_SIZE: usize = 2000;

/// The first page of a query's results, or the whole answer of an aggregate one.
///
/// # Errors
/// Those of the query, and `NUMBER_OUTSIDE_VALID_RANGE` for a large offset.
pub fn first_page(
    sandbox: &SandboxState,
    text: &str,
    includes_deleted: bool,
    batch: usize,
    version: &str,
) -> Result<Value, SalesforceApiError> {
    let mut plan = QueryPlan::new(text, includes_deleted)?;
    if plan.query.offset.is_some_and(|offset| offset > MAX_OFFSET) {
        return Err(SalesforceApiError::bad_request("NUMBER_OUTSIDE_VALID_RANGE", format!("Maximum SOQL offset allowed is {MAX_OFFSET}")));
    }
    let org = snapshot_org(sandbox);
    plan.prepare(&org);
    if let SelectClause::Aggregates(aggregation) = &plan.query.select {
        let records = plan.aggregate(&org, aggregation, MAX_PAGE_SIZE)?;
        return Ok(json!({"totalSize": records.len(), "done": true, "records": records}));
    }
    let total = plan.count_records(&org);
    if plan.query.select == SelectClause::Count {
        return Ok(json!({"totalSize": total, "done": true, "records": []}));
    }
    let cursor =
        QueryCursor { id: String::new(), plan, total, batch_size: batch, created_at: sandbox.now(), page_starts: BTreeMap::from([(0, 0)]) };
    Ok(read_page(sandbox, &org, cursor, 0, 0, version))
}

/// Reads the page that begins at `step`, and saves the cursor when a further page follows.
fn read_page(
    sandbox: &SandboxState,
    org: &OrgSnapshot<'_>,
    mut cursor: QueryCursor,
    records_before: u64,
    step: u64,
    version: &str,
) -> Value {
    let mut records: Vec<Value> = Vec::new();
    let next = cursor.plan.read_page(org, step, records_before, cursor.batch_size, |record| {
        records.push(render_record(org, &record, cursor.plan.fields(), version))
    });
    let mut body = json!({"totalSize": cursor.total, "done": next.is_none(), "records": records});
    if let Some(next) = next {
        let after = records_before + body["records"].as_array().map_or(0, Vec::len) as u64;
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
pub fn next_page(sandbox: &SandboxState, locator: &str, version: &str) -> Result<Value, SalesforceApiError> {
    let invalid = || SalesforceApiError::bad_request("INVALID_QUERY_LOCATOR", "invalid query locator");
    let (id, records_before) = locator.rsplit_once('-').ok_or_else(invalid)?;
    let records_before: u64 = records_before.parse().map_err(|_| invalid())?;
    let cursor = sandbox.salesforce().cursors.find(id, sandbox.now()).cloned().ok_or_else(invalid)?;
    let step = cursor.page_starts.get(&records_before).copied().ok_or_else(invalid)?;
    Ok(read_page(sandbox, &snapshot_org(sandbox), cursor, records_before, step, version))
}
