//! The route that exports people.

use actix_web::HttpResponse;
use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use actix_web::web::Bytes;
use futures_util::Stream;

use super::params::PeopleExportParams;
use crate::context::Context;
use crate::db::{Db, DbError};
use crate::http::{Authorized, Problem, QueryParams, Routes, route};
use crate::ids::InstanceId;
use crate::people::{ListedPerson, PeopleCursor, PeopleExportFormat, PeopleFilter, store};
use crate::permissions::scope::PeopleRead;
use crate::telemetry::error_chain;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(export_people).compressed());
}

/// People of one page. No database connection is held while a page is sent to the client.
const PAGE_ROWS: usize = 1_000;

/// Export people
///
/// Everybody who passes the conditions, as CSV (RFC 4180, UTF-8, a line of names first) or as JSON lines, in the order of the list,
/// compressed when the request accepts gzip. Who is there from beginning to end comes exactly once. In CSV a cell that a spreadsheet
/// could take for a formula (it begins with `=`, `+`, `-`, `@`, a tab or a line break, if need be behind apostrophes) has one apostrophe
/// put before it; JSON lines have the values as they are. If the database fails on the way, the connection is cut, so that half a file
/// is not taken for a whole one.
#[utoipa::path(get, path = "/v1/people/export", operation_id = "exportPeople", tag = "People", params(PeopleExportParams), responses(
    (status = 200, description = "The people.", content((String = "text/csv"), (String = "application/x-ndjson"))),
))]
async fn export_people(
    context: Context,
    caller: Authorized<PeopleRead>,
    QueryParams(params): QueryParams<PeopleExportParams>,
) -> Result<HttpResponse, Problem> {
    let (format, filter) = params.read()?;
    // The first page is read before the response begins, so that a failure has its proper status.
    let first = match &filter {
        Some(filter) => store::list(&context.db, caller.instance, filter, &PeopleCursor::default(), page_rows()).await?,
        None => Vec::new(),
    };
    let file = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(format.file_name().to_owned())],
    };
    Ok(HttpResponse::Ok()
        .content_type(format.media_type())
        .insert_header((header::CONTENT_DISPOSITION, file))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(stream_pages(context.db, caller.instance, filter.unwrap_or_default(), format, first)))
}

fn page_rows() -> i64 {
    i64::try_from(PAGE_ROWS).unwrap_or(i64::MAX)
}

/// Streams the file page by page: a page is read when the client has taken the one before, and none after the client is gone.
fn stream_pages(
    db: Db,
    instance: InstanceId,
    filter: PeopleFilter,
    format: PeopleExportFormat,
    first: Vec<ListedPerson>,
) -> impl Stream<Item = Result<Bytes, DbError>> {
    async_stream::try_stream! {
        let mut page = first;
        let mut bytes = format.write_header();
        loop {
            bytes.extend(format.write_lines(page.iter().map(|listed| &listed.person)));
            yield Bytes::from(std::mem::take(&mut bytes));
            let Some(last) = page.pop().filter(|_| page.len() + 1 == PAGE_ROWS) else { break };
            page = store::list(&db, instance, &filter, &last.cursor, page_rows()).await.inspect_err(|error| {
                tracing::error!(error = %error_chain(error), "an export was cut short");
            })?;
        }
    }
}
