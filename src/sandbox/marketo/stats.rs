//! `/rest/v1/stats…`: calls and errors of today and of the last seven days (the vendor's page "Usage").

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::calls::PermissionlessCall;
use super::envelope::respond_success;
use super::usage::REMEMBERED_DAYS;
use super::users::API_USER;
use crate::sandbox::state::SandboxState;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/rest/v1/stats/usage.json", web::get().to(async |call: PermissionlessCall| render_calls(&call.sandbox, 1)))
        .route(
            "/rest/v1/stats/usage/last7days.json",
            web::get().to(async |call: PermissionlessCall| render_calls(&call.sandbox, REMEMBERED_DAYS)),
        )
        .route("/rest/v1/stats/errors.json", web::get().to(async |call: PermissionlessCall| render_errors(&call.sandbox, 1)))
        .route(
            "/rest/v1/stats/errors/last7days.json",
            web::get().to(async |call: PermissionlessCall| render_errors(&call.sandbox, REMEMBERED_DAYS)),
        );
}

fn render_calls(sandbox: &SandboxState, days: i64) -> HttpResponse {
    let rendered: Vec<Value> = sandbox
        .usage()
        .last_days(days, sandbox.now())
        .into_iter()
        .map(|(date, day)| {
            let users = if day.calls == 0 { json!([]) } else { json!([{"userId": API_USER, "count": day.calls}]) };
            json!({"date": date, "total": day.calls, "users": users})
        })
        .collect();
    respond_success(sandbox, json!({"result": rendered}))
}

fn render_errors(sandbox: &SandboxState, days: i64) -> HttpResponse {
    let rendered: Vec<Value> = sandbox
        .usage()
        .last_days(days, sandbox.now())
        .into_iter()
        .map(|(date, day)| {
            let errors: Vec<Value> = day.errors.iter().map(|(code, count)| json!({"errorCode": code, "count": count})).collect();
            json!({"date": date, "total": day.errors.values().sum::<u64>(), "errors": errors})
        })
        .collect();
    respond_success(sandbox, json!({"result": rendered}))
}
