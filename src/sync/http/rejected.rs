//! The download of the rows that a run rejected.

use std::io;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use futures_util::Stream;

use crate::auth::Scope;
use crate::http::{Authorized, PathParams, Problem, Routes, harmless_cell, route};
use crate::ids::{InstanceId, RunId};
use crate::permissions::scope::SyncRead;
use crate::sync::SyncService;
use crate::sync::store::StoredRejectedRecord;
use crate::telemetry::error_chain;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(get_rejected_rows));
}

/// Download the rows that a run could not use
///
/// Every rejected row in the order of the exports: the person's id if that much can be read, why, the begin of the export's window
/// of creation time, the number of the record in its file, and the row's beginning as it came. An incremental run, which makes no
/// exports, lists people in the order in which it read them, with the time from which it read changes. The last column is empty
/// unless the caller has the scope `people:read`. A cell that a spreadsheet would take for a formula has an apostrophe in front. Up to
/// 100,000 rows are kept, of the ten newest full runs and of the ten newest incremental ones that have any.
#[utoipa::path(
    get, path = "/v1/sync/runs/{run_id}/rejected.csv",
    operation_id = "getSyncRunRejectedRows", tag = "Sync", params(("run_id" = RunId, Path, description = "The run.")), responses(
    (status = 200, description = "CSV (RFC 4180) with a header row.", body = String, content_type = "text/csv"),
))]
async fn get_rejected_rows(
    caller: Authorized<SyncRead>,
    sync: Data<SyncService>,
    PathParams(id): PathParams<RunId>,
) -> Result<HttpResponse, Problem> {
    let run = sync.find_run(caller.instance, id).await?;
    let rows = stream_file(sync.get_ref().clone(), caller.instance, run.id, caller.may(Scope::PeopleRead));
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"rejected-{id}.csv\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(rows))
}

/// Streams the file, a bounded number of rows at a time.
fn stream_file(sync: SyncService, instance: InstanceId, run: RunId, may_read_people: bool) -> impl Stream<Item = io::Result<Bytes>> {
    async_stream::try_stream! {
        yield Bytes::from_static(b"marketo_id,reason,window_start,record,row\r\n");
        let mut after = None;
        loop {
            let (rows, next) = sync.list_rejected(instance, run, after).await.map_err(|error| {
                tracing::warn!(%run, error = %error_chain(&error), "a list of rejected rows is cut");
                io::Error::other("the rows can't be read")
            })?;
            if !rows.is_empty() {
                yield write_lines(&rows, may_read_people)?;
            }
            match next {
                Some(cursor) => after = Some(cursor),
                None => break,
            }
        }
    }
}

fn write_lines(rows: &[StoredRejectedRecord], may_read_people: bool) -> io::Result<Bytes> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        let id = row.marketo_id.map(|id| id.to_string()).unwrap_or_default();
        let content = if may_read_people { harmless_cell(&row.content).into_owned() } else { String::new() };
        writer.write_record([id.as_str(), row.reason.as_str(), &row.window_start.to_string(), &row.line.to_string(), &content])?;
    }
    Ok(writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?.into())
}
