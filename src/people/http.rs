//! Routes to read people.

use actix_web::{HttpResponse, get};
use serde::Deserialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{NoSalesforceId, PeopleError, PeopleFilter, Person, SalesforceId, store};
use crate::http::{AsProblem, Code, Context, InputFault, InstanceCaller, Listing, PageParams, PathParams, Problem, QueryParams};

/// Longest text looked for.
const LONGEST_TEXT: usize = 320;

impl AsProblem for PeopleError {
    fn as_problem(&self) -> Problem {
        match self {
            Self::Unknown => Problem::new(Code::NotFound, format!("{self}.")),
            Self::Db(error) => error.as_problem(),
        }
    }
}

/// The routes.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_people).service(get_person);
}

/// Which people are wanted; every condition that is given must hold.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PeopleParams {
    /// Most rows to return; 100 unless given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9A-Za-z_-]{21}[AQgw]$")]
    cursor: Option<String>,
    /// Id of the Salesforce lead or contact, 15 or 18 characters.
    #[param(pattern = "^([0-9A-Za-z]{15}|[0-9A-Za-z]{18})$", example = "0031U00000V0tkDQAR")]
    salesforce_id: Option<String>,
    /// E-mail address, without regard to case. Several people may have it.
    #[param(min_length = 1, max_length = 320, pattern = r"^[^\x00]+$")]
    email: Option<String>,
    /// What the first name, the last name, or both with a space between begin with, without regard to case.
    #[param(min_length = 1, max_length = 320, pattern = r"^[^\x00]+$")]
    name_prefix: Option<String>,
}

impl PeopleParams {
    /// Rows wanted, the place to begin after, and the filter; no filter when it is known beforehand that nobody passes it.
    fn read(self) -> Result<(u16, i64, Option<PeopleFilter>), Problem> {
        let mut faults = Vec::new();
        let salesforce_id = self.salesforce_id.as_deref().map(str::parse::<SalesforceId>);
        if let Some(Err(error @ NoSalesforceId::Form)) = &salesforce_id {
            faults.push(InputFault::new("#query/salesforce_id", "not_a_salesforce_id", format!("{error}.")));
        }
        for (pointer, text) in [("#query/email", &self.email), ("#query/name_prefix", &self.name_prefix)] {
            let Some(text) = text else { continue };
            if text.is_empty() || text.chars().count() > LONGEST_TEXT || text.contains('\0') {
                faults.push(InputFault::new(pointer, "length", format!("this has 1 to {LONGEST_TEXT} characters, none of them NUL.")));
            }
        }
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        let (limit, after) = PageParams { limit: self.limit, cursor: self.cursor }.read::<i64>()?;
        // An id whose marks don't fit is the id of nothing.
        let filter = salesforce_id.transpose().ok();
        let filter = filter.map(|salesforce_id| PeopleFilter { salesforce_id, email: self.email, name_prefix: self.name_prefix });
        Ok((limit, after.unwrap_or(0), filter))
    }
}

/// List people
///
/// By Marketo id. A page stays the same while people are added and removed elsewhere in the list.
#[utoipa::path(operation_id = "listPeople", tag = "People", params(PeopleParams), responses((status = 200, description = "A page.", body = Listing<Person>)))]
#[get("/v1/people")]
async fn list_people(
    context: Context,
    caller: InstanceCaller,
    QueryParams(wanted): QueryParams<PeopleParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, after, filter) = wanted.read()?;
    let people = match filter {
        Some(filter) => store::list(&context.db, caller.instance, &filter, after, i64::from(limit) + 1).await?,
        None => Vec::new(),
    };
    Ok(HttpResponse::Ok().json(Listing::page(people, limit, |person| person.marketo_id)))
}

/// See a person
#[utoipa::path(operation_id = "getPerson", tag = "People", params(("marketo_id" = i64, Path, description = "Marketo's id of the person.", minimum = 1)), responses((status = 200, description = "The person.", body = Person)))]
#[get("/v1/people/{marketo_id}")]
async fn get_person(context: Context, caller: InstanceCaller, PathParams(id): PathParams<i64>) -> Result<HttpResponse, Problem> {
    let person = store::find(&context.db, caller.instance, id).await?.ok_or(PeopleError::Unknown)?;
    Ok(HttpResponse::Ok().json(person))
}
