//! `/rest/v1/activities…`: what happened since a time, by paging token.

mod activity;
mod activity_types;
mod paging_token;

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::calls::MarketoCall;
use super::envelope::respond;
use super::error::MarketoApiError;
use super::fields;
use super::request_parameters::RequestParameters;
use crate::sandbox::people::overlay::{OverlaidField, PersonEvent, PersonEventKind};
use crate::sandbox::people::person::{FIRST_MARKETO_ID, SandboxPerson};
use crate::sandbox::state::SandboxState;
use crate::sandbox::timestamps::{self, format_iso};
use activity::activity_id;
use activity_types::{DATA_VALUE_CHANGE, NEW_LEAD};
use paging_token::ActivityPagingToken;

pub use activity::{SandboxActivity, activities_of_event, new_lead_activity};
pub use activity_types::DELETE_LEAD;

/// Most leads that the filter `leadIds` takes.
const MAX_LEADS: usize = 30;
/// Most types of activity that one call may ask for.
const MAX_TYPES: usize = 10;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/rest/v1/activities.json", web::get().to(list_activities))
        .route("/rest/v1/activities/pagingtoken.json", web::get().to(issue_paging_token))
        .route("/rest/v1/activities/leadchanges.json", web::get().to(list_lead_changes))
        .route("/rest/v1/activities/deletedleads.json", web::get().to(list_deleted_leads))
        .route("/rest/v1/activities/types.json", web::get().to(list_types));
}

async fn issue_paging_token(call: MarketoCall, request: HttpRequest) -> HttpResponse {
    let params = RequestParameters::from_query(&request);
    let outcome = params.get("sinceDatetime").ok_or_else(|| MarketoApiError::missing("sinceDatetime")).and_then(|text| {
        let since = timestamps::parse_timestamp(text).ok_or_else(|| MarketoApiError::wrong_type(text, "Datetime"))?;
        let people = &call.sandbox.people;
        let creations_read = people.first_index_since(since).min(people.generated_count());
        Ok(json!({"nextPageToken": ActivityPagingToken { creations_read, events_read: people.first_event_since(since), activities_read: 0 }.encode()}))
    });
    respond(&call.sandbox, outcome)
}

/// Whose activities are requested: everybody's, those of up to 30 leads, or those of a static list's members.
#[derive(Debug)]
struct LeadFilter(Option<BTreeSet<u64>>);

impl LeadFilter {
    fn from_parameters(sandbox: &SandboxState, params: &RequestParameters) -> Result<Self, MarketoApiError> {
        let listed = params.get_list("leadIds");
        if listed.len() > MAX_LEADS {
            return Err(MarketoApiError::invalid("leadIds"));
        }
        let leads = listed
            .into_iter()
            .map(|id| id.parse().map_err(|_| MarketoApiError::wrong_type(id, "Integer")))
            .collect::<Result<BTreeSet<u64>, _>>()?;
        let members = params.get("listId").map(|id| sandbox.marketo().lists.members_for_activities(id)).transpose()?;
        Ok(Self(match (leads.is_empty(), members) {
            (true, members) => members,
            (false, None) => Some(leads),
            (false, Some(members)) => Some(leads.intersection(&members).copied().collect()),
        }))
    }

    fn includes(&self, index: u64) -> bool {
        self.0.as_ref().is_none_or(|leads| leads.contains(&(index + FIRST_MARKETO_ID)))
    }
}

async fn list_lead_changes(call: MarketoCall, request: HttpRequest) -> HttpResponse {
    respond(&call.sandbox, select_lead_changes(&call.sandbox, &RequestParameters::from_query(&request)))
}

fn select_lead_changes(sandbox: &SandboxState, params: &RequestParameters) -> Result<Value, MarketoApiError> {
    let mut token = ActivityPagingToken::decode(params.get("nextPageToken").ok_or_else(|| MarketoApiError::missing("nextPageToken"))?)?;
    let requested = params.get_list("fields");
    if requested.is_empty() {
        return Err(MarketoApiError::missing("fields"));
    }
    if let Some(unknown) = requested.iter().find(|name| fields::find_field(name).is_none()) {
        return Err(MarketoApiError::unknown_field(unknown));
    }
    let leads = LeadFilter::from_parameters(sandbox, params)?;
    let batch = params.batch_size()?;

    // Each answer covers `batch` activities and leaves out those not requested, so it may hold fewer and still not be the last: callers
    // must go by moreResult.
    let mut result = Vec::new();
    let generated = sandbox.people.generated_count();
    let end = generated.min(token.creations_read + batch as u64);
    for index in token.creations_read..end {
        if let Some(person) = sandbox.people.find_in_marketo(index).filter(|_| leads.includes(index)) {
            result.push(render_new_lead(&person, index));
        }
    }
    let covered = usize::try_from(end - token.creations_read).unwrap_or(batch);
    token.creations_read = end;
    let (events, total) = sandbox.people.events(token.events_read, batch - covered);
    for (offset, event) in events.iter().enumerate().filter(|(_, event)| leads.includes(event.index)) {
        let id = generated + (token.events_read + offset) as u64;
        match &event.kind {
            PersonEventKind::Created => {
                result.extend(sandbox.people.find_in_marketo(event.index).map(|person| render_new_lead(&person, id)))
            }
            PersonEventKind::Changed(changes) => result.extend(render_value_change(event, changes, &requested, id)),
            PersonEventKind::Deleted(_) | PersonEventKind::Merged(_) => {}
        }
    }
    token.events_read += events.len();
    token.activities_read = 0;
    let more = token.creations_read < generated || token.events_read < total;
    Ok(json!({"nextPageToken": token.encode(), "moreResult": more, "result": result}))
}

/// A new person as lead changes show it: with an empty list of fields.
fn render_new_lead(person: &SandboxPerson, position: u64) -> Value {
    let mut rendered = new_lead_activity(person, position).to_json();
    rendered["fields"] = json!([]);
    rendered
}

fn render_value_change(event: &PersonEvent, changes: &[OverlaidField], requested: &[&str], position: u64) -> Option<Value> {
    let rendered: Vec<Value> = changes
        .iter()
        .filter(|change| requested.contains(&change.field))
        .map(|change| json!({"id": fields::find_field(change.field).map_or(0, |field| field.id), "name": change.field, "newValue": change.new, "oldValue": change.old}))
        .collect();
    if rendered.is_empty() {
        return None;
    }
    let lead = event.index + FIRST_MARKETO_ID;
    Some(json!({
        "id": activity_id(position),
        "marketoGUID": activity_id(position).to_string(),
        "leadId": lead,
        "activityDate": format_iso(event.at),
        "activityTypeId": DATA_VALUE_CHANGE,
        "fields": rendered,
        "attributes": [
            {"name": "Reason", "value": "Web service API"},
            {"name": "Source", "value": "Web service API"},
            {"name": "Lead ID", "value": lead},
        ],
    }))
}

async fn list_deleted_leads(call: MarketoCall, request: HttpRequest) -> HttpResponse {
    let params = RequestParameters::from_query(&request);
    respond(&call.sandbox, select_activities(&call.sandbox, &params, &LeadFilter(None), &[DELETE_LEAD]))
}

async fn list_activities(call: MarketoCall, request: HttpRequest) -> HttpResponse {
    let params = RequestParameters::from_query(&request);
    let types: Result<Vec<u32>, MarketoApiError> = params
        .get_list("activityTypeIds")
        .into_iter()
        .map(|id| id.parse().map_err(|_| MarketoApiError::wrong_type(id, "Integer")))
        .collect();
    let outcome = types.and_then(|types| match types.len() {
        0 => Err(MarketoApiError::missing("activityTypeIds")),
        1..=MAX_TYPES => {
            LeadFilter::from_parameters(&call.sandbox, &params).and_then(|leads| select_activities(&call.sandbox, &params, &leads, &types))
        }
        _ => Err(MarketoApiError::invalid("activityTypeIds")),
    });
    respond(&call.sandbox, outcome)
}

/// Activities of the given types from the paging token on. Each answer covers as many as it may hold and leaves out the others.
fn select_activities(
    sandbox: &SandboxState,
    params: &RequestParameters,
    leads: &LeadFilter,
    requested: &[u32],
) -> Result<Value, MarketoApiError> {
    let mut token = ActivityPagingToken::decode(params.get("nextPageToken").ok_or_else(|| MarketoApiError::missing("nextPageToken"))?)?;
    let batch = params.batch_size()?;
    let generated = sandbox.people.generated_count();
    let mut result = Vec::new();
    // The creations come first; a caller who doesn't want them skips them all.
    let end = if requested.contains(&NEW_LEAD) { generated.min(token.creations_read + batch as u64) } else { generated };
    if requested.contains(&NEW_LEAD) {
        let created = (token.creations_read..end).filter(|&index| leads.includes(index));
        result.extend(
            created.filter_map(|index| sandbox.people.find_in_marketo(index).map(|person| new_lead_activity(&person, index).to_json())),
        );
    }
    let covered = if requested.contains(&NEW_LEAD) { usize::try_from(end - token.creations_read).unwrap_or(batch) } else { 0 };
    token.creations_read = end;
    let (events, total) = sandbox.people.events(token.events_read, batch - covered);
    let mut left = batch - covered;
    for event in &events {
        let activities = activities_of_event(event, generated + token.events_read as u64, |index| sandbox.people.find_in_marketo(index));
        let matching = activities.iter().filter(|activity| requested.contains(&activity.type_id) && leads.includes(event.index));
        let page: Vec<Value> = matching.clone().skip(token.activities_read).take(left).map(SandboxActivity::to_json).collect();
        left -= page.len();
        token.activities_read += page.len();
        result.extend(page);
        if token.activities_read < matching.count() {
            break;
        }
        (token.events_read, token.activities_read) = (token.events_read + 1, 0);
    }
    let more = token.creations_read < generated || token.events_read < total;
    Ok(json!({"nextPageToken": token.encode(), "moreResult": more, "result": result}))
}

async fn list_types(call: MarketoCall) -> HttpResponse {
    respond(&call.sandbox, Ok(json!({"result": activity_types::describe_types()})))
}
