//! A round: who has to be looked at, what they are now, and the transaction that makes it so here.

use std::collections::{BTreeMap, HashMap, HashSet};

use time::Duration;

use super::paper::{self, Person};
use super::salesforce::Modified;
use super::{Follower, Gap};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::ids::RunId;
use crate::people::SalesforceId;
use crate::salesforce::Record;
use crate::sync::SyncError;
use crate::sync::engine::Object;
use crate::sync::fields::SyncField;
use crate::sync::rows::{Window, read_owners, read_people, read_rejected};
use crate::sync::store::{self, Stranger};

/// People or records named in one question to either vendor: Marketo's limit, and what fits into an address at Salesforce.
const AT_ONCE: usize = 300;
/// Addresses named in one question: several people may have the same one, and Marketo finds 1,000 at most.
const ADDRESSES_AT_ONCE: usize = 100;
/// When a record of whom Marketo knew nobody is asked about again; Marketo reads Salesforce's changes every five minutes.
const ASK_AGAIN: Duration = Duration::minutes(5);
/// People who are asked for once more.
const MOST_ASKED_AGAIN: usize = 1000;

/// What a round has read. Bounded by the pages that a round reads.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Who is asked for by Marketo's id, and whether somebody should be found.
    wanted: BTreeMap<i64, bool>,
    leads: BTreeMap<SalesforceId, Modified>,
    contacts: BTreeMap<SalesforceId, Modified>,
    people: BTreeMap<i64, Person>,
    /// Whether one of Marketo's logs couldn't be read.
    pub has_unread_log: bool,
    /// Who Marketo has no longer.
    gone: Vec<i64>,
    owners: Vec<(SalesforceId, SalesforceId)>,
    strangers: Vec<Stranger>,
}

impl Round {
    /// Has these people looked at; `there` is whether they should still be there.
    pub(super) fn expect(&mut self, people: Vec<i64>, there: bool) {
        for person in people {
            *self.wanted.entry(person).or_insert(there) &= there;
        }
    }

    /// Has the people looked at who are these records.
    pub(super) fn modified(&mut self, object: Object, records: Vec<Modified>) {
        // In order of time, so that the last word about a record counts.
        self.records(object).extend(records.into_iter().map(|record| (record.id.clone(), record)));
    }

    pub(super) fn has_modified(&mut self, object: Object, id: &SalesforceId) -> bool {
        self.records(object).contains_key(id)
    }

    fn records(&mut self, object: Object) -> &mut BTreeMap<SalesforceId, Modified> {
        match object {
            Object::Lead => &mut self.leads,
            Object::Contact => &mut self.contacts,
        }
    }

    /// Takes people in as Marketo has them now.
    fn take(&mut self, people: Vec<Person>) {
        self.people.extend(people.into_iter().map(|person| (person.marketo_id, person)));
    }
}

fn field_of(object: Object) -> SyncField {
    match object {
        Object::Lead => SyncField::SalesforceLeadId,
        Object::Contact => SyncField::SalesforceContactId,
    }
}

fn record_of(object: Object, person: &Person) -> Option<&SalesforceId> {
    match object {
        Object::Lead => person.lead_id.as_ref(),
        Object::Contact => person.contact_id.as_ref(),
    }
}

/// A condition on ids, which are letters and digits.
fn among<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = ids.map(|id| format!("'{id}'")).collect();
    format!("Id IN ({})", quoted.join(","))
}

impl Follower {
    /// Finds out what everybody is now whom the round is about.
    pub(super) async fn look_up(&mut self, round: &mut Round) -> Result<(), SyncError> {
        for object in [Object::Lead, Object::Contact] {
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
        for object in [Object::Lead, Object::Contact] {
            self.look_up_owners(object, round).await?;
        }
        Ok(())
    }

    /// People whose field `by` has one of `values`.
    async fn people(&self, by: &str, values: &[String]) -> Result<Vec<Person>, SyncError> {
        let fields: Vec<&str> = self.cursor.fields.iter().map(|field| field.rest_name.as_str()).collect();
        let leads = self.marketo.leads(by, values, &fields).await?;
        Ok(leads.into_iter().filter_map(|lead| Person::read(lead, &self.cursor.fields)).collect())
    }

    /// Has those looked at for whom a modified record makes a difference.
    async fn look_up_records(&mut self, object: Object, round: &mut Round) -> Result<(), SyncError> {
        let records = std::mem::take(round.records(object));
        if records.is_empty() {
            return Ok(());
        }
        let ids: Vec<&SalesforceId> = records.keys().collect();
        let mut linked: HashMap<String, Vec<store::Linked>> = HashMap::new();
        for row in store::people_of_records(&self.service.db, self.instance, object, &ids).await? {
            let record = if object == Object::Lead { &row.salesforce_lead_id } else { &row.salesforce_contact_id };
            linked.entry(record.clone().unwrap_or_default()).or_default().push(row);
        }
        let mut unknown = Vec::new();
        for record in records.values() {
            let user = record.owner.as_ref().filter(|owner| owner.is_user());
            match (user, linked.get(record.id.as_str())) {
                // Much of a record changes that nobody here is interested in. A lead's owner doesn't count where there is a contact.
                (Some(owner), Some(people))
                    if people.iter().all(|one| {
                        one.owner_id == owner.as_str() && (object == Object::Contact || one.salesforce_contact_id.is_none())
                    }) => {}
                (_, Some(people)) => round.expect(people.iter().map(|one| one.marketo_id).collect(), true),
                (Some(_), None) => unknown.push(record),
                (None, None) => {}
            }
        }
        self.look_up_unknown(object, unknown, round).await
    }

    /// Looks in Marketo for people who were never synced and whose record a user owns now.
    async fn look_up_unknown(&mut self, object: Object, unknown: Vec<&Modified>, round: &mut Round) -> Result<(), SyncError> {
        let now = self.now();
        let ids: Vec<&SalesforceId> = unknown.iter().map(|record| &record.id).collect();
        let known = store::strangers(&self.service.db, self.instance, &ids).await?;
        let known: HashMap<&str, &Stranger> = known.iter().map(|one| (one.salesforce_id.as_str(), one)).collect();
        let asked_lately = |record: &Modified| {
            known.get(record.id.as_str()).is_some_and(|one| one.modified_at == record.at && now - one.asked_at < ASK_AGAIN)
        };
        let due: Vec<&Modified> = unknown.into_iter().filter(|record| !asked_lately(record)).collect();
        for chunk in due.chunks(AT_ONCE) {
            let people = self.people_of(object, chunk).await?;
            let found: HashSet<&SalesforceId> = people.iter().filter_map(|person| record_of(object, person)).collect();
            let strangers = chunk.iter().filter(|record| !found.contains(&record.id));
            round.strangers.extend(strangers.map(|record| Stranger {
                salesforce_id: record.id.to_string(),
                modified_at: record.at,
                asked_at: now,
            }));
            round.take(people);
        }
        Ok(())
    }

    /// The people who are these records: by the records' ids, or by their e-mail addresses where the subscription can't look
    /// people up by such ids.
    async fn people_of(&mut self, object: Object, records: &[&Modified]) -> Result<Vec<Person>, SyncError> {
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
        self.gap(Gap::not_searchable(unfound));
        let addresses: Vec<String> = addresses.into_iter().collect();
        let wanted: HashSet<&SalesforceId> = records.iter().map(|record| &record.id).collect();
        let mut people = Vec::new();
        for chunk in addresses.chunks(ADDRESSES_AT_ONCE) {
            let found = self.people("email", chunk).await?;
            people.extend(found.into_iter().filter(|person| record_of(object, person).is_some_and(|id| wanted.contains(id))));
        }
        Ok(people)
    }

    /// Reads who owns the records of the round's people now.
    async fn look_up_owners(&mut self, object: Object, round: &mut Round) -> Result<(), SyncError> {
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

    /// Makes it so here: merges the people, removes who doesn't qualify any more, and moves the cursor past what the round has read,
    /// which is what happened in Marketo from `since` on.
    ///
    /// # Errors
    /// [`SyncError::TooManyPeople`] when the round adds people beyond what an instance may have; as in a full run nobody is written
    /// then, and the cursor stays where it is.
    pub(super) async fn settle(&mut self, round: Round, since: Timestamp) -> Result<(), SyncError> {
        let now = self.now();
        let Round { people, gone, owners, strangers, .. } = round;
        // Somebody without any record doesn't qualify, which is what becomes of those who are gone.
        let missing = gone.len();
        let export = paper::export(people.values(), &gone, &self.cursor.fields)?;
        drop(people);
        let window = Window { position: self.ledger.rounds, start: since };
        let (mut packed, mut owned) = (Vec::new(), Vec::new());
        let outcome = read_people(export.as_slice(), &self.cursor.fields, window, usize::MAX, |rows| {
            packed.push(rows);
            true
        })?;
        read_owners(paper::page(owners.iter())?.as_slice(), usize::MAX, |rows| {
            owned.push(rows);
            true
        })?;
        let mut tx = self.service.db.begin().await?;
        if outcome.rejected > 0 {
            self.keep_rejected(&mut tx, &export, window).await?;
        }
        self.ledger.report.reject(&outcome);
        if !packed.is_empty() {
            let round = RunId(self.service.clock.new_id());
            let settled = store::settle_people(&mut tx, self.instance, round, (packed, owned), now).await?;
            if settled.inserted > 0 {
                self.service.within_limit(store::count_people(&mut tx, self.instance).await?)?;
            }
            let missing = i64::try_from(missing).unwrap_or(i64::MAX);
            let report = &mut self.ledger.report;
            report.read += settled.read - missing;
            report.qualified += settled.qualified;
            report.inserted += settled.inserted;
            report.updated += settled.updated;
            report.unchanged += settled.qualified - settled.inserted - settled.updated;
            report.removed += settled.removed;
            let reasons = &mut report.not_qualified;
            reasons.no_salesforce_record += settled.no_record - missing;
            reasons.owned_by_a_queue += settled.queue;
            reasons.not_found_in_salesforce += settled.read - settled.qualified - settled.no_record - settled.queue;
        }
        store::keep_strangers(&mut tx, self.instance, &strangers).await?;
        store::forget_strangers(&mut tx, self.instance, self.cursor.salesforce_until()).await?;
        store::move_cursor(&mut tx, self.instance, self.turn.run, &self.cursor, now).await?;
        self.ledger.vain_tries = 0;
        self.ledger.rounds += 1;
        self.save(&mut tx, None).await?;
        Ok(tx.commit().await?)
    }

    /// Keeps the people of a round who can't be used, for a download.
    async fn keep_rejected(&self, tx: &mut Tx, export: &[u8], window: Window) -> Result<(), SyncError> {
        let mut rejected = Vec::new();
        read_rejected(export, &self.cursor.fields, window, (usize::MAX, self.ledger.report.room_for_rejected()), |rows| {
            rejected.extend(rows);
            true
        })?;
        store::insert_rejected(tx, self.instance, self.turn.run, (window.position, window.start), &rejected).await?;
        Ok(store::forget_rejected(tx, self.instance).await?)
    }
}
