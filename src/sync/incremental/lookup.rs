//! Looks up the people of a round in Marketo, and the owners of their records in Salesforce.

use std::collections::{HashMap, HashSet};

use time::Duration;

use super::IncrementalRun;
use super::modified::Modified;
use super::paper::Person;
use super::round::Round;
use crate::people::SalesforceId;
use crate::salesforce::Record;
use crate::sync::SyncError;
use crate::sync::fields::SyncField;
use crate::sync::gap::SyncGap;
use crate::sync::salesforce_object::SalesforceObject;
use crate::sync::store::{self, UnmatchedRecord};

/// The most people or records of one call: Marketo's limit, and what fits into the URL of a Salesforce query.
const AT_ONCE: usize = 300;
/// The most e-mail addresses of one call: several people may have the same one, and Marketo returns 1,000 at most.
const ADDRESSES_AT_ONCE: usize = 100;
/// The wait before an unmatched record is looked up again; Marketo reads Salesforce's changes every five minutes.
const ASK_AGAIN: Duration = Duration::minutes(5);
/// The most people who are looked up once more.
const MOST_ASKED_AGAIN: usize = 1000;

fn field_of(object: SalesforceObject) -> SyncField {
    match object {
        SalesforceObject::Lead => SyncField::SalesforceLeadId,
        SalesforceObject::Contact => SyncField::SalesforceContactId,
    }
}

fn record_of(object: SalesforceObject, person: &Person) -> Option<&SalesforceId> {
    match object {
        SalesforceObject::Lead => person.lead_id.as_ref(),
        SalesforceObject::Contact => person.contact_id.as_ref(),
    }
}

/// A SOQL condition on ids, which are letters and digits.
fn among<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = ids.map(|id| format!("'{id}'")).collect();
    format!("Id IN ({})", quoted.join(","))
}

impl IncrementalRun {
    /// Looks up everybody of the round.
    pub(super) async fn look_up(&mut self, round: &mut Round) -> Result<(), SyncError> {
        for object in [SalesforceObject::Lead, SalesforceObject::Contact] {
            self.look_up_records(object, round).await?;
        }
        let missing: Vec<(i64, bool)> =
            round.wanted.iter().filter(|(id, _)| !round.people.contains_key(id)).map(|(id, there)| (*id, *there)).collect();
        for chunk in missing.chunks(AT_ONCE) {
            let ids: Vec<String> = chunk.iter().map(|(id, _)| id.to_string()).collect();
            let people = self.people("id", &ids).await?;
            let found: HashSet<i64> = people.iter().map(|person| person.marketo_id).collect();
            for (id, there) in chunk.iter().filter(|(id, _)| !found.contains(id)) {
                round.gone.push(*id);
                if *there && self.cursor.ask_again.len() < MOST_ASKED_AGAIN {
                    self.cursor.ask_again.push(*id);
                }
            }
            round.take(people);
        }
        for object in [SalesforceObject::Lead, SalesforceObject::Contact] {
            self.look_up_owners(object, round).await?;
        }
        Ok(())
    }

    /// Finds the people in Marketo whose field `by` has one of `values`.
    async fn people(&self, by: &str, values: &[String]) -> Result<Vec<Person>, SyncError> {
        let fields: Vec<&str> = self.cursor.fields.iter().map(|field| field.rest_name.as_str()).collect();
        let leads = self.marketo.leads(by, values, &fields).await?;
        Ok(leads.into_iter().filter_map(|lead| Person::read(lead, &self.cursor.fields)).collect())
    }

    /// Adds the people for whom a modified record makes a difference.
    async fn look_up_records(&mut self, object: SalesforceObject, round: &mut Round) -> Result<(), SyncError> {
        let records = std::mem::take(round.records(object));
        if records.is_empty() {
            return Ok(());
        }
        let ids: Vec<&SalesforceId> = records.keys().collect();
        let mut linked: HashMap<String, Vec<store::LinkedPerson>> = HashMap::new();
        for row in store::find_people_of_records(&self.service.db, self.instance, object, &ids).await? {
            let record = if object == SalesforceObject::Lead { &row.salesforce_lead_id } else { &row.salesforce_contact_id };
            linked.entry(record.clone().unwrap_or_default()).or_default().push(row);
        }
        let mut unknown = Vec::new();
        for record in records.values() {
            let user = record.owner.as_ref().filter(|owner| owner.is_user());
            match (user, linked.get(record.id.as_str())) {
                // Most modifications don't change the owner. A lead's owner doesn't count where there is a contact.
                (Some(owner), Some(people))
                    if people.iter().all(|one| {
                        one.owner_id == owner.as_str() && (object == SalesforceObject::Contact || one.salesforce_contact_id.is_none())
                    }) => {}
                (_, Some(people)) => round.expect(people.iter().map(|one| one.marketo_id).collect(), true),
                (Some(_), None) => unknown.push(record),
                (None, None) => {}
            }
        }
        self.look_up_unknown(object, unknown, round).await
    }

    /// Looks in Marketo for people who aren't synced and whose record a user owns now.
    async fn look_up_unknown(&mut self, object: SalesforceObject, unknown: Vec<&Modified>, round: &mut Round) -> Result<(), SyncError> {
        let now = self.now();
        let ids: Vec<&SalesforceId> = unknown.iter().map(|record| &record.id).collect();
        let known = store::find_unmatched_records(&self.service.db, self.instance, &ids).await?;
        let known: HashMap<&str, &UnmatchedRecord> = known.iter().map(|one| (one.salesforce_id.as_str(), one)).collect();
        let asked_lately = |record: &Modified| {
            known.get(record.id.as_str()).is_some_and(|one| one.modified_at == record.at && now - one.asked_at < ASK_AGAIN)
        };
        let due: Vec<&Modified> = unknown.into_iter().filter(|record| !asked_lately(record)).collect();
        for chunk in due.chunks(AT_ONCE) {
            let people = self.people_of(object, chunk).await?;
            let found: HashSet<&SalesforceId> = people.iter().filter_map(|person| record_of(object, person)).collect();
            let unmatched_records = chunk.iter().filter(|record| !found.contains(&record.id));
            round.unmatched_records.extend(unmatched_records.map(|record| UnmatchedRecord {
                salesforce_id: record.id.to_string(),
                modified_at: record.at,
                asked_at: now,
            }));
            round.take(people);
        }
        Ok(())
    }

    /// Finds the people who are these records: by the records' ids, or by their e-mail addresses where the subscription can't search
    /// for such ids.
    async fn people_of(&mut self, object: SalesforceObject, records: &[&Modified]) -> Result<Vec<Person>, SyncError> {
        let field = self.cursor.fields.iter().find(|field| field.field == field_of(object)).map(|field| field.rest_name.clone());
        let Some(field) = field else { return Ok(Vec::new()) };
        let ids: Vec<String> = records.iter().map(|record| record.id.to_string()).collect();
        match self.people(&field, &ids).await {
            Ok(people) => return Ok(people),
            Err(SyncError::Connection(crate::connections::ConnectionError::Marketo(error))) if error.refuses_lookup() => {}
            Err(error) => return Err(error),
        }
        let soql = format!("SELECT Id, Email FROM {} WHERE {}", object.name(), among(ids.iter().map(String::as_str)));
        let page = self.salesforce.query(&soql).await?;
        let address = |record: &Record| record.get("Email")?.as_str().map(str::to_lowercase).filter(|address| !address.contains(','));
        let addresses: HashSet<String> = page.records.iter().filter_map(address).collect();
        let unfound = page.records.iter().filter(|record| address(record).is_none()).count();
        self.gap(SyncGap::not_searchable(unfound));
        let addresses: Vec<String> = addresses.into_iter().collect();
        let wanted: HashSet<&SalesforceId> = records.iter().map(|record| &record.id).collect();
        let mut people = Vec::new();
        for chunk in addresses.chunks(ADDRESSES_AT_ONCE) {
            let found = self.people("email", chunk).await?;
            people.extend(found.into_iter().filter(|person| record_of(object, person).is_some_and(|id| wanted.contains(id))));
        }
        Ok(people)
    }

    /// Reads the present owners of the records of the round's people.
    async fn look_up_owners(&mut self, object: SalesforceObject, round: &mut Round) -> Result<(), SyncError> {
        let ids: HashSet<&str> = round.people.values().filter_map(|person| record_of(object, person)).map(SalesforceId::as_str).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let mut owners = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(AT_ONCE) {
            let soql = object.soql();
            let joint = if soql.contains(" WHERE ") { "AND" } else { "WHERE" };
            let page = self.salesforce.query(&format!("{soql} {joint} {}", among(chunk.iter().copied()))).await?;
            let id = |record: &Record, name: &str| record.get(name)?.as_str()?.parse().ok();
            owners.extend(page.records.iter().filter_map(|record| Some((id(record, "Id")?, id(record, "OwnerId")?))));
        }
        round.owners.extend(owners);
        Ok(())
    }
}
