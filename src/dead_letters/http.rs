//! `/v1/dead-letters`: for whoever runs the service.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};

use super::{DeadLetterError, DeadLetters};
use crate::audit::ChangeOrigin;
use crate::clock::Timestamp;
use crate::http::problem::ProblemBody;
use crate::http::{
    AsProblem, AuthorizedOperator, Code, Listing, PageParams, PathParams, Problem, QueryParams, Routes, ValidationError, route,
};
use crate::ids::{InstanceId, JobId};
use crate::jobs::{DeadLetter, DeadLetterFilter, Lane};
use crate::permissions::scope::{JobsManage, JobsRead};

impl AsProblem for DeadLetterError {
    fn as_problem(&self) -> Problem {
        match self {
            Self::Unknown(_) => Problem::new(Code::NotFound, format!("{self}.")),
            Self::Pointless(_) => Problem::new(Code::DeadLetterSuperseded, format!("{self}.")),
            Self::Db(error) => error.as_problem(),
        }
    }
}

/// The routes.
pub fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(list_letters)).add(route!(get_letter)).add(route!(retry_letter).idempotent()).add(route!(discard_letter));
}

/// The lane of a job; each has room of its own.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = JobLane)]
enum LaneName {
    Interactive,
    Mail,
    Imports,
    Sync,
    Schedule,
    Maintenance,
}

impl LaneName {
    fn lane(self) -> Lane {
        match self {
            Self::Interactive => Lane::Interactive,
            Self::Mail => Lane::Mail,
            Self::Imports => Lane::Imports,
            Self::Sync => Lane::Sync,
            Self::Schedule => Lane::Schedule,
            Self::Maintenance => Lane::Maintenance,
        }
    }
}

/// A job that nobody tries again by itself.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DeadLetter)]
pub struct DeadLetterBody {
    /// The job's id.
    id: JobId,
    /// What kind of job it is.
    #[schema(example = "sync_run")]
    kind: String,
    #[schema(value_type = LaneName)]
    lane: String,
    /// The instance it works for; absent for jobs of the service itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_id: Option<InstanceId>,
    /// Why the last attempt failed. It names no person.
    reason: String,
    /// How often it was begun.
    attempts: i64,
    /// How often it failed in a row, the last time included.
    failures: i64,
    created_at: Timestamp,
    /// When the last attempt began.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt_at: Option<Timestamp>,
    /// When it was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    given_up_at: Option<Timestamp>,
}

impl From<DeadLetter> for DeadLetterBody {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.id,
            kind: letter.kind,
            lane: letter.lane,
            instance_id: letter.instance_id,
            reason: letter.last_error.unwrap_or_default(),
            attempts: letter.attempts,
            failures: letter.failures,
            created_at: letter.created_at,
            last_attempt_at: letter.started_at,
            given_up_at: letter.finished_at,
        }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeadLetterParams {
    /// Most rows to return; 100 unless given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9A-Za-z_-]{21}[AQgw]$")]
    cursor: Option<String>,
    /// Only those of this lane.
    #[param(inline)]
    lane: Option<LaneName>,
    /// Only those of this kind.
    #[param(pattern = "^[a-z_]{1,40}$", example = "sync_run")]
    kind: Option<String>,
    /// Only those of this instance.
    instance_id: Option<InstanceId>,
}

/// List dead letters
///
/// For operators: jobs that failed too often, or can't succeed, the newest first. A token narrowed to an instance sees that instance's.
/// They are kept for 90 days.
#[utoipa::path(
    get, path = "/v1/dead-letters", operation_id = "listDeadLetters", tag = "Jobs", params(DeadLetterParams),
    responses((status = 200, description = "A page of dead letters.", body = Listing<DeadLetterBody>))
)]
async fn list_letters(
    operator: AuthorizedOperator<JobsRead>,
    letters: Data<DeadLetters>,
    QueryParams(params): QueryParams<DeadLetterParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, before) = PageParams { limit: params.limit, cursor: params.cursor }.read::<JobId>()?;
    let is_kind = |text: &String| (1..=40).contains(&text.len()) && text.bytes().all(|one| one.is_ascii_lowercase() || one == b'_');
    if !params.kind.as_ref().is_none_or(is_kind) {
        let detail = "A kind has small letters and underscores, such as sync_run.";
        return Err(Problem::invalid(vec![ValidationError::new("#query/kind", "unknown_kind", detail)]));
    }
    let within = operator.narrowed_to;
    if within.is_some() && params.instance_id.is_some_and(|wanted| Some(wanted) != within) {
        return Ok(HttpResponse::Ok().json(Listing::page(Vec::new(), limit, |row: &DeadLetterBody| row.id)));
    }
    let filter = DeadLetterFilter { lane: params.lane.map(LaneName::lane), kind: params.kind, instance: within.or(params.instance_id) };
    let rows = letters.list(&filter, before, i64::from(limit) + 1).await?;
    let rows = rows.into_iter().map(DeadLetterBody::from).collect();
    Ok(HttpResponse::Ok().json(Listing::page(rows, limit, |row: &DeadLetterBody| row.id)))
}

/// See a dead letter
#[utoipa::path(
    get, path = "/v1/dead-letters/{dead_letter_id}", operation_id = "getDeadLetter", tag = "Jobs", params(("dead_letter_id" = JobId, Path)),
    responses((status = 200, description = "The dead letter.", body = DeadLetterBody))
)]
async fn get_letter(
    operator: AuthorizedOperator<JobsRead>,
    letters: Data<DeadLetters>,
    PathParams(id): PathParams<JobId>,
) -> Result<HttpResponse, Problem> {
    let letter = letters.find(id, operator.narrowed_to).await?;
    Ok(HttpResponse::Ok().json(DeadLetterBody::from(letter)))
}

/// Have a dead letter tried again
///
/// It runs at once, as if it had never failed, and what it is about waits for it again: a failed sync run or import goes on, a message
/// is sent. It is no dead letter any more, until it fails too often again.
#[utoipa::path(
    post, path = "/v1/dead-letters/{dead_letter_id}/retry",
    operation_id = "retryDeadLetter", tag = "Jobs", params(("dead_letter_id" = JobId, Path)),
    responses(
        (status = 202, description = "It is tried again; this is what it was.", body = DeadLetterBody),
        (status = 409, description = "It makes no sense any more, such as when another run was begun since.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn retry_letter(
    operator: AuthorizedOperator<JobsManage>,
    letters: Data<DeadLetters>,
    PathParams(id): PathParams<JobId>,
    origin: ChangeOrigin,
) -> Result<HttpResponse, Problem> {
    let letter = letters.retry(id, operator.narrowed_to, &origin).await?;
    Ok(HttpResponse::Accepted().json(DeadLetterBody::from(letter)))
}

/// Discard a dead letter
///
/// It is forgotten. What it was about stays as it is.
#[utoipa::path(
    delete, path = "/v1/dead-letters/{dead_letter_id}",
    operation_id = "discardDeadLetter", tag = "Jobs", params(("dead_letter_id" = JobId, Path)),
    responses((status = 204, description = "It is forgotten."))
)]
async fn discard_letter(
    operator: AuthorizedOperator<JobsManage>,
    letters: Data<DeadLetters>,
    PathParams(id): PathParams<JobId>,
    origin: ChangeOrigin,
) -> Result<HttpResponse, Problem> {
    letters.discard(id, operator.narrowed_to, &origin).await?;
    Ok(HttpResponse::NoContent().finish())
}
