//! Signs of life for the operator: `/livez`, `/readyz`, `/metrics`.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;

use crate::auth::TokenIssuer;
use crate::context::Context;
use crate::db::{Db, WriteOutcome, WriteProbe};
use crate::http::{AnyCaller, Code, Problem, Routes, UnboundOperator, route};
use crate::jobs::QueueGauges;
use crate::permissions::scope::MetricsRead;
use crate::telemetry::{Metrics, error_chain};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(live)).add(route!(ready)).add(route!(metrics));
}

/// Whether the process runs
///
/// For a liveness probe: it says nothing about the database.
#[utoipa::path(
    get, path = "/livez", operation_id = "getLiveness", tag = "Operation",
    responses((status = 200, description = "It runs.", body = String, content_type = "text/plain"))
)]
async fn live(_: AnyCaller) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// One part of the readiness.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ReadinessCheck)]
struct Check {
    /// `database`, `migrations`, `storage` or `keys`.
    name: &'static str,
    /// Whether it is fine.
    ok: bool,
    /// What was found.
    detail: String,
}

/// Whether requests can be served.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Readiness {
    /// Whether all checks are fine.
    ready: bool,
    /// Each check.
    checks: Vec<Check>,
}

/// Whether requests can be served
///
/// For a readiness probe: the database answers and can be written, its schema is this version's, access tokens can be signed. Whether it
/// can be written is tried at most once a second.
#[utoipa::path(get, path = "/readyz", operation_id = "getReadiness", tag = "Operation", responses(
    (status = 200, description = "Ready.", body = Readiness),
    (status = 503, description = "Not ready; the checks say why.", body = Readiness),
))]
async fn ready(_: AnyCaller, context: Context, issuer: Data<TokenIssuer>, probe: Data<WriteProbe>) -> HttpResponse {
    let mut checks = database_checks(&context.db, &probe).await;
    let known = context.vault.data_key_count();
    checks.push(Check { name: "keys", ok: issuer.can_sign(), detail: format!("data keys known: {known}; access tokens can be signed") });
    let ready = checks.iter().all(|check| check.ok);
    let mut answer = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer.json(Readiness { ready, checks })
}

/// Longest wait for the database, below the five seconds that probes commonly wait.
const MAX_DATABASE_WAIT: Duration = Duration::from_secs(3);

async fn database_checks(db: &Db, probe: &WriteProbe) -> Vec<Check> {
    let unanswered = |detail: String| vec![Check { name: "database", ok: false, detail }];
    // The probe also logs why there is no connection.
    let (asked, written) = tokio::join!(tokio::time::timeout(MAX_DATABASE_WAIT, db.schema_version()), probe.try_write());
    let (known, applied) = match asked {
        Ok(Ok(versions)) => versions,
        Ok(Err(error)) => return unanswered(error.to_string()),
        Err(_) => return unanswered(format!("{} gives no answer within {} s", db.engine(), MAX_DATABASE_WAIT.as_secs())),
    };
    let (is_writable, found) = match written {
        WriteOutcome::Written => (true, "a row was written".to_owned()),
        WriteOutcome::Busy => (true, "others are writing".to_owned()),
        WriteOutcome::Failed(error) => (false, error.to_string()),
    };
    vec![
        Check { name: "database", ok: true, detail: format!("{} answers", db.engine()) },
        Check { name: "migrations", ok: known == applied, detail: format!("schema step {applied} of {known}") },
        Check { name: "storage", ok: is_writable, detail: found },
    ]
}

/// Metrics
///
/// In the text format of Prometheus (OpenMetrics), about every instance: for operators. The setting `server.metrics_address` has them
/// served without a token at an address of its own.
#[utoipa::path(
    get, path = "/metrics", operation_id = "getMetrics", tag = "Operation",
    responses((status = 200, description = "The metrics.", body = String, content_type = "application/openmetrics-text"))
)]
async fn metrics(_: UnboundOperator<MetricsRead>, counted: Data<Metrics>, queue: Data<QueueGauges>) -> Result<HttpResponse, Problem> {
    metrics_text(counted, queue).await
}

/// The metrics, without a word on who may read them.
pub(super) async fn metrics_text(counted: Data<Metrics>, queue: Data<QueueGauges>) -> Result<HttpResponse, Problem> {
    if let Err(error) = queue.refresh().await {
        tracing::warn!(error = %error_chain(&error), "the job queue can't be counted for the metrics");
    }
    let text = counted.to_prometheus_text().map_err(|_| Problem::new(Code::Internal, "The metrics can't be written."))?;
    Ok(HttpResponse::Ok().content_type("application/openmetrics-text; version=1.0.0; charset=utf-8").body(text))
}
