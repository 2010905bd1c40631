//! Runs a checked query step by step, so that memory doesn't depend on the number of rows.

use super::errors::SalesforceApiError;
use super::field_value::FieldValue;
use super::org_snapshot::{OrgSnapshot, SalesforceRecord};
use super::schema::ObjectSchema;
use super::soql::{self, Aggregation, FieldPath, RowGroups, SelectClause, SoqlQuery, SortKey};

/// A query ready to run.
#[derive(Debug, Clone)]
pub struct QueryPlan {
    pub object: &'static ObjectSchema,
    pub query: SoqlQuery<FieldPath>,
    /// Whether deleted records are included (`queryAll`).
    pub includes_deleted: bool,
    /// The positions of the candidates in order, when the query sorts or names ids; otherwise every position is a step.
    positions: Option<Vec<u64>>,
}

impl QueryPlan {
    /// Reads, checks and prepares a query.
    ///
    /// # Errors
    /// Those of reading and checking.
    pub fn new(text: &str, includes_deleted: bool) -> Result<Self, SalesforceApiError> {
        let (object, query) = soql::check_query(soql::parse_query(text)?, text)?;
        Ok(Self { object, query, includes_deleted, positions: None })
    }

    /// The selected fields.
    pub fn fields(&self) -> &[FieldPath] {
        match &self.query.select {
            SelectClause::Fields(fields) => fields,
            SelectClause::Count | SelectClause::Aggregates(_) => &[],
        }
    }

    fn match_at(&self, org: &OrgSnapshot<'_>, position: u64) -> Option<SalesforceRecord> {
        let record = org.record_at(self.object, position, self.includes_deleted)?;
        let is_match =
            self.query.condition.as_ref().is_none_or(|condition| soql::is_met(condition, &|field| org.field_value(&record, field)));
        is_match.then_some(record)
    }

    /// Sorts the matches or looks up named ids, once; does nothing for a query that needs neither. Blocks.
    pub fn prepare(&mut self, org: &OrgSnapshot<'_>) {
        let named = self.query.condition.as_ref().and_then(soql::named_ids).map(|ids| {
            let mut positions: Vec<u64> = ids.into_iter().filter_map(|id| org.position_of(self.object, id)).collect();
            positions.sort_unstable();
            positions.dedup();
            positions
        });
        let named = named.or_else(|| self.recently_modified(org));
        let all = 0..org.position_count(self.object);
        if self.query.order.is_empty() {
            self.positions = named;
            return;
        }
        let candidates: Box<dyn Iterator<Item = u64>> = match named {
            Some(positions) => Box::new(positions.into_iter()),
            None => Box::new(all),
        };
        let keys = |record: &SalesforceRecord, order: &[SortKey<FieldPath>]| {
            order.iter().map(|key| org.field_value(record, &key.field)).collect::<Vec<FieldValue>>()
        };
        let keep =
            self.query.limit.map(|limit| usize::try_from(limit.saturating_add(self.query.offset.unwrap_or(0))).unwrap_or(usize::MAX));
        let mut found: Vec<(Vec<FieldValue>, u64)> = Vec::new();
        for position in candidates {
            if let Some(record) = self.match_at(org, position) {
                found.push((keys(&record, &self.query.order), position));
                // Of a limited query only the first so many are ever shown.
                if keep.is_some_and(|keep| found.len() > keep.saturating_mul(2).max(4096)) {
                    self.sort(&mut found);
                    found.truncate(keep.unwrap_or(usize::MAX));
                }
            }
        }
        self.sort(&mut found);
        self.positions = Some(found.into_iter().map(|(_, position)| position).collect());
    }

    /// The positions of the edited people, when the query wants only records modified since the start: nobody else was.
    fn recently_modified(&self, org: &OrgSnapshot<'_>) -> Option<Vec<u64>> {
        let since = self.query.condition.as_ref().and_then(soql::modified_since)?;
        let (edited, since_start) = org.people.edited();
        (matches!(self.object.name, "Lead" | "Contact") && since > since_start).then_some(edited)
    }

    fn sort(&self, found: &mut [(Vec<FieldValue>, u64)]) {
        found.sort_by(|(left, left_position), (right, right_position)| {
            soql::compare_rows(&self.query.order, left, right).then(left_position.cmp(right_position))
        });
    }

    fn step_count(&self, org: &OrgSnapshot<'_>) -> u64 {
        self.positions.as_ref().map_or_else(|| org.position_count(self.object), |positions| positions.len() as u64)
    }

    fn record_at_step(&self, org: &OrgSnapshot<'_>, step: u64) -> Option<SalesforceRecord> {
        match &self.positions {
            None => self.match_at(org, step),
            Some(positions) => positions.get(usize::try_from(step).ok()?).and_then(|&position| self.match_at(org, position)),
        }
    }

    /// How many records the query has, after LIMIT and OFFSET. Blocks: it may look at everyone.
    pub fn count_records(&self, org: &OrgSnapshot<'_>) -> u64 {
        let offset = self.query.offset.unwrap_or(0);
        let max_records = self.query.limit.map(|limit| limit.saturating_add(offset));
        let mut count = 0;
        for step in 0..self.step_count(org) {
            if max_records.is_some_and(|max_records| count >= max_records) {
                break;
            }
            count += u64::from(self.record_at_step(org, step).is_some());
        }
        count.saturating_sub(offset)
    }

    /// The groups of all matches, or the single group of an aggregate without GROUP BY; LIMIT and OFFSET count groups. Blocks.
    ///
    /// # Errors
    /// `EXCEEDED_ID_LIMIT` for more groups than one answer holds: groups have no further pages.
    pub fn aggregate(
        &self,
        org: &OrgSnapshot<'_>,
        aggregation: &Aggregation<FieldPath>,
        max_records: usize,
    ) -> Result<Vec<serde_json::Value>, SalesforceApiError> {
        let mut groups = RowGroups::new(aggregation);
        for step in 0..self.step_count(org) {
            if let Some(record) = self.record_at_step(org, step) {
                groups.add_row(|field| org.field_value(&record, field));
            }
        }
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let records = groups.into_records(number(self.query.offset.unwrap_or(0)), self.query.limit.map_or(usize::MAX, number));
        if records.len() > max_records {
            let message = "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch";
            return Err(SalesforceApiError::bad_request("EXCEEDED_ID_LIMIT", message));
        }
        Ok(records)
    }

    /// Passes up to `max_records` records from step `from` on to `each`; `records_before` is how many came before. Returns the step at which the next page
    /// begins, or `None` at the end. Blocks.
    pub fn read_page(
        &self,
        org: &OrgSnapshot<'_>,
        from: u64,
        records_before: u64,
        max_records: usize,
        mut each: impl FnMut(SalesforceRecord),
    ) -> Option<u64> {
        let left = self.query.limit.map_or(u64::MAX, |limit| limit.saturating_sub(records_before));
        let max_records = u64::try_from(max_records).unwrap_or(u64::MAX).min(left);
        let mut skip = if from == 0 { self.query.offset.unwrap_or(0) } else { 0 };
        let mut passed = 0;
        let (mut step, end) = (from, self.step_count(org));
        while step < end && passed < max_records {
            if let Some(record) = self.record_at_step(org, step) {
                if skip > 0 {
                    skip -= 1;
                } else {
                    passed += 1;
                    each(record);
                }
            }
            step += 1;
        }
        // Move on to the next match, so that the last page knows that it is the last.
        let may_continue = passed < left;
        while may_continue && step < end && self.record_at_step(org, step).is_none() {
            step += 1;
        }
        (may_continue && step < end).then_some(step)
    }
}
