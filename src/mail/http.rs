//! `GET /v1/mail/outbox`: what has become of messages, for whoever runs the mail server.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};

use super::MailState;
use super::store::{self, OutboxFilter, OutboxRow};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::http::{AuthorizedOperator, Listing, PageParams, Problem, QueryParams, Routes, ValidationError, route};
use crate::ids::{InstanceId, MailId};
use crate::language::Language;
use crate::permissions::scope::InstancesManage;

/// The routes.
pub fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(list_outbox));
}

/// A message.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct OutboxMessage {
    /// Also the left part of its `Message-ID`.
    id: MailId,
    instance_id: InstanceId,
    /// What it is, such as `invitation`.
    kind: String,
    /// Whom to, with all but the first character before the @ left out: operators look after the mail server and not after people.
    /// The instance's own people see the address in the invitation.
    #[schema(example = "a…@example.com")]
    recipient: String,
    #[schema(value_type = Language)]
    language: String,
    state: MailState,
    /// How often it was handed to the mail server.
    attempts: i64,
    /// Why it has not left: the server's reply code or the kind of failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    created_at: Timestamp,
    /// When the next attempt is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<Timestamp>,
    /// When it left, or was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
}

impl From<OutboxRow> for OutboxMessage {
    fn from(row: OutboxRow) -> Self {
        Self {
            id: row.id,
            instance_id: row.instance_id,
            kind: row.kind,
            recipient: masked(&row.recipient),
            language: row.language,
            state: row.status,
            attempts: row.tries,
            last_error: row.last_error,
            created_at: row.created_at,
            next_attempt_at: row.next_try_at,
            finished_at: row.finished_at,
        }
    }
}

/// An address with all but the first character before the @ left out.
fn masked(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    format!("{}…@{domain}", local.chars().next().map(String::from).unwrap_or_default())
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OutboxParams {
    /// Most rows to return; 100 unless given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9A-Za-z_-]{21}[AQgw]$")]
    cursor: Option<String>,
    /// Only messages of this instance.
    instance_id: Option<InstanceId>,
    /// Only messages with this state.
    #[param(inline)]
    state: Option<MailState>,
    /// Only messages of this kind.
    #[param(pattern = "^[a-z_]{1,40}$", example = "invitation")]
    kind: Option<String>,
}

/// See the outbox
///
/// For operators: the messages of all instances, or of the one that the token is narrowed to, the newest first, without what they say. A message is handed over a second time only
/// when the mail server did not confirm the first, with the same `Message-ID`, and never a third time.
#[utoipa::path(
    get, path = "/v1/mail/outbox", operation_id = "listOutbox", tag = "Mail", params(OutboxParams),
    responses((status = 200, description = "A page of messages.", body = Listing<OutboxMessage>))
)]
async fn list_outbox(
    context: Context,
    caller: AuthorizedOperator<InstancesManage>,
    QueryParams(params): QueryParams<OutboxParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, before) = PageParams { limit: params.limit, cursor: params.cursor }.read::<MailId>()?;
    let is_kind = |text: &String| (1..=40).contains(&text.len()) && text.bytes().all(|one| one.is_ascii_lowercase() || one == b'_');
    if !params.kind.as_ref().is_none_or(is_kind) {
        let detail = "A kind has small letters and underscores, such as invitation.";
        return Err(Problem::invalid(vec![ValidationError::new("#query/kind", "unknown_kind", detail)]));
    }
    if params.instance_id.is_some_and(|wanted| !caller.reaches(wanted)) {
        return Ok(HttpResponse::Ok().json(Listing::page(Vec::new(), limit, |row: &OutboxMessage| row.id)));
    }
    let filter = OutboxFilter { instance: params.instance_id.or(caller.narrowed_to), state: params.state, kind: params.kind };
    let rows = store::list(&context.db, &filter, before, i64::from(limit) + 1).await?;
    let rows = rows.into_iter().map(OutboxMessage::from).collect();
    Ok(HttpResponse::Ok().json(Listing::page(rows, limit, |row: &OutboxMessage| row.id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_the_first_character_and_the_domain_are_shown() {
        assert_eq!(masked("ann.lee@example.com"), "a…@example.com");
        assert_eq!(masked("ü@example.com"), "ü…@example.com");
        assert_eq!(masked("nothing"), "n…@");
    }
}
