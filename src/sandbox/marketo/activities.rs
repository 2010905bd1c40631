//! `/rest/v1/activities…`: what changed since a moment, by paging token.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::call::Call;
use super::envelope::{Refusal, answer};
use super::fields;
use super::params::Params;
use crate::sandbox::moment::{self, iso};
use crate::sandbox::people::overlay::{Event, FieldChange, Happening};
use crate::sandbox::people::person::{FIRST_MARKETO_ID, Person};
use crate::sandbox::world::World;

const NEW_LEAD: u32 = 12;
const DATA_VALUE_CHANGE: u32 = 13;
const MERGE_LEADS: u32 = 32;
const DELETE_LEAD: u32 = 37;
/// Most leads that the filter `leadIds` takes.
const MOST_LEADS: usize = 30;
/// Most types of activity that one call may ask for.
const MOST_TYPES: usize = 10;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/rest/v1/activities.json", web::get().to(by_type))
        .route("/rest/v1/activities/pagingtoken.json", web::get().to(paging_token))
        .route("/rest/v1/activities/leadchanges.json", web::get().to(lead_changes))
        .route("/rest/v1/activities/deletedleads.json", web::get().to(deleted_leads))
        .route("/rest/v1/activities/types.json", web::get().to(types));
}

/// A place in the stream of activities: first the creation of the generated people, then what happened since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    created: u64,
    event: usize,
}

impl Place {
    /// As a token: base32 with padding, so that it needs percent-encoding in a query.
    fn token(self) -> String {
        base32(format!("{}:{}", self.created, self.event).as_bytes())
    }

    fn read(token: &str) -> Result<Self, Refusal> {
        let place = || {
            let text = String::from_utf8(from_base32(token)?).ok()?;
            let (created, event) = text.split_once(':')?;
            Some(Self { created: created.parse().ok()?, event: event.parse().ok()? })
        };
        place().ok_or_else(|| Refusal::invalid("nextPageToken"))
    }
}

async fn paging_token(call: Call, request: HttpRequest) -> HttpResponse {
    let params = Params::of_query(&request);
    let outcome = params.one("sinceDatetime").ok_or_else(|| Refusal::missing("sinceDatetime")).and_then(|text| {
        let since = moment::parse(text).ok_or_else(|| Refusal::wrong_type(text, "Datetime"))?;
        let people = &call.world.people;
        let place = Place { created: people.first_since(since).min(people.generated()), event: people.first_event_since(since) };
        Ok(json!({"nextPageToken": place.token()}))
    });
    answer(&call.world, outcome)
}

async fn lead_changes(call: Call, request: HttpRequest) -> HttpResponse {
    answer(&call.world, changes(&call.world, &Params::of_query(&request)))
}

fn changes(world: &World, params: &Params) -> Result<Value, Refusal> {
    let mut place = Place::read(params.one("nextPageToken").ok_or_else(|| Refusal::missing("nextPageToken"))?)?;
    let wanted = params.list("fields");
    if wanted.is_empty() {
        return Err(Refusal::missing("fields"));
    }
    if let Some(unknown) = wanted.iter().find(|name| fields::find(name).is_none()) {
        return Err(Refusal::no_field(unknown));
    }
    let leads = params
        .list("leadIds")
        .into_iter()
        .map(|id| id.parse().map_err(|_| Refusal::wrong_type(id, "Integer")))
        .collect::<Result<Vec<u64>, _>>()?;
    if leads.len() > MOST_LEADS {
        return Err(Refusal::invalid("leadIds"));
    }
    let batch = params.batch_size()?;
    let concerns = |index: u64| leads.is_empty() || leads.contains(&(index + FIRST_MARKETO_ID));

    // Each answer looks at `batch` activities and leaves out those nobody asked for, so it may hold fewer and still not
    // be the last: callers must go by moreResult.
    let mut result = Vec::new();
    let generated = world.people.generated();
    let end = generated.min(place.created + batch as u64);
    for index in place.created..end {
        if let Some(person) = world.people.in_marketo(index).filter(|_| concerns(index)) {
            result.push(new_lead(&person, index));
        }
    }
    let looked_at = usize::try_from(end - place.created).unwrap_or(batch);
    place.created = end;
    let (events, all) = world.people.events(place.event, batch - looked_at);
    for (offset, event) in events.iter().enumerate().filter(|(_, event)| concerns(event.index)) {
        let id = generated + (place.event + offset) as u64;
        match &event.what {
            Happening::Created => result.extend(world.people.in_marketo(event.index).map(|person| new_lead(&person, id))),
            Happening::Changed(changes) => result.extend(value_change(event, changes, &wanted, id)),
            Happening::Deleted(_) | Happening::Merged(_) => {}
        }
    }
    place.event += events.len();
    let more = place.created < generated || place.event < all;
    Ok(json!({"nextPageToken": place.token(), "moreResult": more, "result": result}))
}

/// The number every activity gets, unique and rising.
fn activity_id(place: u64) -> u64 {
    200_001 + place
}

fn new_lead(person: &Person, place: u64) -> Value {
    json!({
        "id": activity_id(place),
        "marketoGUID": activity_id(place).to_string(),
        "leadId": person.marketo_id(),
        "activityDate": iso(person.created_at),
        "activityTypeId": NEW_LEAD,
        "fields": [],
        "attributes": [
            {"name": "Created Date", "value": &iso(person.created_at)[..10]},
            {"name": "Source Type", "value": "New lead"},
        ],
    })
}

fn value_change(event: &Event, changes: &[FieldChange], wanted: &[&str], place: u64) -> Option<Value> {
    let shown: Vec<Value> = changes
        .iter()
        .filter(|change| wanted.contains(&change.field))
        .map(|change| json!({"id": fields::find(change.field).map_or(0, |field| field.id), "name": change.field, "newValue": change.new, "oldValue": change.old}))
        .collect();
    if shown.is_empty() {
        return None;
    }
    let lead = event.index + FIRST_MARKETO_ID;
    Some(json!({
        "id": activity_id(place),
        "marketoGUID": activity_id(place).to_string(),
        "leadId": lead,
        "activityDate": iso(event.at),
        "activityTypeId": DATA_VALUE_CHANGE,
        "fields": shown,
        "attributes": [
            {"name": "Reason", "value": "Web service API"},
            {"name": "Source", "value": "Web service API"},
            {"name": "Lead ID", "value": lead},
        ],
    }))
}

async fn deleted_leads(call: Call, request: HttpRequest) -> HttpResponse {
    answer(&call.world, deletions(&call.world, &Params::of_query(&request)))
}

fn deletions(world: &World, params: &Params) -> Result<Value, Refusal> {
    happenings(world, params, &[DELETE_LEAD])
}

/// What happened since the start, of the given types. Each answer looks at as many activities as it may hold and leaves out the
/// others.
fn happenings(world: &World, params: &Params, wanted: &[u32]) -> Result<Value, Refusal> {
    let mut place = Place::read(params.one("nextPageToken").ok_or_else(|| Refusal::missing("nextPageToken"))?)?;
    let batch = params.batch_size()?;
    let (events, all) = world.people.events(place.event, batch);
    let result: Vec<Value> = events
        .iter()
        .enumerate()
        .filter_map(|(offset, event)| {
            let lead = |index: u64| index + FIRST_MARKETO_ID;
            let (kind, name, attributes) = match &event.what {
                Happening::Deleted(name) => (DELETE_LEAD, name.clone(), json!([{"name": "Campaign", "value": "Web service API"}])),
                Happening::Merged(losers) => {
                    let losers: Vec<String> = losers.iter().map(|&index| lead(index).to_string()).collect();
                    let attributes = json!([
                        {"name": "Master Updated", "value": true},
                        {"name": "Merge IDs", "value": format!("[{}]", losers.join(","))},
                        {"name": "Merge Source", "value": "leaddb"},
                        {"name": "Merged in Sales", "value": false},
                    ]);
                    (MERGE_LEADS, String::new(), attributes)
                }
                Happening::Created | Happening::Changed(_) => return None,
            };
            if !wanted.contains(&kind) {
                return None;
            }
            let id = activity_id(world.people.generated() + (place.event + offset) as u64);
            Some(json!({
                "id": id,
                "marketoGUID": id.to_string(),
                "leadId": lead(event.index),
                "activityDate": iso(event.at),
                "activityTypeId": kind,
                "primaryAttributeValueId": lead(event.index),
                "primaryAttributeValue": name,
                "attributes": attributes,
            }))
        })
        .collect();
    place.event += events.len();
    Ok(json!({"nextPageToken": place.token(), "moreResult": place.event < all, "result": result}))
}

/// Activities by type; of the types that the sandbox has, those that no other resource tells of.
async fn by_type(call: Call, request: HttpRequest) -> HttpResponse {
    let params = Params::of_query(&request);
    let types: Result<Vec<u32>, Refusal> =
        params.list("activityTypeIds").into_iter().map(|id| id.parse().map_err(|_| Refusal::wrong_type(id, "Integer"))).collect();
    let outcome = types.and_then(|types| match types.len() {
        0 => Err(Refusal::missing("activityTypeIds")),
        1..=MOST_TYPES => happenings(&call.world, &params, &types),
        _ => Err(Refusal::invalid("activityTypeIds")),
    });
    answer(&call.world, outcome)
}

async fn types(call: Call) -> HttpResponse {
    let attribute = |name: &str, kind: &str| json!({"name": name, "dataType": kind});
    let kind = |id: u32, name: &str, description: &str, primary: Value, attributes: Vec<Value>| json!({"id": id, "name": name, "description": description, "primaryAttribute": primary, "attributes": attributes});
    let members = json!({"result": [
        kind(NEW_LEAD, "New Lead", "New person/record is added to the lead database", attribute("", "integer"), vec![attribute("Created Date", "date"), attribute("Source Type", "string")]),
        kind(
            DATA_VALUE_CHANGE,
            "Change Data Value",
            "Changed attribute value for a person/record",
            attribute("Attribute Name", "string"),
            vec![attribute("New Value", "string"), attribute("Old Value", "string"), attribute("Reason", "string"), attribute("Source", "string")],
        ),
        kind(
            MERGE_LEADS,
            "Merge Leads",
            "Merge two or more person/records into one",
            attribute("Lead ID", "integer"),
            vec![attribute("Master Updated", "boolean"), attribute("Merge IDs", "string"), attribute("Merge Source", "string"), attribute("Merged in Sales", "boolean")],
        ),
        kind(DELETE_LEAD, "Delete Lead", "Delete lead", attribute("Lead ID", "integer"), vec![attribute("Campaign", "string")]),
    ]});
    answer(&call.world, Ok(members))
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// RFC 4648 §6.
fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(5) {
        let mut block = [0_u8; 8];
        block[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(block);
        let digits = (chunk.len() * 8).div_ceil(5);
        for place in 0..8 {
            let digit = usize::try_from((bits >> (35 - 5 * place)) & 31).unwrap_or(0);
            text.push(if place < digits { char::from(BASE32[digit]) } else { '=' });
        }
    }
    text
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u64> = text
        .trim_end_matches('=')
        .bytes()
        .map(|byte| BASE32.iter().position(|&known| known == byte).map(|place| place as u64))
        .collect::<Option<_>>()?;
    Some(
        digits
            .chunks(8)
            .flat_map(|group| {
                let bits = group.iter().enumerate().fold(0, |bits, (place, digit)| bits | (digit << (35 - 5 * place)));
                bits.to_be_bytes()[3..3 + group.len() * 5 / 8].to_vec()
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_to_its_place() {
        for place in [Place { created: 0, event: 0 }, Place { created: 1_499_999, event: 12 }] {
            assert_eq!(Place::read(&place.token()), Ok(place));
        }
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI======");
        assert!(Place::read("not a token").is_err());
    }
}
