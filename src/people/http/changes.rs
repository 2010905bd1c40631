//! The route of the feed of changes.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::context::Context;
use crate::http::paging::PageKey;
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, Cursor, PageParams, Problem, QueryParams, Routes, route};
use crate::people::{ChangeCursor, PeopleError, Person, PersonChange, store};
use crate::permissions::scope::PeopleRead;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(list_people_changes));
}

/// Where to read on.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ChangesParams {
    /// Most changes to return; 100 unless given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
    /// `next_cursor` of the answer before, however long ago that was.
    #[param(pattern = "^[0-9A-Za-z_-]{21}[AQgw]$")]
    cursor: Option<String>,
    /// Where to begin without a cursor: `beginning` (unless given) tells of everybody there is, `now` only of what comes.
    #[param(inline)]
    start_at: Option<ChangesStart>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(title = "ChangesStart")]
enum ChangesStart {
    #[default]
    Beginning,
    Now,
}

/// What happened to a person.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PersonChangeKind)]
enum PersonChangeKind {
    /// The person came or changed; `person` is as the person is now.
    Changed,
    /// The person is no longer synced.
    Removed,
}

/// A change of a person.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PersonChange)]
struct PersonChangeBody {
    kind: PersonChangeKind,
    marketo_id: i64,
    changed_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    person: Option<Person>,
}

impl From<PersonChange> for PersonChangeBody {
    fn from(change: PersonChange) -> Self {
        let kind = if change.person.is_some() { PersonChangeKind::Changed } else { PersonChangeKind::Removed };
        Self { kind, marketo_id: change.cursor.marketo_id, changed_at: change.at, person: change.person }
    }
}

/// Some changes, in order.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PersonChanges)]
struct PersonChangesBody {
    data: Vec<PersonChangeBody>,
    /// Pass as `cursor` to read on, now or later. Always there.
    next_cursor: String,
    /// Whether there is more already; if not, ask again when it suits you.
    has_more: bool,
}

/// Ordered by the number of the change, then the Marketo id.
impl PageKey for ChangeCursor {
    fn to_number(&self) -> u128 {
        self.change.to_number() << 64 | self.marketo_id.to_number()
    }

    fn of_number(number: u128) -> Self {
        Self { change: i64::of_number(number >> 64), marketo_id: i64::of_number(number & u128::from(u64::MAX)) }
    }
}

/// Follow the changes of people
///
/// In the order in which they were committed, without gaps: keep `next_cursor` and ask again. Each person comes once, at the last
/// change, as the person is now; who is no longer synced comes as `removed`. Removals are kept for good, so a cursor does not
/// get old. Only when the service's database was set back to a time before the cursor is it refused, with 410 `cursor_gone`.
#[utoipa::path(get, path = "/v1/people/changes", operation_id = "listPeopleChanges", tag = "People", params(ChangesParams), responses(
    (status = 200, description = "Some changes.", body = PersonChangesBody),
    (status = 410, description = "The cursor is ahead of all changes; begin anew.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list_people_changes(
    context: Context,
    caller: Authorized<PeopleRead>,
    QueryParams(params): QueryParams<ChangesParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, cursor) = PageParams { limit: params.limit, cursor: params.cursor }.read::<ChangeCursor>()?;
    // Before the changes are read: what is committed in between is behind every cursor returned so far.
    let last = store::last_change(&context.db, caller.instance).await?;
    let after = match (cursor, params.start_at.unwrap_or_default()) {
        (Some(cursor), _) if cursor.change > last => return Err(PeopleError::CursorGone.into()),
        (Some(cursor), _) => cursor,
        (None, ChangesStart::Beginning) => ChangeCursor { change: 0, marketo_id: 0 },
        (None, ChangesStart::Now) => ChangeCursor { change: last, marketo_id: i64::MAX },
    };
    let mut changes = store::changes(&context.db, caller.instance, after, i64::from(limit) + 1).await?;
    let has_more = changes.len() > usize::from(limit);
    changes.truncate(usize::from(limit));
    let next_cursor = Cursor::write(&changes.last().map_or(after, |last| last.cursor));
    Ok(HttpResponse::Ok().json(PersonChangesBody {
        data: changes.into_iter().map(PersonChangeBody::from).collect(),
        next_cursor,
        has_more,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_cursor_is_read_back_from_its_text() {
        for (change, marketo_id) in [(0, 0), (1, 1_500_000), (i64::MAX, i64::MAX)] {
            let cursor = ChangeCursor { change, marketo_id };
            assert_eq!(Cursor::read::<ChangeCursor>(&Cursor::write(&cursor)), Some(cursor));
        }
    }
}
