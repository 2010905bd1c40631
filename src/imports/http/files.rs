use actix_web::HttpResponse;
use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use actix_web::web::Bytes;
use futures_util::Stream;

use super::found_with_rows;
use crate::context::Context;
use crate::db::DbError;
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, PathParams, Problem, Routes, route};
use crate::ids::ImportId;
use crate::imports::csv::{Cells, ColumnNumber, Export, StoredRows, file_row};
use crate::imports::import::Import;
use crate::imports::rows::{errors_of, reason};
use crate::imports::store::{self, StoredChunk};
use crate::imports::{ImportError, import::ImportState};
use crate::members::{self, Teams};
use crate::permissions::scope::MembersWrite;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(get_errors_file)).add(route!(get_result_file));
}

/// Get every error as a file
///
/// CSV in the delimiter and encoding of the file that was sent, with the row's number, the column, its content, and what is wrong
/// with it. Cells that a spreadsheet program would take for formulas are led by an apostrophe.
#[utoipa::path(
    get, path = "/v1/invite-imports/{import_id}/errors.csv", operation_id = "getInviteImportErrorsFile", tag = "Invitations",
    params(("import_id" = ImportId, Path, description = "The import's id.")),
    responses(
        (status = 200, description = "The errors.", body = String, content_type = "text/csv"),
        (status = 410, description = "The rows have been deleted, some time after the import ended.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn get_errors_file(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<ImportId>,
) -> Result<HttpResponse, Problem> {
    let import = found_with_rows(&context, caller.instance, id).await?;
    let teams = members::teams(&context.db, caller.instance).await?;
    let mut export = Export::new(&import.analysis.dialect);
    export.row(["row", "column", "code", "detail", "value"].into_iter());
    Ok(download(&import, "errors", export, 1, context, move |export, stored, import| write_errors(export, stored, import, &teams)))
}

/// Get the file with what became of each row
///
/// The rows as they were sent, in the same order, delimiter and encoding, with the columns `outcome` and `reason` behind them; of
/// a spreadsheet, CSV. A row that is still to be worked off has the outcome `pending`. Cells that a spreadsheet program would take
/// for formulas are led by an apostrophe.
#[utoipa::path(
    get, path = "/v1/invite-imports/{import_id}/result.csv", operation_id = "getInviteImportResultFile", tag = "Invitations",
    params(("import_id" = ImportId, Path, description = "The import's id.")),
    responses(
        (status = 200, description = "The file.", body = String, content_type = "text/csv"),
        (status = 409, description = "The import has not been confirmed.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, description = "The rows have been deleted, some time after the import ended.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn get_result_file(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<ImportId>,
) -> Result<HttpResponse, Problem> {
    let import = found_with_rows(&context, caller.instance, id).await?;
    if import.state == ImportState::Analyzed {
        return Err(ImportError::NotConfirmed(id).into());
    }
    let mut export = Export::new(&import.analysis.dialect);
    if import.analysis.dialect.has_headers {
        let names = import.analysis.columns.iter().map(|column| column.name.as_str());
        let more = [free_name(&import, "outcome"), free_name(&import, "reason")];
        export.row(names.chain(more.iter().map(String::as_str)));
    }
    Ok(download(&import, "result", export, 0, context, write_results))
}

/// A name that no column of the file has.
fn free_name(import: &Import, name: &str) -> String {
    let taken = import.analysis.columns.iter().any(|column| column.name.trim().eq_ignore_ascii_case(name));
    if taken { format!("invitation {name}") } else { name.to_owned() }
}

/// The answer with a file that is written chunk by chunk: those with `errors` errors or more.
fn download(
    import: &Import,
    what: &str,
    export: Export,
    errors: i64,
    context: Context,
    write: impl Fn(&mut Export, &StoredChunk, &Import) + 'static,
) -> HttpResponse {
    let name = format!("invite-import-{}-{what}.csv", import.id);
    let disposition = ContentDisposition { disposition: DispositionType::Attachment, parameters: vec![DispositionParam::Filename(name)] };
    HttpResponse::Ok()
        .content_type(format!("text/csv; charset={}", export.charset()))
        .insert_header(disposition)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(chunks(import.clone(), export, errors, context, write))
}

fn chunks(
    import: Import,
    mut export: Export,
    errors: i64,
    context: Context,
    write: impl Fn(&mut Export, &StoredChunk, &Import),
) -> impl Stream<Item = Result<Bytes, DbError>> {
    async_stream::try_stream! {
        yield Bytes::from(export.take());
        let mut position = 0;
        while let Some(stored) = store::chunk_from(&context.db, import.instance, import.id, position, errors).await? {
            position = stored.chunk.first + u64::from(stored.chunk.rows);
            write(&mut export, &stored, &import);
            yield Bytes::from(export.take());
        }
    }
}

fn write_errors(export: &mut Export, stored: &StoredChunk, import: &Import, teams: &Teams) {
    let mut rows = StoredRows::new(&stored.chunk.body);
    let mut row = rows.next_row();
    for (_, error) in errors_of(stored, import, teams) {
        while row.is_some_and(|(number, _)| number < error.row) {
            row = rows.next_row();
        }
        let column = error.column.and_then(|column| import.analysis.columns.get(usize::from(column)));
        let value = row.map(|(_, cells): (u64, Cells<'_>)| cells.cell(error.column.map(ColumnNumber))).unwrap_or_default();
        let column = column.map(|column| column.name.as_str()).unwrap_or_default();
        export.row([error.row.to_string().as_str(), column, &error.code, &error.detail, value].into_iter());
    }
}

fn write_results(export: &mut Export, stored: &StoredChunk, import: &Import) {
    let columns = import.analysis.columns.len();
    let mut rows = StoredRows::new(&stored.chunk.body);
    let (mut outcomes, mut position) = (stored.outcomes.iter().flatten(), stored.chunk.first);
    while let Some((_, cells)) = rows.next_row() {
        if position >= import.analysis.rows {
            // Notes below the table come back as they were.
            export.row(cells.iter());
        } else {
            let outcome = outcomes.next();
            let result = outcome.map_or("pending", |outcome| outcome.kind.as_str());
            let why = outcome.and_then(reason).unwrap_or_default();
            export.row(file_row(cells, columns).chain([result, why.as_str()]));
        }
        position += 1;
    }
}
