//! Random changes: people are added, changed, given to other owners, deleted and merged, as happens in real subscriptions all the time.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::{bad_request, parse_body};
use crate::sandbox::people::person::{PersonKind, SandboxPerson};
use crate::sandbox::people::seeded_random::SeededRandom;
use crate::sandbox::salesforce::users::QUEUES;
use crate::sandbox::state::SandboxState;

const CHANGES_TOPIC: u64 = 31;
/// Most changes of one call.
const MAX_CHANGES: u64 = 10_000;
/// How many people are tried for one change until one fits.
const MAX_TRIES: usize = 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RandomChangesRequest {
    count: u64,
    /// The same seed brings the same changes.
    #[serde(default)]
    seed: u64,
}

pub(super) async fn make_random_changes(body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let changes: RandomChangesRequest = match parse_body(&body) {
        Ok(changes) => changes,
        Err(response) => return response,
    };
    if changes.count > MAX_CHANGES {
        return bad_request(format!("at most {MAX_CHANGES} changes at once"));
    }
    let made_count = web::block(move || {
        let mut random = SeededRandom::new(changes.seed, changes.count, CHANGES_TOPIC);
        (0..changes.count).filter(|_| (0..MAX_TRIES).any(|_| make_change(&sandbox, &mut random))).count()
    })
    .await;
    made_count
        .map_or_else(|_| HttpResponse::InternalServerError().finish(), |made_count| HttpResponse::Ok().json(json!({"made": made_count})))
}

/// Makes one random change; false when the person it was drawn for can't change that way.
fn make_change(sandbox: &SandboxState, random: &mut SeededRandom) -> bool {
    let (people, now) = (&sandbox.people, sandbox.now());
    let change = random.below(100);
    if (72..80).contains(&change) {
        return people.add(&new_person(sandbox, random), now).is_ok();
    }
    let Some(person) = people.find_in_marketo(random.below(people.count())) else { return false };
    let is_in_salesforce = person.kind != PersonKind::MarketoOnly && !person.is_deleted_in_salesforce;
    let set = |fields: &[(String, Option<String>)]| people.change(person.index, fields, now).is_ok_and(|found| found.is_some());
    match change {
        0..50 => set(&[new_field_value(sandbox, &person, random)]),
        50..64 if is_in_salesforce => set(&[("ownerId".into(), Some(pick_owner(sandbox, random)))]),
        64..72 if is_in_salesforce && person.kind == PersonKind::Lead => set(&[("ownerId".into(), Some(random.pick(&QUEUES).id()))]),
        80..83 => people.delete(person.index, true, false, now),
        83..87 if is_in_salesforce => people.delete(person.index, false, true, now),
        87..88 => people.delete(person.index, true, true, now),
        88..93 if is_in_salesforce && person.kind == PersonKind::Lead => {
            set(&[("salesforce".into(), Some("converted".into())), ("ownerId".into(), Some(pick_owner(sandbox, random)))])
        }
        93..96 if person.kind == PersonKind::MarketoOnly => {
            let kind = random.pick(&["lead", "contact"]).to_owned();
            set(&[("salesforce".into(), Some(kind)), ("ownerId".into(), Some(pick_owner(sandbox, random)))])
        }
        96..100 => people.merge(person.index, &[random.below(people.count())], random.happens(500), now),
        _ => false,
    }
}

fn pick_owner(sandbox: &SandboxState, random: &mut SeededRandom) -> String {
    random.pick(&sandbox.salesforce().owner_ids().iter().map(String::as_str).collect::<Vec<_>>()).to_owned()
}

/// The address of somebody, so that two people share it.
fn pick_address(sandbox: &SandboxState, random: &mut SeededRandom) -> Option<String> {
    sandbox.people.find_in_marketo(random.below(sandbox.people.count())).and_then(|person| person.email)
}

fn new_field_value(sandbox: &SandboxState, person: &SandboxPerson, random: &mut SeededRandom) -> (String, Option<String>) {
    let name = random.pick(&["firstName", "lastName", "company", "title", "phone", "leadSource", "linkedInURL", "email", "sfdcOpptyId"]);
    let number = random.below(1_000_000);
    let value = match name {
        "sfdcOpptyId" => None,
        "email" if random.happens(300) => pick_address(sandbox, random),
        "email" => Some(format!("changed.{number}@example.com")),
        "lastName" => Some(format!("Changed, \"{number}\"")),
        _ if random.happens(200) => None,
        _ => Some(format!("Changed {number} of {}", person.marketo_id())),
    };
    (name.to_owned(), value)
}

fn new_person(sandbox: &SandboxState, random: &mut SeededRandom) -> Vec<(String, Option<String>)> {
    let kind = random.pick(&["none", "lead", "lead", "contact", "contact", "converted"]);
    let owner = if kind == "lead" && random.happens(300) { random.pick(&QUEUES).id() } else { pick_owner(sandbox, random) };
    let address =
        if random.happens(300) { pick_address(sandbox, random) } else { Some(format!("new.{}@example.com", random.below(1_000_000))) };
    vec![
        ("salesforce".into(), Some(kind.to_owned())),
        ("ownerId".into(), Some(owner)),
        ("email".into(), address),
        ("lastName".into(), Some("Newcomer".into())),
    ]
}
