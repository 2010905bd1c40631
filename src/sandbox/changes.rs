//! Everybody at a glance, merges, and many changes at random: what a world looks like whose people don't hold still.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::control::{nobody, read, shown, wrong};
use super::people::chance::Chance;
use super::people::person::{Kind, Person};
use super::salesforce::users::QUEUES;
use super::world::World;

const TOPIC: u64 = 31;
/// Most people of a page, and most changes of a call.
const MOST: u64 = 10_000;
/// People looked at for one change until one is found to whom it can happen.
const TRIES: usize = 20;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/people", web::get().to(list_people))
        .route("/people/{marketo_id}/merge", web::post().to(merge_people))
        .route("/changes", web::post().to(change_at_random));
}

#[derive(Debug, Deserialize)]
struct Page {
    #[serde(default)]
    after: u64,
    #[serde(default = "most")]
    limit: u64,
}

fn most() -> u64 {
    1000
}

async fn list_people(page: web::Query<Page>, world: web::Data<World>) -> HttpResponse {
    let listed = web::block(move || {
        let begin = world.people.index_of(page.after).map_or(0, |index| index + 1);
        let end = world.people.count().min(begin + page.limit.min(MOST));
        // Salesforce's view also has those who are gone from Marketo.
        let of = |index| world.people.in_salesforce(index).or_else(|| world.people.in_marketo(index));
        let people: Vec<Value> = (begin..end).filter_map(of).map(|person| shown(&world, &person)).collect();
        let next = (end < world.people.count()).then_some(end + super::people::person::FIRST_MARKETO_ID - 1);
        json!({"people": people, "next": next})
    })
    .await;
    listed.map_or_else(|_| HttpResponse::InternalServerError().finish(), |body| HttpResponse::Ok().json(body))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Merge {
    losers: Vec<u64>,
    /// Whether the Salesforce records are merged as well.
    #[serde(default)]
    in_salesforce: bool,
}

async fn merge_people(path: web::Path<u64>, body: web::Bytes, world: web::Data<World>) -> HttpResponse {
    let merge: Merge = match read(&body) {
        Ok(merge) => merge,
        Err(response) => return response,
    };
    let index = |id: u64| world.people.index_of(id);
    let losers: Option<Vec<u64>> = merge.losers.iter().map(|&id| index(id)).collect();
    let done =
        index(*path).zip(losers).is_some_and(|(winner, losers)| world.people.merge(winner, &losers, merge.in_salesforce, world.now()));
    if done { HttpResponse::NoContent().finish() } else { nobody() }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    count: u64,
    /// Another seed brings other changes.
    #[serde(default)]
    seed: u64,
}

async fn change_at_random(body: web::Bytes, world: web::Data<World>) -> HttpResponse {
    let changes: Changes = match read(&body) {
        Ok(changes) => changes,
        Err(response) => return response,
    };
    if changes.count > MOST {
        return wrong(format!("at most {MOST} changes at once"));
    }
    let made = web::block(move || {
        let mut chance = Chance::new(changes.seed, changes.count, TOPIC);
        (0..changes.count).filter(|_| (0..TRIES).any(|_| happen(&world, &mut chance))).count()
    })
    .await;
    made.map_or_else(|_| HttpResponse::InternalServerError().finish(), |made| HttpResponse::Ok().json(json!({"made": made})))
}

/// Lets something happen to somebody; false when it can't.
fn happen(world: &World, chance: &mut Chance) -> bool {
    let (people, now) = (&world.people, world.now());
    let what = chance.below(100);
    if (72..80).contains(&what) {
        return people.add(&newcomer(world, chance), now).is_ok();
    }
    let Some(person) = people.in_marketo(chance.below(people.count())) else { return false };
    let alive = person.kind != Kind::MarketoOnly && !person.deleted_in_salesforce;
    let set = |fields: &[(String, Option<String>)]| people.change(person.index, fields, now).is_ok_and(|found| found.is_some());
    match what {
        0..50 => set(&[field_change(world, &person, chance)]),
        50..64 if alive => set(&[("ownerId".into(), Some(a_user(world, chance)))]),
        64..72 if alive && person.kind == Kind::Lead => set(&[("ownerId".into(), Some(chance.pick(&QUEUES).id()))]),
        80..83 => people.delete(person.index, true, false, now),
        83..87 if alive => people.delete(person.index, false, true, now),
        87..88 => people.delete(person.index, true, true, now),
        88..93 if alive && person.kind == Kind::Lead => {
            set(&[("salesforce".into(), Some("converted".into())), ("ownerId".into(), Some(a_user(world, chance)))])
        }
        93..96 if person.kind == Kind::MarketoOnly => {
            let kind = chance.pick(&["lead", "contact"]).to_owned();
            set(&[("salesforce".into(), Some(kind)), ("ownerId".into(), Some(a_user(world, chance)))])
        }
        96..100 => people.merge(person.index, &[chance.below(people.count())], chance.happens(500), now),
        _ => false,
    }
}

fn a_user(world: &World, chance: &mut Chance) -> String {
    chance.pick(&world.salesforce().owner_ids().iter().map(String::as_str).collect::<Vec<_>>()).to_owned()
}

/// The address of somebody, so that two people share it.
fn somebodys_address(world: &World, chance: &mut Chance) -> Option<String> {
    world.people.in_marketo(chance.below(world.people.count())).and_then(|person| person.email)
}

fn field_change(world: &World, person: &Person, chance: &mut Chance) -> (String, Option<String>) {
    let name = chance.pick(&["firstName", "lastName", "company", "title", "phone", "leadSource", "linkedInURL", "email", "sfdcOpptyId"]);
    let number = chance.below(1_000_000);
    let value = match name {
        "sfdcOpptyId" => None,
        "email" if chance.happens(300) => somebodys_address(world, chance),
        "email" => Some(format!("changed.{number}@example.com")),
        "lastName" => Some(format!("Changed, \"{number}\"")),
        _ if chance.happens(200) => None,
        _ => Some(format!("Changed {number} of {}", person.marketo_id())),
    };
    (name.to_owned(), value)
}

fn newcomer(world: &World, chance: &mut Chance) -> Vec<(String, Option<String>)> {
    let kind = chance.pick(&["none", "lead", "lead", "contact", "contact", "converted"]);
    let owner = if kind == "lead" && chance.happens(300) { chance.pick(&QUEUES).id() } else { a_user(world, chance) };
    let address =
        if chance.happens(300) { somebodys_address(world, chance) } else { Some(format!("new.{}@example.com", chance.below(1_000_000))) };
    vec![
        ("salesforce".into(), Some(kind.to_owned())),
        ("ownerId".into(), Some(owner)),
        ("email".into(), address),
        ("lastName".into(), Some("Newcomer".into())),
    ]
}
