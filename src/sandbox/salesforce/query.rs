//! Carries a checked query out, a stretch of places at a time, so that memory doesn't depend on the number of rows.

use super::errors::ApiError;
use super::field_value::Value;
use super::records::{Org, Record};
use super::schema::Object;
use super::soql::{self, Aggregation, Groups, Order, Query, Resolved, Select};

/// A query ready to run.
#[derive(Debug, Clone)]
pub struct Plan {
    pub object: &'static Object,
    pub query: Query<Resolved>,
    /// Also deleted records (`queryAll`).
    pub deleted_too: bool,
    /// The places of the matches in order, when the query sorts or names ids; otherwise all places are walked.
    places: Option<Vec<u64>>,
}

impl Plan {
    /// Reads, checks and prepares a query.
    ///
    /// # Errors
    /// Those of reading and checking.
    pub fn new(text: &str, deleted_too: bool) -> Result<Self, ApiError> {
        let (object, query) = soql::check(soql::parse(text)?, text)?;
        Ok(Self { object, query, deleted_too, places: None })
    }

    /// The fields asked for.
    pub fn fields(&self) -> &[Resolved] {
        match &self.query.select {
            Select::Fields(fields) => fields,
            Select::Count | Select::Aggregates(_) => &[],
        }
    }

    fn matching(&self, org: &Org<'_>, place: u64) -> Option<Record> {
        let record = org.at(self.object, place, self.deleted_too)?;
        let fits = self.query.condition.as_ref().is_none_or(|condition| soql::holds(condition, &|field| org.value(&record, field)));
        fits.then_some(record)
    }

    /// Sorts, or looks ids up, once and for all; does nothing for a plain walk. Blocks.
    pub fn prepare(&mut self, org: &Org<'_>) {
        let named = self.query.condition.as_ref().and_then(soql::identified).map(|ids| {
            let mut places: Vec<u64> = ids.into_iter().filter_map(|id| org.place(self.object, id)).collect();
            places.sort_unstable();
            places.dedup();
            places
        });
        let named = named.or_else(|| self.recently_modified(org));
        let all = 0..org.places(self.object);
        if self.query.order.is_empty() {
            self.places = named;
            return;
        }
        let candidates: Box<dyn Iterator<Item = u64>> = match named {
            Some(places) => Box::new(places.into_iter()),
            None => Box::new(all),
        };
        let keys =
            |record: &Record, order: &[Order<Resolved>]| order.iter().map(|key| org.value(record, &key.field)).collect::<Vec<Value>>();
        let keep =
            self.query.limit.map(|limit| usize::try_from(limit.saturating_add(self.query.offset.unwrap_or(0))).unwrap_or(usize::MAX));
        let mut found: Vec<(Vec<Value>, u64)> = Vec::new();
        for place in candidates {
            if let Some(record) = self.matching(org, place) {
                found.push((keys(&record, &self.query.order), place));
                // With a limit only so many can ever be shown.
                if keep.is_some_and(|keep| found.len() > keep.saturating_mul(2).max(4096)) {
                    self.sort(&mut found);
                    found.truncate(keep.unwrap_or(usize::MAX));
                }
            }
        }
        self.sort(&mut found);
        self.places = Some(found.into_iter().map(|(_, place)| place).collect());
    }

    /// The places of people to whom something happened, when only such can match: nobody else was modified lately.
    fn recently_modified(&self, org: &Org<'_>) -> Option<Vec<u64>> {
        let since = self.query.condition.as_ref().and_then(soql::modified_since)?;
        let (touched, before) = org.people.edited();
        (matches!(self.object.name, "Lead" | "Contact") && since > before).then_some(touched)
    }

    fn sort(&self, found: &mut [(Vec<Value>, u64)]) {
        found.sort_by(|(left, left_place), (right, right_place)| {
            soql::compare(&self.query.order, left, right).then(left_place.cmp(right_place))
        });
    }

    fn end(&self, org: &Org<'_>) -> u64 {
        self.places.as_ref().map_or_else(|| org.places(self.object), |places| places.len() as u64)
    }

    fn step(&self, org: &Org<'_>, step: u64) -> Option<Record> {
        match &self.places {
            None => self.matching(org, step),
            Some(places) => places.get(usize::try_from(step).ok()?).and_then(|&place| self.matching(org, place)),
        }
    }

    /// How many records there are to show, counting LIMIT and OFFSET. Blocks: it may look at everyone.
    pub fn total(&self, org: &Org<'_>) -> u64 {
        let offset = self.query.offset.unwrap_or(0);
        let most = self.query.limit.map(|limit| limit.saturating_add(offset));
        let mut count = 0;
        for step in 0..self.end(org) {
            if most.is_some_and(|most| count >= most) {
                break;
            }
            count += u64::from(self.step(org, step).is_some());
        }
        count.saturating_sub(offset)
    }

    /// The groups of all matches, or the one group that an aggregate without GROUP BY has; LIMIT and OFFSET count groups. Blocks.
    ///
    /// # Errors
    /// `EXCEEDED_ID_LIMIT` for more groups than an answer holds: groups aren't given out page by page.
    pub fn aggregate(&self, org: &Org<'_>, asked: &Aggregation<Resolved>, most: usize) -> Result<Vec<serde_json::Value>, ApiError> {
        let mut groups = Groups::new(asked);
        for step in 0..self.end(org) {
            if let Some(record) = self.step(org, step) {
                groups.add(|field| org.value(&record, field));
            }
        }
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let records = groups.records(number(self.query.offset.unwrap_or(0)), self.query.limit.map_or(usize::MAX, number));
        if records.len() > most {
            let message = "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch";
            return Err(ApiError::bad("EXCEEDED_ID_LIMIT", message));
        }
        Ok(records)
    }

    /// Hands up to `most` records from step `from` on to `each`; the first step is 0, and `shown` were given out before.
    /// Says where to go on, or `None` at the end. Blocks.
    pub fn walk(&self, org: &Org<'_>, from: u64, shown: u64, most: usize, mut each: impl FnMut(Record)) -> Option<u64> {
        let left = self.query.limit.map_or(u64::MAX, |limit| limit.saturating_sub(shown));
        let most = u64::try_from(most).unwrap_or(u64::MAX).min(left);
        let mut skip = if from == 0 { self.query.offset.unwrap_or(0) } else { 0 };
        let mut given = 0;
        let (mut step, end) = (from, self.end(org));
        while step < end && given < most {
            if let Some(record) = self.step(org, step) {
                if skip > 0 {
                    skip -= 1;
                } else {
                    given += 1;
                    each(record);
                }
            }
            step += 1;
        }
        // Walk on to the next match, so that the last stretch knows it is the last.
        let more = given < left;
        while more && step < end && self.step(org, step).is_none() {
            step += 1;
        }
        (more && step < end).then_some(step)
    }
}
