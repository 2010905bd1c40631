//! A round of an incremental run: who has to be looked at, and what was found.

use std::collections::BTreeMap;

use super::bulk_csv::MarketoPerson;
use super::modified::ModifiedRecord;
use crate::people::SalesforceId;
use crate::sync::salesforce_object::SalesforceObject;
use crate::sync::store::UnmatchedRecord;

/// What a round has read. Its size is bounded by the pages that a round reads.
#[derive(Debug, Default)]
pub(super) struct SyncRound {
    /// Marketo ids to look up, and whether somebody should be found.
    pub ids_to_look_up: BTreeMap<i64, bool>,
    pub leads: BTreeMap<SalesforceId, ModifiedRecord>,
    pub contacts: BTreeMap<SalesforceId, ModifiedRecord>,
    pub people: BTreeMap<i64, MarketoPerson>,
    /// Whether one of Marketo's logs was unreadable.
    pub has_unreadable_log: bool,
    /// Marketo ids of people who are gone.
    pub missing_ids: Vec<i64>,
    pub owners: Vec<(SalesforceId, SalesforceId)>,
    pub unmatched_records: Vec<UnmatchedRecord>,
}

impl SyncRound {
    /// Adds people to look up; `should_exist` is whether they should still be in Marketo.
    pub(super) fn add_people(&mut self, people: Vec<i64>, should_exist: bool) {
        for person in people {
            *self.ids_to_look_up.entry(person).or_insert(should_exist) &= should_exist;
        }
    }

    /// Adds modified records, whose people are looked up.
    pub(super) fn add_modified(&mut self, object: SalesforceObject, records: Vec<ModifiedRecord>) {
        // They come in order of time, so that the last change of a record counts.
        self.records(object).extend(records.into_iter().map(|record| (record.id.clone(), record)));
    }

    pub(super) fn has_modified(&mut self, object: SalesforceObject, id: &SalesforceId) -> bool {
        self.records(object).contains_key(id)
    }

    pub(super) fn records(&mut self, object: SalesforceObject) -> &mut BTreeMap<SalesforceId, ModifiedRecord> {
        match object {
            SalesforceObject::Lead => &mut self.leads,
            SalesforceObject::Contact => &mut self.contacts,
        }
    }

    /// Adds people as Marketo has them now.
    pub(super) fn add_found(&mut self, people: Vec<MarketoPerson>) {
        self.people.extend(people.into_iter().map(|person| (person.marketo_id, person)));
    }
}
