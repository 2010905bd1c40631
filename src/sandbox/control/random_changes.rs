//! Many changes at random: somebody changes, moves, is deleted or merged, as happens in real subscriptions all the time.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::{read, wrong};
use crate::sandbox::people::chance::Chance;
use crate::sandbox::people::person::{Kind, Person};
use crate::sandbox::salesforce::users::QUEUES;
use crate::sandbox::state::SandboxState;

const TOPIC: u64 = 31;
/// Most changes of one call.
const MAX_CHANGES: u64 = 10_000;
/// How many people are tried for one change until one fits.
const MAX_TRIES: usize = 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    count: u64,
    /// Another seed brings other changes.
    #[serde(default)]
    seed: u64,
}

pub(super) async fn change_at_random(body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let changes: Changes = match read(&body) {
        Ok(changes) => changes,
        Err(response) => return response,
    };
    if changes.count > MAX_CHANGES {
        return wrong(format!("at most {MAX_CHANGES} changes at once"));
    }
    let made = web::block(move || {
        let mut chance = Chance::new(changes.seed, changes.count, TOPIC);
        (0..changes.count).filter(|_| (0..MAX_TRIES).any(|_| happen(&sandbox, &mut chance))).count()
    })
    .await;
    made.map_or_else(|_| HttpResponse::InternalServerError().finish(), |made| HttpResponse::Ok().json(json!({"made": made})))
}

/// Lets something happen to somebody; false when it can't.
fn happen(sandbox: &SandboxState, chance: &mut Chance) -> bool {
    let (people, now) = (&sandbox.people, sandbox.now());
    let what = chance.below(100);
    if (72..80).contains(&what) {
        return people.add(&newcomer(sandbox, chance), now).is_ok();
    }
    let Some(person) = people.in_marketo(chance.below(people.count())) else { return false };
    let alive = person.kind != Kind::MarketoOnly && !person.deleted_in_salesforce;
    let set = |fields: &[(String, Option<String>)]| people.change(person.index, fields, now).is_ok_and(|found| found.is_some());
    match what {
        0..50 => set(&[field_change(sandbox, &person, chance)]),
        50..64 if alive => set(&[("ownerId".into(), Some(a_user(sandbox, chance)))]),
        64..72 if alive && person.kind == Kind::Lead => set(&[("ownerId".into(), Some(chance.pick(&QUEUES).id()))]),
        80..83 => people.delete(person.index, true, false, now),
        83..87 if alive => people.delete(person.index, false, true, now),
        87..88 => people.delete(person.index, true, true, now),
        88..93 if alive && person.kind == Kind::Lead => {
            set(&[("salesforce".into(), Some("converted".into())), ("ownerId".into(), Some(a_user(sandbox, chance)))])
        }
        93..96 if person.kind == Kind::MarketoOnly => {
            let kind = chance.pick(&["lead", "contact"]).to_owned();
            set(&[("salesforce".into(), Some(kind)), ("ownerId".into(), Some(a_user(sandbox, chance)))])
        }
        96..100 => people.merge(person.index, &[chance.below(people.count())], chance.happens(500), now),
        _ => false,
    }
}

fn a_user(sandbox: &SandboxState, chance: &mut Chance) -> String {
    chance.pick(&sandbox.salesforce().owner_ids().iter().map(String::as_str).collect::<Vec<_>>()).to_owned()
}

/// The address of somebody, so that two people share it.
fn somebodys_address(sandbox: &SandboxState, chance: &mut Chance) -> Option<String> {
    sandbox.people.in_marketo(chance.below(sandbox.people.count())).and_then(|person| person.email)
}

fn field_change(sandbox: &SandboxState, person: &Person, chance: &mut Chance) -> (String, Option<String>) {
    let name = chance.pick(&["firstName", "lastName", "company", "title", "phone", "leadSource", "linkedInURL", "email", "sfdcOpptyId"]);
    let number = chance.below(1_000_000);
    let value = match name {
        "sfdcOpptyId" => None,
        "email" if chance.happens(300) => somebodys_address(sandbox, chance),
        "email" => Some(format!("changed.{number}@example.com")),
        "lastName" => Some(format!("Changed, \"{number}\"")),
        _ if chance.happens(200) => None,
        _ => Some(format!("Changed {number} of {}", person.marketo_id())),
    };
    (name.to_owned(), value)
}

fn newcomer(sandbox: &SandboxState, chance: &mut Chance) -> Vec<(String, Option<String>)> {
    let kind = chance.pick(&["none", "lead", "lead", "contact", "contact", "converted"]);
    let owner = if kind == "lead" && chance.happens(300) { chance.pick(&QUEUES).id() } else { a_user(sandbox, chance) };
    let address =
        if chance.happens(300) { somebodys_address(sandbox, chance) } else { Some(format!("new.{}@example.com", chance.below(1_000_000))) };
    vec![
        ("salesforce".into(), Some(kind.to_owned())),
        ("ownerId".into(), Some(owner)),
        ("email".into(), address),
        ("lastName".into(), Some("Newcomer".into())),
    ]
}
