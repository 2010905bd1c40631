//! `/__sandbox`: shows the sandbox's state and changes it.

mod people;
mod random_changes;
mod settings;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::faults::InjectedFault;
use super::listeners::SandboxVendor;
use super::marketo::export_job::ExportKind;
use super::salesforce::canvas;
use super::salesforce::users::{DEFAULT_PASSWORD, QUEUES, organization_id};
use super::state::SandboxState;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/", web::get().to(show_overview)).service(
        web::scope("/__sandbox")
            .route("", web::get().to(show_overview))
            .route("/", web::get().to(show_overview))
            .route("/faults", web::get().to(list_faults))
            .route("/faults", web::post().to(order_fault))
            .route("/faults", web::delete().to(clear_faults))
            .route("/people", web::get().to(people::list_people))
            .route("/people", web::post().to(people::add_person))
            .route("/people/{marketo_id}", web::get().to(people::show_person))
            .route("/people/{marketo_id}", web::post().to(people::change_person))
            .route("/people/{marketo_id}", web::delete().to(people::delete_person))
            .route("/people/{marketo_id}/merge", web::post().to(people::merge_people))
            .route("/changes", web::post().to(random_changes::make_random_changes))
            .route("/salesforce/users", web::post().to(settings::put_salesforce_user))
            .route("/salesforce/sessions", web::post().to(canvas::open_session))
            .route("/salesforce/signed-requests", web::post().to(canvas::sign_request))
            .route("/salesforce", web::post().to(settings::change_salesforce))
            .route("/marketo", web::post().to(settings::change_marketo))
            .route("/marketo/users", web::post().to(settings::put_marketo_user))
            .route("/marketo/lists", web::post().to(settings::add_list))
            .route("/summary", web::get().to(people::summarize_people))
            .route("/calls", web::get().to(list_call_counts))
            .route("/reset", web::post().to(reset_sandbox)),
    );
}

fn bad_request(message: impl Into<String>) -> HttpResponse {
    HttpResponse::BadRequest().json(json!({"error": message.into()}))
}

fn parse_body<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, HttpResponse> {
    serde_json::from_slice(body).map_err(|error| bad_request(error.to_string()))
}

async fn show_overview(request: HttpRequest, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let users: Vec<Value> = {
        let salesforce = sandbox.salesforce();
        salesforce
            .users
            .iter()
            .map(|user| {
                json!({
                    "id": user.id, "username": user.username, "password": user.password, "email": user.email, "name": user.name(),
                    "active": user.active, "api_enabled": user.api_enabled,
                })
            })
            .collect()
    };
    let (marketo_users, bytes_today) = {
        let marketo = sandbox.marketo();
        (json!(marketo.users), marketo.exports.bytes_today(sandbox.now()))
    };
    HttpResponse::Ok().json(json!({
        "about": "A simulated Salesforce and Marketo. Nothing here is real.",
        "people": sandbox.people.count(),
        "seed": sandbox.settings.seed,
        "throttles": sandbox.settings.throttles,
        "marketo": {
            "base_url": sandbox.ports.origin(SandboxVendor::Marketo, &request),
            "munchkin_id": sandbox.settings.munchkin_id,
            "client_id": sandbox.settings.marketo_client_id,
            "client_secret": sandbox.settings.marketo_client_secret,
            "first_marketo_id": super::people::person::FIRST_MARKETO_ID,
            "users": marketo_users,
            "export_bytes_today": bytes_today,
            "calls_today": sandbox.marketo().quota.calls_today(),
            "most_calls_in_20_seconds": sandbox.marketo().quota.peak,
            "exports_made": sandbox.marketo().exports.jobs(ExportKind::Leads).count(),
            "most_calls_at_once": sandbox.peak_concurrency(),
        },
        "salesforce": {
            "base_url": sandbox.ports.origin(SandboxVendor::Salesforce, &request),
            "client_id": sandbox.settings.salesforce_client_id,
            "client_secret": sandbox.settings.salesforce_client_secret,
            "organization_id": organization_id(),
            "password_of_every_first_user": DEFAULT_PASSWORD,
            "users": users,
            "queues": QUEUES.iter().map(|queue| json!({"id": queue.id(), "name": queue.name})).collect::<Vec<_>>(),
            "calls_today": sandbox.salesforce().api_calls,
            "calls_allowed_a_day": sandbox.salesforce().api_limit,
            "grants_alive": sandbox.salesforce().grants.count(),
        },
        "control": {
            "GET /__sandbox/summary": "how many people of which kind there are, and how many have a Salesforce user as owner",
            "GET /__sandbox/calls": "how often each operation was called, as METHOD /vendor/path",
            "GET, POST, DELETE /__sandbox/faults": "order faults: {target, path_contains, method, times, kind, …}; kinds delay{ms}, cut{after_bytes}, wrong_checksum, \
                marketo_error{code,message}, salesforce_error{status,error_code,message}, http_status{status,body,headers}, expire_sessions, malformed_row, \
                oversize_line{bytes}, repeat_rows, fail_job",
            "POST /__sandbox/people": "add a person: fields by Marketo's REST names, ownerId, salesforce (none, lead, contact, converted), \
                knownToMarketoAs (one of these, while Marketo hasn't heard of the change)",
            "GET /__sandbox/people": "everybody, deleted people too: ?after=marketoId&limit=n",
            "POST /__sandbox/people/{marketoId}/merge": "merge {losers:[marketoId], in_salesforce} into this person",
            "POST /__sandbox/changes": "make {count} random changes to people; the same {seed} makes the same ones",
            "GET, POST, DELETE /__sandbox/people/{marketoId}": "show, change or delete a person; DELETE takes ?from=marketo|salesforce|both (both)",
            "POST /__sandbox/salesforce/users": "add or change a user by username",
            "POST /__sandbox/salesforce/sessions": "open a session of {username}",
            "POST /__sandbox/salesforce/signed-requests": "create a Canvas signed request of {username}; algorithm, user_id and consumer_secret make it a wrong one",
            "POST /__sandbox/salesforce": "{callbacks, api_limit, app_public_key, client_credentials_user, revoke_grants_of, bin_emptied}",
            "POST /__sandbox/marketo": "{updated_at_filter, user_management, read_leads, salesforce_ids_searchable, address_allowed, export_daily_bytes, calls_a_day}",
            "POST /__sandbox/marketo/users": "add or change a Marketo user by userid",
            "POST /__sandbox/marketo/lists": "create a static list {name, members:[marketoId]}",
            "POST /__sandbox/reset": "reset everything except the clock",
        },
    }))
}

async fn list_faults(sandbox: web::Data<SandboxState>) -> HttpResponse {
    HttpResponse::Ok().json(sandbox.pending_faults())
}

async fn order_fault(body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    match parse_body::<InjectedFault>(&body) {
        Ok(fault) => {
            let rendered = HttpResponse::Created().json(&fault);
            sandbox.order_fault(fault);
            rendered
        }
        Err(response) => response,
    }
}

async fn clear_faults(sandbox: web::Data<SandboxState>) -> HttpResponse {
    sandbox.clear_faults();
    HttpResponse::NoContent().finish()
}

async fn list_call_counts(sandbox: web::Data<SandboxState>) -> HttpResponse {
    HttpResponse::Ok().json(sandbox.call_counts())
}

async fn reset_sandbox(sandbox: web::Data<SandboxState>) -> HttpResponse {
    sandbox.reset();
    HttpResponse::NoContent().finish()
}
