use actix_web::http::header;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::address;
use super::receive::receive;
use super::slots::UploadSlots;
use super::view::ImportView;
use crate::context::Context;
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, Problem, Routes, route};
use crate::imports::new_import;
use crate::permissions::scope::MembersWrite;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(post_import).upload());
}

/// A form with the file.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // documents; the form is read as it comes
struct ImportForm {
    /// The file, with its name.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Send a file of people to invite
///
/// CSV or a spreadsheet (.xlsx), by itself or in the field `file` of a form; at most 50 MB and 200,000 rows. Encoding, delimiter
/// and headers are found out; the answer proposes which column is what and lists what can't be used. Nobody is invited until the
/// import is confirmed.
#[utoipa::path(
    post, path = "/v1/invite-imports", operation_id = "createInviteImport", tag = "Invitations",
    request_body(description = "The file, as it is.", content(
        (String = "text/csv", example = "email,first name,last name\nann@example.com,Ann,Doe\n"),
        (String = "text/tab-separated-values"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (ImportForm = "multipart/form-data"),
    )),
    responses(
        (status = 201, description = "What is in the file.", body = ImportView, headers(("Location" = String, description = "The import."))),
        (status = 408, description = "The file came too slowly.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Too many imports wait to be confirmed.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The file is no list of invitations, or reading it takes more than a file may take; the problem says why, and names the limit.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many files are on their way.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn post_import(
    request: HttpRequest,
    context: Context,
    caller: Authorized<MembersWrite>,
    slots: Data<UploadSlots>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let slot = slots.take(caller.instance)?;
    new_import::check_limit(&context, caller.instance).await?;
    let received = receive(&request, payload, context.clock.as_ref()).await?;
    let slot = slot.analysis().await?;
    let import = new_import::import_file(&context, caller.instance, &caller.origin, received, slot).await?;
    let view = ImportView::new(import, context.clock.timestamp());
    let id = view.id();
    Ok(HttpResponse::Created().insert_header((header::LOCATION, context.public_url.join(&address(id)))).json(view))
}
