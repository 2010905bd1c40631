//! `/rest/v1/activities…`: what changed since a moment, by paging token.

mod kinds;
mod place;
mod stream;

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::call::Call;
use super::envelope::answer;
use super::error::Refusal;
use super::fields;
use super::params::Params;
use crate::sandbox::moment::{self, iso};
use crate::sandbox::people::overlay::{FieldChange, PersonEvent, PersonEventKind};
use crate::sandbox::people::person::{FIRST_MARKETO_ID, SandboxPerson};
use crate::sandbox::state::SandboxState;
use kinds::{DATA_VALUE_CHANGE, DELETE_LEAD, NEW_LEAD};
use place::Place;
use stream::activity_id;

pub use kinds::DELETE_LEAD as NEVER_EXPORTED;
pub use stream::{Activity, creation, of_event};

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

async fn paging_token(call: Call, request: HttpRequest) -> HttpResponse {
    let params = Params::of_query(&request);
    let outcome = params.one("sinceDatetime").ok_or_else(|| Refusal::missing("sinceDatetime")).and_then(|text| {
        let since = moment::parse(text).ok_or_else(|| Refusal::wrong_type(text, "Datetime"))?;
        let people = &call.sandbox.people;
        let created = people.first_index_since(since).min(people.generated_count());
        Ok(json!({"nextPageToken": Place { created, event: people.first_event_since(since), shown: 0 }.token()}))
    });
    answer(&call.sandbox, outcome)
}

/// Whose activities are asked for: everybody's, those of up to 30 leads, or those of a static list's members.
#[derive(Debug)]
struct Audience(Option<BTreeSet<u64>>);

impl Audience {
    fn read(sandbox: &SandboxState, params: &Params) -> Result<Self, Refusal> {
        let listed = params.list("leadIds");
        if listed.len() > MOST_LEADS {
            return Err(Refusal::invalid("leadIds"));
        }
        let leads = listed
            .into_iter()
            .map(|id| id.parse().map_err(|_| Refusal::wrong_type(id, "Integer")))
            .collect::<Result<BTreeSet<u64>, _>>()?;
        let members = params.one("listId").map(|id| sandbox.marketo().lists.members_for_activities(id)).transpose()?;
        Ok(Self(match (leads.is_empty(), members) {
            (true, members) => members,
            (false, None) => Some(leads),
            (false, Some(members)) => Some(leads.intersection(&members).copied().collect()),
        }))
    }

    fn holds(&self, index: u64) -> bool {
        self.0.as_ref().is_none_or(|leads| leads.contains(&(index + FIRST_MARKETO_ID)))
    }
}

async fn lead_changes(call: Call, request: HttpRequest) -> HttpResponse {
    answer(&call.sandbox, changes(&call.sandbox, &Params::of_query(&request)))
}

fn changes(sandbox: &SandboxState, params: &Params) -> Result<Value, Refusal> {
    let mut place = Place::read(params.one("nextPageToken").ok_or_else(|| Refusal::missing("nextPageToken"))?)?;
    let wanted = params.list("fields");
    if wanted.is_empty() {
        return Err(Refusal::missing("fields"));
    }
    if let Some(unknown) = wanted.iter().find(|name| fields::find(name).is_none()) {
        return Err(Refusal::no_field(unknown));
    }
    let audience = Audience::read(sandbox, params)?;
    let batch = params.batch_size()?;

    // Each answer looks at `batch` activities and leaves out those nobody asked for, so it may hold fewer and still not
    // be the last: callers must go by moreResult.
    let mut result = Vec::new();
    let generated = sandbox.people.generated_count();
    let end = generated.min(place.created + batch as u64);
    for index in place.created..end {
        if let Some(person) = sandbox.people.in_marketo(index).filter(|_| audience.holds(index)) {
            result.push(new_lead(&person, index));
        }
    }
    let looked_at = usize::try_from(end - place.created).unwrap_or(batch);
    place.created = end;
    let (events, all) = sandbox.people.events(place.event, batch - looked_at);
    for (offset, event) in events.iter().enumerate().filter(|(_, event)| audience.holds(event.index)) {
        let id = generated + (place.event + offset) as u64;
        match &event.kind {
            PersonEventKind::Created => result.extend(sandbox.people.in_marketo(event.index).map(|person| new_lead(&person, id))),
            PersonEventKind::Changed(changes) => result.extend(value_change(event, changes, &wanted, id)),
            PersonEventKind::Deleted(_) | PersonEventKind::Merged(_) => {}
        }
    }
    place.event += events.len();
    place.shown = 0;
    let more = place.created < generated || place.event < all;
    Ok(json!({"nextPageToken": place.token(), "moreResult": more, "result": result}))
}

/// As lead changes show it: with an empty list of fields.
fn new_lead(person: &SandboxPerson, place: u64) -> Value {
    let mut shown = creation(person, place).shown();
    shown["fields"] = json!([]);
    shown
}

fn value_change(event: &PersonEvent, changes: &[FieldChange], wanted: &[&str], place: u64) -> Option<Value> {
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
    let params = Params::of_query(&request);
    answer(&call.sandbox, activities(&call.sandbox, &params, &Audience(None), &[DELETE_LEAD]))
}

/// Activities by type, of everybody or of some.
async fn by_type(call: Call, request: HttpRequest) -> HttpResponse {
    let params = Params::of_query(&request);
    let types: Result<Vec<u32>, Refusal> =
        params.list("activityTypeIds").into_iter().map(|id| id.parse().map_err(|_| Refusal::wrong_type(id, "Integer"))).collect();
    let outcome = types.and_then(|types| match types.len() {
        0 => Err(Refusal::missing("activityTypeIds")),
        1..=MOST_TYPES => Audience::read(&call.sandbox, &params).and_then(|audience| activities(&call.sandbox, &params, &audience, &types)),
        _ => Err(Refusal::invalid("activityTypeIds")),
    });
    answer(&call.sandbox, outcome)
}

/// Activities of the given types from the token's place on. Each answer looks at as many as it may hold and leaves out the others.
fn activities(sandbox: &SandboxState, params: &Params, audience: &Audience, wanted: &[u32]) -> Result<Value, Refusal> {
    let mut place = Place::read(params.one("nextPageToken").ok_or_else(|| Refusal::missing("nextPageToken"))?)?;
    let batch = params.batch_size()?;
    let generated = sandbox.people.generated_count();
    let mut result = Vec::new();
    // The creations come first; who doesn't ask for them need not page through them.
    let end = if wanted.contains(&NEW_LEAD) { generated.min(place.created + batch as u64) } else { generated };
    if wanted.contains(&NEW_LEAD) {
        let created = (place.created..end).filter(|&index| audience.holds(index));
        result.extend(created.filter_map(|index| sandbox.people.in_marketo(index).map(|person| creation(&person, index).shown())));
    }
    let looked_at = if wanted.contains(&NEW_LEAD) { usize::try_from(end - place.created).unwrap_or(batch) } else { 0 };
    place.created = end;
    let (events, all) = sandbox.people.events(place.event, batch - looked_at);
    let mut left = batch - looked_at;
    for event in &events {
        let of_event = of_event(event, generated + place.event as u64, |index| sandbox.people.in_marketo(index));
        let fitting = of_event.iter().filter(|activity| wanted.contains(&activity.kind) && audience.holds(event.index));
        let page: Vec<Value> = fitting.clone().skip(place.shown).take(left).map(Activity::shown).collect();
        left -= page.len();
        place.shown += page.len();
        result.extend(page);
        if place.shown < fitting.count() {
            break;
        }
        (place.event, place.shown) = (place.event + 1, 0);
    }
    let more = place.created < generated || place.event < all;
    Ok(json!({"nextPageToken": place.token(), "moreResult": more, "result": result}))
}

async fn types(call: Call) -> HttpResponse {
    answer(&call.sandbox, Ok(json!({"result": kinds::described()})))
}
