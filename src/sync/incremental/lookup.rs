//! Looks up the people of a round in Marketo, and the owners of their records in Salesforce.

use std::collections::{HashMap, HashSet};

use time::Duration;

use super::IncrementalRun;
use super::bulk_csv::MarketoPerson;
use super::modified::ModifiedRecord;
use super::round::SyncRound;
use crate::people::{SalesforceId, SyncField};
use crate::salesforce::Record;
use crate::sync::SyncError;
use crate::sync::gap::SyncGap;
use crate::sync::salesforce_object::SalesforceObject;
use crate::sync::store::{self, UnmatchedRecord};

/// The most people or records of one call: Marketo's limit, and what fits into the URL of a Salesforce query.
const MAX_PER_CALL: usize = 300;
/// The most e-mail addresses of one call: several people may have the same one, and Marketo returns 1,000 at most.
const MAX_ADDRESSES_PER_CALL: usize = 100;
/// The wait before an unmatched record is looked up again; Marketo reads Salesforce's changes every five minutes.
const LOOK_UP_AGAIN_AFTER: Duration = Duration::minutes(5);
/// The most people who are looked up once more.
const MAX_LOOKED_UP_AGAIN: usize = 1000;

fn id_field(object: SalesforceObject) -> SyncField {
    match object {
        SalesforceObject::Lead => SyncField::SalesforceLeadId,
        SalesforceObject::Contact => SyncField::SalesforceContactId,
    }
}

fn record_id(object: SalesforceObject, person: &MarketoPerson) -> Option<&SalesforceId> {
    match object {
        SalesforceObject::Lead => person.lead_id.as_ref(),
        SalesforceObject::Contact => person.contact_id.as_ref(),
    }
}

/// A SOQL condition on ids, which are letters and digits.
fn ids_condition<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = ids.map(|id| format!("'{id}'")).collect();
    format!("Id IN ({})", quoted.join(","))
}

impl IncrementalRun {
    /// Looks up everybody of the round.
    pub(super) async fn look_up(&mut self, round: &mut SyncRound) -> Result<(), SyncError> {
        for object in [SalesforceObject::Lead, SalesforceObject::Contact] {
            self.look_up_records(object, round).await?;
        }
        let missing: Vec<(i64, bool)> = round
            .ids_to_look_up
            .iter()
            .filter(|(id, _)| !round.people.contains_key(id))
            .map(|(id, should_exist)| (*id, *should_exist))
            .collect();
        for chunk in missing.chunks(MAX_PER_CALL) {
            let ids: Vec<String> = chunk.iter().map(|(id, _)| id.to_string()).collect();
            let people = self.find_people("id", &ids).await?;
            let found: HashSet<i64> = people.iter().map(|person| person.marketo_id).collect();
            for (id, should_exist) in chunk.iter().filter(|(id, _)| !found.contains(id)) {
                round.missing_ids.push(*id);
                if *should_exist && self.cursor.look_up_again.len() < MAX_LOOKED_UP_AGAIN {
                    self.cursor.look_up_again.push(*id);
                }
            }
            round.add_found(people);
        }
        for object in [SalesforceObject::Lead, SalesforceObject::Contact] {
            self.look_up_owners(object, round).await?;
        }
        Ok(())
    }

    /// Finds the people in Marketo whose field `by` has one of `values`.
    async fn find_people(&self, by: &str, values: &[String]) -> Result<Vec<MarketoPerson>, SyncError> {
        let fields: Vec<&str> = self.cursor.fields.iter().map(|field| field.rest_name.as_str()).collect();
        let leads = self.marketo.leads(by, values, &fields).await?;
        Ok(leads.into_iter().filter_map(|lead| MarketoPerson::read(lead, &self.cursor.fields)).collect())
    }

    /// Adds the people for whom a modified record makes a difference.
    async fn look_up_records(&mut self, object: SalesforceObject, round: &mut SyncRound) -> Result<(), SyncError> {
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
                (_, Some(people)) => round.add_people(people.iter().map(|one| one.marketo_id).collect(), true),
                (Some(_), None) => unknown.push(record),
                (None, None) => {}
            }
        }
        self.look_up_unsynced(object, unknown, round).await
    }

    /// Looks in Marketo for people who aren't synced and whose record a user owns now.
    async fn look_up_unsynced(
        &mut self,
        object: SalesforceObject,
        unknown: Vec<&ModifiedRecord>,
        round: &mut SyncRound,
    ) -> Result<(), SyncError> {
        let now = self.now();
        let ids: Vec<&SalesforceId> = unknown.iter().map(|record| &record.id).collect();
        let known = store::find_unmatched_records(&self.service.db, self.instance, &ids).await?;
        let known: HashMap<&str, &UnmatchedRecord> = known.iter().map(|one| (one.salesforce_id.as_str(), one)).collect();
        let was_looked_up_lately = |record: &ModifiedRecord| {
            known.get(record.id.as_str()).is_some_and(|one| one.modified_at == record.at && now - one.looked_up_at < LOOK_UP_AGAIN_AFTER)
        };
        let due: Vec<&ModifiedRecord> = unknown.into_iter().filter(|record| !was_looked_up_lately(record)).collect();
        for chunk in due.chunks(MAX_PER_CALL) {
            let people = self.find_people_of_records(object, chunk).await?;
            let found: HashSet<&SalesforceId> = people.iter().filter_map(|person| record_id(object, person)).collect();
            let unmatched_records = chunk.iter().filter(|record| !found.contains(&record.id));
            round.unmatched_records.extend(unmatched_records.map(|record| UnmatchedRecord {
                salesforce_id: record.id.to_string(),
                modified_at: record.at,
                looked_up_at: now,
            }));
            round.add_found(people);
        }
        Ok(())
    }

    /// Finds the people who are these records: by the records' ids, or by their e-mail addresses where the subscription can't search
    /// for such ids.
    async fn find_people_of_records(
        &mut self,
        object: SalesforceObject,
        records: &[&ModifiedRecord],
    ) -> Result<Vec<MarketoPerson>, SyncError> {
        let field = self.cursor.fields.iter().find(|field| field.field == id_field(object)).map(|field| field.rest_name.clone());
        let Some(field) = field else { return Ok(Vec::new()) };
        let ids: Vec<String> = records.iter().map(|record| record.id.to_string()).collect();
        match self.find_people(&field, &ids).await {
            Ok(people) => return Ok(people),
            Err(SyncError::Connection(crate::connections::ConnectionError::Marketo(error))) if error.refuses_lookup() => {}
            Err(error) => return Err(error),
        }
        let soql = format!("SELECT Id, Email FROM {} WHERE {}", object.name(), ids_condition(ids.iter().map(String::as_str)));
        let page = self.salesforce.query(&soql).await?;
        let address = |record: &Record| record.get("Email")?.as_str().map(str::to_lowercase).filter(|address| !address.contains(','));
        let addresses: HashSet<String> = page.records.iter().filter_map(address).collect();
        let unfound = page.records.iter().filter(|record| address(record).is_none()).count();
        self.add_gap(SyncGap::not_searchable(unfound));
        let addresses: Vec<String> = addresses.into_iter().collect();
        let wanted: HashSet<&SalesforceId> = records.iter().map(|record| &record.id).collect();
        let mut people = Vec::new();
        for chunk in addresses.chunks(MAX_ADDRESSES_PER_CALL) {
            let found = self.find_people("email", chunk).await?;
            people.extend(found.into_iter().filter(|person| record_id(object, person).is_some_and(|id| wanted.contains(id))));
        }
        Ok(people)
    }

    /// Reads the present owners of the records of the round's people.
    async fn look_up_owners(&mut self, object: SalesforceObject, round: &mut SyncRound) -> Result<(), SyncError> {
        let ids: HashSet<&str> = round.people.values().filter_map(|person| record_id(object, person)).map(SalesforceId::as_str).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let mut owners = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(MAX_PER_CALL) {
            let soql = object.soql();
            let joint = if soql.contains(" WHERE ") { "AND" } else { "WHERE" };
            let page = self.salesforce.query(&format!("{soql} {joint} {}", ids_condition(chunk.iter().copied()))).await?;
            let id = |record: &Record, name: &str| record.get(name)?.as_str()?.parse().ok();
            owners.extend(page.records.iter().filter_map(|record| Some((id(record, "Id")?, id(record, "OwnerId")?))));
        }
        round.owners.extend(owners);
        Ok(())
    }
}
