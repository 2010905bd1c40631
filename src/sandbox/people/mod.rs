//! The people that both vendors know. They are computed from a seed when asked for; only changes are stored.

pub mod creation_timeline;
pub mod names;
pub mod overlay;
pub mod person;
pub mod seeded_random;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use creation_timeline::CreationTimeline;
use overlay::{OverlaidField, PeopleOverlay, PersonEvent, PersonEventKind, PersonFieldError, set_field};
use person::{FIRST_MARKETO_ID, PersonKind, RecordOwners, SandboxPerson};

/// Marketo's REST names of the fields whose changes are reported.
const TRACKED_FIELDS: &[&str] = &[
    "email",
    "firstName",
    "lastName",
    "company",
    "title",
    "phone",
    "leadSource",
    "linkedInURL",
    "unsubscribed",
    "sfdcType",
    "sfdcId",
    "sfdcLeadId",
    "sfdcContactId",
    "sfdcAccountId",
    "sfdcOpptyId",
    "sfdcLeadOwnerId",
    "sfdcContactOwnerId",
];

/// All people, generated and added.
#[derive(Debug)]
pub struct People {
    seed: u64,
    timeline: CreationTimeline,
    owners: RecordOwners,
    overlay: RwLock<PeopleOverlay>,
    revision: AtomicU64,
}

impl People {
    /// `count` people created in the fourteen months before `newest_at` (Unix seconds).
    pub fn new(seed: u64, count: u64, newest_at: i64, owners: RecordOwners) -> Self {
        Self {
            seed,
            timeline: CreationTimeline::ending_at(newest_at, count, seed),
            owners,
            overlay: RwLock::default(),
            revision: AtomicU64::default(),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, PeopleOverlay> {
        self.overlay.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, PeopleOverlay> {
        self.revision.fetch_add(1, Ordering::Relaxed);
        self.overlay.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Grows with each change.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }

    /// One past the highest index.
    pub fn count(&self) -> u64 {
        self.timeline.people() + self.read().added.len() as u64
    }

    /// How many people were generated, without those added later.
    pub fn generated_count(&self) -> u64 {
        self.timeline.people()
    }

    /// The start of everything in Unix seconds: nobody was created earlier.
    pub fn earliest_at(&self) -> i64 {
        self.timeline.start()
    }

    /// The name of an account by its number.
    pub fn company_name(&self, company: u64) -> String {
        person::generate_company_name(self.seed, company)
    }

    /// When an account was created: with its first person.
    pub fn company_created_at(&self, company: u64) -> i64 {
        self.created_at(&self.read(), company.saturating_mul(person::PEOPLE_PER_COMPANY).min(self.timeline.people().saturating_sub(1)))
    }

    fn created_at(&self, overlay: &PeopleOverlay, index: u64) -> i64 {
        match index.checked_sub(self.timeline.people()) {
            None => self.timeline.created_at(index),
            Some(number) => {
                usize::try_from(number).ok().and_then(|number| overlay.added.get(number)).copied().unwrap_or(self.timeline.end())
            }
        }
    }

    fn compute(&self, overlay: &PeopleOverlay, index: u64) -> Option<SandboxPerson> {
        if index >= self.timeline.people() + overlay.added.len() as u64 {
            return None;
        }
        let created_at = self.created_at(overlay, index);
        let latest = self.timeline.end().max(created_at);
        let mut person = person::generate_person(self.seed, index, created_at, latest, &self.owners);
        overlay.apply_to(&mut person, self.owners.users.first().map_or("", String::as_str));
        Some(person)
    }

    /// The person as Marketo sees them; `None` when there is none or they were deleted.
    pub fn find_in_marketo(&self, index: u64) -> Option<SandboxPerson> {
        let overlay = self.read();
        let is_deleted = overlay.edits.get(&index).is_some_and(|edit| edit.is_deleted_from_marketo);
        if is_deleted { None } else { self.compute(&overlay, index) }
    }

    /// The person as Salesforce sees them, a deleted record too; `None` for people Salesforce never had.
    pub fn find_in_salesforce(&self, index: u64) -> Option<SandboxPerson> {
        let overlay = self.read();
        // Deciding the kind first saves computing people whom Salesforce doesn't have.
        if overlay.edits.is_empty() && index < self.timeline.people() && person::generate_kind(self.seed, index) == PersonKind::MarketoOnly
        {
            return None;
        }
        self.compute(&overlay, index).filter(|person| person.kind != PersonKind::MarketoOnly)
    }

    /// The kind of a person, cheaper than the whole person.
    pub fn kind(&self, index: u64) -> PersonKind {
        let overlay = self.read();
        if overlay.edits.contains_key(&index) {
            self.compute(&overlay, index).map_or(PersonKind::MarketoOnly, |person| person.kind)
        } else {
            person::generate_kind(self.seed, index)
        }
    }

    /// The index behind a Marketo id, whether or not the person still exists.
    pub fn index_of_marketo_id(&self, marketo_id: u64) -> Option<u64> {
        marketo_id.checked_sub(FIRST_MARKETO_ID).filter(|&index| index < self.count())
    }

    /// The first index created at `instant` or later.
    pub fn first_index_since(&self, instant: i64) -> u64 {
        let overlay = self.read();
        let found = self.timeline.first_index_since(instant);
        if found < self.timeline.people() { found } else { found + overlay.added.partition_point(|&at| at < instant) as u64 }
    }

    /// Indices of the people in Marketo with this e-mail address, compared without case.
    pub fn find_by_email(&self, address: &str) -> Vec<u64> {
        let mut candidates: Vec<u64> = Vec::new();
        if let Some(index) = person::mailbox_index(address) {
            candidates.extend([index, index.saturating_add(1)]);
        }
        candidates.extend(self.read().edits.keys());
        candidates.sort_unstable();
        candidates.dedup();
        candidates.retain(|&index| {
            self.find_in_marketo(index)
                .and_then(|person| person.email)
                .is_some_and(|own| own.to_lowercase() == address.trim().to_lowercase())
        });
        candidates
    }

    /// Events from position `from` on, at most `limit`, and how many there are in all.
    pub fn events(&self, from: usize, limit: usize) -> (Vec<PersonEvent>, usize) {
        let overlay = self.read();
        (overlay.events.iter().skip(from).take(limit).cloned().collect(), overlay.events.len())
    }

    /// The position of the first event at `instant` or later.
    pub fn first_event_since(&self, instant: i64) -> usize {
        self.read().events.partition_point(|event| event.at < instant)
    }

    /// Records deleted from Salesforce: the person's index and the time, oldest first.
    pub fn deleted_from_salesforce(&self) -> Vec<(u64, i64)> {
        let mut deleted: Vec<_> =
            self.read().edits.iter().filter_map(|(&index, edit)| Some((index, edit.deleted_from_salesforce_at?))).collect();
        deleted.sort_unstable_by_key(|&(index, at)| (at, index));
        deleted
    }

    /// Adds a person created `now`, with some fields set.
    ///
    /// # Errors
    /// [`PersonFieldError`]; nothing is added then.
    pub fn add(&self, fields: &[(String, Option<String>)], now: i64) -> Result<SandboxPerson, PersonFieldError> {
        let mut overlay = self.write();
        let index = self.timeline.people() + overlay.added.len() as u64;
        let mut probe = person::generate_person(self.seed, index, now, now, &self.owners);
        for (name, value) in fields {
            set_field(&mut probe, name, value.clone())?;
        }
        overlay.added.push(now);
        let edit = overlay.edits.entry(index).or_default();
        edit.fields.extend(fields.iter().cloned());
        edit.changed_at = Some(now);
        overlay.events.push(PersonEvent { at: now, index, kind: PersonEventKind::Created });
        Ok(self.compute(&overlay, index).unwrap_or(probe))
    }

    /// Changes fields of a person at `now`; `None` when there is no such person in Marketo.
    ///
    /// # Errors
    /// [`PersonFieldError`]; nothing is changed then.
    pub fn change(&self, index: u64, fields: &[(String, Option<String>)], now: i64) -> Result<Option<SandboxPerson>, PersonFieldError> {
        let mut overlay = self.write();
        if overlay.edits.get(&index).is_some_and(|edit| edit.is_deleted_from_marketo) {
            return Ok(None);
        }
        let Some(before) = self.compute(&overlay, index) else { return Ok(None) };
        let mut probe = before.clone();
        for (name, value) in fields {
            set_field(&mut probe, name, value.clone())?;
        }
        let edit = overlay.edits.entry(index).or_default();
        edit.fields.extend(fields.iter().cloned());
        edit.changed_at = Some(now);
        let after = self.compute(&overlay, index).unwrap_or(probe);
        let changes: Vec<OverlaidField> = TRACKED_FIELDS
            .iter()
            .filter_map(|&field| {
                let (old, new) = (before.marketo_value(field), after.marketo_value(field));
                (old != new).then_some(OverlaidField { field, old, new })
            })
            .collect();
        if !changes.is_empty() {
            overlay.events.push(PersonEvent { at: now, index, kind: PersonEventKind::Changed(changes) });
        }
        Ok(Some(after))
    }

    /// Deletes a person at `now` from one system or both. False when there is nobody to delete.
    pub fn delete(&self, index: u64, from_marketo: bool, from_salesforce: bool, now: i64) -> bool {
        let mut overlay = self.write();
        let Some(person) = self.compute(&overlay, index) else { return false };
        let edit = overlay.edits.entry(index).or_default();
        let mut is_deleted = false;
        if from_salesforce && person.kind != PersonKind::MarketoOnly && edit.deleted_from_salesforce_at.is_none() {
            edit.deleted_from_salesforce_at = Some(now);
            is_deleted = true;
        }
        if from_marketo && !edit.is_deleted_from_marketo {
            edit.is_deleted_from_marketo = true;
            is_deleted = true;
            let name = [person.first_name, person.last_name].into_iter().flatten().collect::<Vec<_>>().join(" ");
            overlay.events.push(PersonEvent { at: now, index, kind: PersonEventKind::Deleted(name) });
        }
        is_deleted
    }

    /// Merges `losers` into `winner` at `now`, with `in_salesforce` their Salesforce records too. False when one of them isn't there.
    pub fn merge(&self, winner: u64, losers: &[u64], in_salesforce: bool, now: i64) -> bool {
        let mut overlay = self.write();
        let is_in_marketo =
            |overlay: &PeopleOverlay, index: u64| !overlay.edits.get(&index).is_some_and(|edit| edit.is_deleted_from_marketo);
        let find = |overlay: &PeopleOverlay, index: u64| self.compute(overlay, index).filter(|_| is_in_marketo(overlay, index));
        if losers.is_empty() || losers.contains(&winner) || find(&overlay, winner).is_none() {
            return false;
        }
        let Some(merged) = losers.iter().map(|&index| find(&overlay, index)).collect::<Option<Vec<_>>>() else { return false };
        for person in merged {
            let edit = overlay.edits.entry(person.index).or_default();
            edit.is_deleted_from_marketo = true;
            if in_salesforce && person.kind != PersonKind::MarketoOnly && edit.deleted_from_salesforce_at.is_none() {
                edit.deleted_from_salesforce_at = Some(now);
                edit.merged_into = Some(winner);
            }
        }
        overlay.edits.entry(winner).or_default().changed_at = Some(now);
        overlay.events.push(PersonEvent { at: now, index: winner, kind: PersonEventKind::Merged(losers.to_vec()) });
        true
    }

    /// Indices of the people edited since the start, in order, and the time before which no edit was made.
    pub fn edited(&self) -> (Vec<u64>, i64) {
        let mut edited: Vec<u64> = self.read().edits.keys().copied().collect();
        edited.sort_unstable();
        (edited, self.timeline.end())
    }

    /// Forgets every change.
    pub fn reset(&self) {
        *self.write() = PeopleOverlay::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> People {
        People::new(1, 1_000, 1_800_000_000, RecordOwners { users: vec!["005A".into()], queues: vec!["00GA".into()] })
    }

    #[test]
    fn a_change_is_seen_in_the_person_and_in_the_event_log() {
        let people = people();
        let after =
            people.change(5, &[("title".into(), Some("Chief".into()))], 1_800_000_100).expect("title can be set").expect("person 5 exists");
        assert_eq!(after.title.as_deref(), Some("Chief"));
        assert_eq!(people.find_in_marketo(5), Some(after));
        let (events, total) = people.events(0, 10);
        assert_eq!(total, 1);
        assert!(
            matches!(&events[0].kind, PersonEventKind::Changed(changes) if changes[0].field == "title" && changes[0].new.as_deref() == Some("Chief"))
        );
        assert_eq!(people.change(5, &[("height".into(), None)], 1), Err(PersonFieldError::UnknownName("height".into())));
    }

    #[test]
    fn a_deleted_person_leaves_marketo_and_is_marked_in_salesforce() {
        let people = people();
        let index = (0..100).find(|&index| people.kind(index) == PersonKind::Lead).expect("there is a lead among a hundred people");
        assert!(people.delete(index, true, true, 1_800_000_100));
        assert_eq!(people.find_in_marketo(index), None);
        assert!(people.find_in_salesforce(index).is_some_and(|person| person.is_deleted_in_salesforce));
        assert_eq!(people.deleted_from_salesforce(), vec![(index, 1_800_000_100)]);
    }

    #[test]
    fn an_added_person_is_found_by_address_and_time() {
        let people = people();
        let added = people.add(&[("email".into(), Some("new@example.com".into()))], 1_800_000_200).expect("e-mail can be set");
        assert_eq!((added.index, people.count()), (1_000, 1_001));
        assert_eq!(people.find_by_email("NEW@example.com"), vec![1_000]);
        assert_eq!(people.first_index_since(1_800_000_200), 1_000);
        assert_eq!(people.first_index_since(1_800_000_201), 1_001);
    }
}
