//! Routes to read people.

mod changes;
mod cursor;
mod export;
mod lookup;
mod params;

use actix_web::{HttpRequest, HttpResponse};

use self::params::PeopleListParams;
use super::{PeopleError, Person, store};
use crate::context::Context;
use crate::http::{AsProblem, Authorized, Code, Listing, PathParams, Problem, QueryParams, Routes, conditional, route};
use crate::permissions::scope::PeopleRead;

impl AsProblem for PeopleError {
    fn as_problem(&self) -> Problem {
        match self {
            Self::Unknown => Problem::new(Code::NotFound, format!("{self}.")),
            Self::CursorGone => {
                Problem::new(Code::CursorGone, format!("{self}. Begin anew with start_at=beginning and drop what you have."))
            }
            Self::Db(error) => error.as_problem(),
        }
    }
}

/// The routes.
pub fn routes(routes: &mut Routes<'_>) {
    changes::routes(routes);
    export::routes(routes);
    lookup::routes(routes);
    routes.add(route!(list_people));
    // Last, because its parameter matches any name.
    routes.add(route!(get_person));
}

/// List people
///
/// By Marketo id; with `name_prefix` alone, by name: first those whose full name begins so, then the others whose last name does. A
/// page stays the same while people are added and removed elsewhere in the list. The answer has a strong `ETag` (RFC 9110); a request
/// with `If-None-Match` is answered with 304 while the page is the same.
#[utoipa::path(get, path = "/v1/people", operation_id = "listPeople", tag = "People", params(PeopleListParams), responses(
    (status = 200, description = "A page.", body = Listing<Person>, headers(("ETag" = String, description = "Strong."))),
    (status = 304, description = "The page is the one that `If-None-Match` names."),
))]
async fn list_people(
    context: Context,
    caller: Authorized<PeopleRead>,
    QueryParams(params): QueryParams<PeopleListParams>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (limit, after, filter) = params.read()?;
    let mut people = match filter {
        Some(filter) => store::list(&context.db, caller.instance, &filter, &after, i64::from(limit) + 1).await?,
        None => Vec::new(),
    };
    let more = people.len() > usize::from(limit);
    people.truncate(usize::from(limit));
    let next_cursor = people.last().filter(|_| more).map(|last| cursor::write(&last.cursor));
    let page = Listing { data: people.into_iter().map(|listed| listed.person).collect(), next_cursor };
    conditional::json(&request, &page, None)
}

/// See a person
///
/// The answer has a strong `ETag` and, to the second, `Last-Modified` (RFC 9110); a request with `If-None-Match`, or else
/// `If-Modified-Since`, is answered with 304 while the person is the same.
#[utoipa::path(
    get, path = "/v1/people/{marketo_id}",
    operation_id = "getPerson", tag = "People", params(("marketo_id" = i64, Path, description = "Marketo's id of the person.", minimum = 1)), responses(
    (status = 200, description = "The person.", body = Person, headers(("ETag" = String, description = "Strong."), ("Last-Modified" = String, description = "When the copy last changed."))),
    (status = 304, description = "The person is as `If-None-Match` or `If-Modified-Since` says."),
))]
async fn get_person(
    context: Context,
    caller: Authorized<PeopleRead>,
    PathParams(id): PathParams<i64>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let person = store::find(&context.db, caller.instance, id).await?.ok_or(PeopleError::Unknown)?;
    conditional::json(&request, &person, Some(person.synced_at))
}
