//! A round of an incremental run: who has to be looked at, and what was found.

use std::collections::BTreeMap;

use super::modified::Modified;
use super::paper::Person;
use crate::people::SalesforceId;
use crate::sync::salesforce_object::SalesforceObject;
use crate::sync::store::UnmatchedRecord;

/// What a round has read. Its size is bounded by the pages that a round reads.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Marketo ids to look up, and whether somebody should be found.
    pub wanted: BTreeMap<i64, bool>,
    pub leads: BTreeMap<SalesforceId, Modified>,
    pub contacts: BTreeMap<SalesforceId, Modified>,
    pub people: BTreeMap<i64, Person>,
    /// Whether one of Marketo's logs was unreadable.
    pub has_unread_log: bool,
    /// Marketo ids of people who are gone.
    pub gone: Vec<i64>,
    pub owners: Vec<(SalesforceId, SalesforceId)>,
    pub unmatched_records: Vec<UnmatchedRecord>,
}

impl Round {
    /// Adds people to look up; `should_exist` is whether they should still be in Marketo.
    pub(super) fn expect(&mut self, people: Vec<i64>, there: bool) {
        for person in people {
            *self.wanted.entry(person).or_insert(there) &= there;
        }
    }

    /// Adds modified records, whose people are looked up.
    pub(super) fn modified(&mut self, object: SalesforceObject, records: Vec<Modified>) {
        // They come in order of time, so that the last change of a record counts.
        self.records(object).extend(records.into_iter().map(|record| (record.id.clone(), record)));
    }

    pub(super) fn has_modified(&mut self, object: SalesforceObject, id: &SalesforceId) -> bool {
        self.records(object).contains_key(id)
    }

    pub(super) fn records(&mut self, object: SalesforceObject) -> &mut BTreeMap<SalesforceId, Modified> {
        match object {
            SalesforceObject::Lead => &mut self.leads,
            SalesforceObject::Contact => &mut self.contacts,
        }
    }

    /// Adds people as Marketo has them now.
    pub(super) fn take(&mut self, people: Vec<Person>) {
        self.people.extend(people.into_iter().map(|person| (person.marketo_id, person)));
    }
}
