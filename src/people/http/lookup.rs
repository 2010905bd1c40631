//! The route that looks up people by Salesforce ids.

use actix_web::HttpResponse;
use serde::Deserialize;

use crate::context::Context;
use crate::http::{Authorized, Body, Problem, Routes, ValidationError, route};
use crate::people::{Lookup, MAX_LOOKUP_IDS, SalesforceId, store};
use crate::permissions::scope::PeopleRead;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(look_up_people));
}

/// Whom to look up.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PeopleLookupRequest)]
struct LookupRequest {
    /// Ids of Salesforce leads and contacts, of 15 or 18 characters, in any mixture.
    #[schema(min_items = 1, max_items = 200, example = json!(["0031U00000V0tkDQAR", "00Q1U00000V0tkD"]))]
    salesforce_ids: Vec<String>,
}

/// Look up people by Salesforce ids
///
/// Up to 200 at once, answered in their order: each is found, not found, or invalid with its error. Nothing is changed, so it may be
/// repeated at will.
#[utoipa::path(
    post, path = "/v1/people/lookup", operation_id = "lookUpPeople", tag = "People", request_body = LookupRequest,
    responses((status = 200, description = "An answer for each id.", body = Lookup))
)]
async fn look_up_people(
    context: Context,
    caller: Authorized<PeopleRead>,
    Body(LookupRequest { salesforce_ids: requested }): Body<LookupRequest>,
) -> Result<HttpResponse, Problem> {
    if !(1..=MAX_LOOKUP_IDS).contains(&requested.len()) {
        let detail = format!("This has 1 to {MAX_LOOKUP_IDS} ids, not {}. Send more in several requests.", requested.len());
        return Err(Problem::invalid(vec![ValidationError::new("/salesforce_ids", "length", detail)]));
    }
    let ids: Vec<_> = requested.iter().map(|text| text.parse::<SalesforceId>()).collect();
    let valid_ids: Vec<_> = ids.iter().flatten().collect();
    let people = store::find_by_salesforce_ids(&context.db, caller.instance, &valid_ids).await?;
    Ok(HttpResponse::Ok().json(Lookup::match_ids(&requested, &ids, &people)))
}
