//! `/__sandbox`: what is in here, and the means to change it.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::faults::Fault;
use super::people::person::{Kind, Person};
use super::salesforce::ids::{self, Prefix};
use super::salesforce::users::{PASSWORD, QUEUES, SalesforceUser, organization_id};
use super::world::World;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::scope("/__sandbox")
            .route("", web::get().to(overview))
            .route("/", web::get().to(overview))
            .route("/faults", web::get().to(list_faults))
            .route("/faults", web::post().to(order_fault))
            .route("/faults", web::delete().to(clear_faults))
            .route("/people", web::post().to(add_person))
            .route("/people/{marketo_id}", web::get().to(show_person))
            .route("/people/{marketo_id}", web::post().to(change_person))
            .route("/people/{marketo_id}", web::delete().to(delete_person))
            .route("/salesforce/users", web::post().to(put_user))
            .route("/salesforce", web::post().to(change_salesforce))
            .route("/marketo", web::post().to(change_marketo))
            .route("/marketo/users", web::post().to(put_marketo_user))
            .route("/summary", web::get().to(summary))
            .route("/calls", web::get().to(calls))
            .route("/reset", web::post().to(reset)),
    );
}

fn wrong(message: impl Into<String>) -> HttpResponse {
    HttpResponse::BadRequest().json(json!({"error": message.into()}))
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, HttpResponse> {
    serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))
}

async fn overview(request: HttpRequest, world: web::Data<World>) -> HttpResponse {
    let connection = request.connection_info();
    let base = format!("{}://{}", connection.scheme(), connection.host());
    let users: Vec<Value> = {
        let salesforce = world.salesforce();
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
        let marketo = world.marketo();
        (json!(marketo.users), marketo.exports.bytes_today(world.now()))
    };
    HttpResponse::Ok().json(json!({
        "about": "A simulated Salesforce and Marketo. Nothing here is real.",
        "people": world.people.count(),
        "seed": world.settings.seed,
        "throttles": world.settings.throttles,
        "marketo": {
            "base_url": format!("{base}/marketo"),
            "munchkin_id": world.settings.munchkin_id,
            "client_id": world.settings.marketo_client_id,
            "client_secret": world.settings.marketo_client_secret,
            "first_marketo_id": super::people::person::FIRST_MARKETO_ID,
            "users": marketo_users,
            "export_bytes_today": bytes_today,
            "calls_today": world.marketo().quota.today(),
            "most_calls_at_once": world.most_at_once(),
        },
        "salesforce": {
            "base_url": format!("{base}/salesforce"),
            "client_id": world.settings.salesforce_client_id,
            "client_secret": world.settings.salesforce_client_secret,
            "organization_id": organization_id(),
            "password_of_every_first_user": PASSWORD,
            "users": users,
            "queues": QUEUES.iter().map(|queue| json!({"id": queue.id(), "name": queue.name})).collect::<Vec<_>>(),
            "grants_alive": world.salesforce().grants.alive(),
        },
        "control": {
            "GET /__sandbox/summary": "how many people of which kind there are, and how many have a Salesforce user as owner",
            "GET /__sandbox/calls": "how often each operation was called",
            "GET, POST, DELETE /__sandbox/faults": "order faults: {target, path_contains, method, times, kind, …}; kinds delay{ms}, cut{after_bytes}, wrong_checksum, \
                marketo_error{code,message}, salesforce_error{status,error_code,message}, http_status{status,body,headers}, expire_sessions, malformed_row, \
                oversize_line{bytes}, repeat_rows, fail_job",
            "POST /__sandbox/people": "add a person: fields by Marketo's REST names, ownerId, salesforce (none, lead, contact, converted)",
            "GET, POST, DELETE /__sandbox/people/{marketoId}": "look at, change or delete a person; DELETE takes ?from=marketo|salesforce|both (both)",
            "POST /__sandbox/salesforce/users": "add or change a user by username",
            "POST /__sandbox/salesforce": "{callbacks, api_limit, revoke_grants_of}",
            "POST /__sandbox/marketo": "{updated_at_filter, user_management, read_leads, export_daily_bytes, calls_a_day}",
            "POST /__sandbox/marketo/users": "add or change a Marketo user by userid",
            "POST /__sandbox/reset": "forget everything but the clock",
        },
    }))
}

async fn list_faults(world: web::Data<World>) -> HttpResponse {
    HttpResponse::Ok().json(world.faults())
}

async fn order_fault(body: web::Bytes, world: web::Data<World>) -> HttpResponse {
    match read::<Fault>(&body) {
        Ok(fault) => {
            let shown = HttpResponse::Created().json(&fault);
            world.order_fault(fault);
            shown
        }
        Err(response) => response,
    }
}

async fn clear_faults(world: web::Data<World>) -> HttpResponse {
    world.clear_faults();
    HttpResponse::NoContent().finish()
}

/// Field values: texts, numbers and truth values as text, null to empty a field.
fn fields_of(body: &[u8]) -> Result<Vec<(String, Option<String>)>, HttpResponse> {
    let fields: Map<String, Value> = if body.is_empty() { Map::new() } else { read(body)? };
    Ok(fields
        .into_iter()
        .map(|(name, value)| {
            let text = match value {
                Value::Null => None,
                Value::String(text) => Some(text),
                other => Some(other.to_string()),
            };
            (name, text)
        })
        .collect())
}

fn shown(world: &World, person: &Person) -> Value {
    let fields = [
        "id",
        "email",
        "firstName",
        "lastName",
        "company",
        "title",
        "phone",
        "leadSource",
        "linkedInURL",
        "unsubscribed",
        "createdAt",
        "updatedAt",
    ];
    let sync = ["sfdcType", "sfdcId", "sfdcLeadId", "sfdcContactId", "sfdcAccountId", "sfdcOpptyId", "sfdcLeadOwnerId"];
    let mut all: Map<String, Value> =
        fields.into_iter().chain(sync).map(|name| (name.to_owned(), json!(person.marketo_value(name)))).collect();
    all.insert("ownerId".into(), json!(person.owner_id));
    all.insert("inMarketo".into(), json!(world.people.in_marketo(person.index).is_some()));
    all.insert("deletedInSalesforce".into(), json!(person.deleted_in_salesforce));
    Value::Object(all)
}

fn nobody() -> HttpResponse {
    HttpResponse::NotFound().json(json!({"error": "there is no such person"}))
}

async fn add_person(body: web::Bytes, world: web::Data<World>) -> HttpResponse {
    let fields = match fields_of(&body) {
        Ok(fields) => fields,
        Err(response) => return response,
    };
    match world.people.add(&fields, world.now()) {
        Ok(person) => HttpResponse::Created().json(shown(&world, &person)),
        Err(error) => wrong(error.to_string()),
    }
}

async fn show_person(path: web::Path<u64>, world: web::Data<World>) -> HttpResponse {
    let person =
        world.people.index_of(*path).and_then(|index| world.people.in_salesforce(index).or_else(|| world.people.in_marketo(index)));
    person.map_or_else(nobody, |person| HttpResponse::Ok().json(shown(&world, &person)))
}

async fn change_person(path: web::Path<u64>, body: web::Bytes, world: web::Data<World>) -> HttpResponse {
    let fields = match fields_of(&body) {
        Ok(fields) => fields,
        Err(response) => return response,
    };
    match world.people.index_of(*path).map(|index| world.people.change(index, &fields, world.now())) {
        Some(Ok(Some(person))) => HttpResponse::Ok().json(shown(&world, &person)),
        Some(Err(error)) => wrong(error.to_string()),
        _ => nobody(),
    }
}

#[derive(Debug, Deserialize)]
struct Deletion {
    #[serde(default)]
    from: Side,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Side {
    Marketo,
    Salesforce,
    #[default]
    Both,
}

async fn delete_person(path: web::Path<u64>, query: web::Query<Deletion>, world: web::Data<World>) -> HttpResponse {
    let from = query.from;
    let done = world
        .people
        .index_of(*path)
        .is_some_and(|index| world.people.delete(index, from != Side::Salesforce, from != Side::Marketo, world.now()));
    if done { HttpResponse::NoContent().finish() } else { nobody() }
}

/// A user to add, or what to change of one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserChange {
    username: String,
    password: Option<String>,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    active: Option<bool>,
    api_enabled: Option<bool>,
}

async fn put_user(body: web::Bytes, world: web::Data<World>) -> HttpResponse {
    let change: UserChange = match read(&body) {
        Ok(change) => change,
        Err(response) => return response,
    };
    let mut salesforce = world.salesforce();
    let place = match salesforce.users.iter().position(|user| user.username.eq_ignore_ascii_case(&change.username)) {
        Some(place) => place,
        None => {
            let number = salesforce.users.len() as u64 + 1;
            salesforce.users.push(SalesforceUser {
                id: ids::id(Prefix::User, number),
                username: change.username.clone(),
                password: PASSWORD.to_owned(),
                email: change.username,
                first_name: "New".into(),
                last_name: format!("User {number}"),
                active: true,
                api_enabled: true,
            });
            salesforce.users.len() - 1
        }
    };
    let user = &mut salesforce.users[place];
    let texts = [
        (&mut user.password, change.password),
        (&mut user.email, change.email),
        (&mut user.first_name, change.first_name),
        (&mut user.last_name, change.last_name),
    ];
    for (slot, value) in texts {
        if let Some(value) = value {
            *slot = value;
        }
    }
    user.active = change.active.unwrap_or(user.active);
    user.api_enabled = change.api_enabled.unwrap_or(user.api_enabled);
    HttpResponse::Ok().json(&*user)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SalesforceChange {
    /// Registered redirect addresses; an empty list registers any.
    callbacks: Option<Vec<String>>,
    api_limit: Option<u64>,
    /// Username whose grants an administrator revokes.
    revoke_grants_of: Option<String>,
}

async fn change_salesforce(body: web::Bytes, world: web::Data<World>) -> HttpResponse {
    let change: SalesforceChange = match read(&body) {
        Ok(change) => change,
        Err(response) => return response,
    };
    let mut salesforce = world.salesforce();
    if let Some(callbacks) = change.callbacks {
        salesforce.callbacks = (!callbacks.is_empty()).then_some(callbacks);
    }
    salesforce.api_limit = change.api_limit.unwrap_or(salesforce.api_limit);
    if let Some(username) = change.revoke_grants_of {
        let Some(user) = salesforce.users.iter().find(|user| user.username == username).map(|user| user.id.clone()) else {
            return wrong(format!("there is no user {username:?}"));
        };
        salesforce.grants.end_all_of(&user);
    }
    HttpResponse::NoContent().finish()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarketoChange {
    updated_at_filter: Option<bool>,
    user_management: Option<bool>,
    read_leads: Option<bool>,
    export_daily_bytes: Option<u64>,
    calls_a_day: Option<u32>,
}

async fn change_marketo(body: web::Bytes, world: web::Data<World>) -> HttpResponse {
    let change: MarketoChange = match read(&body) {
        Ok(change) => change,
        Err(response) => return response,
    };
    let mut marketo = world.marketo();
    marketo.updated_at_filter = change.updated_at_filter.unwrap_or(marketo.updated_at_filter);
    marketo.user_management = change.user_management.unwrap_or(marketo.user_management);
    marketo.read_leads = change.read_leads.unwrap_or(marketo.read_leads);
    marketo.exports.daily_bytes = change.export_daily_bytes.unwrap_or(marketo.exports.daily_bytes);
    marketo.quota.a_day = change.calls_a_day.unwrap_or(marketo.quota.a_day);
    HttpResponse::NoContent().finish()
}

async fn put_marketo_user(body: web::Bytes, world: web::Data<World>) -> HttpResponse {
    match read::<super::marketo::users::MarketoUser>(&body) {
        Ok(user) => {
            let mut marketo = world.marketo();
            marketo.users.retain(|known| !known.userid.eq_ignore_ascii_case(&user.userid));
            marketo.users.push(user);
            HttpResponse::NoContent().finish()
        }
        Err(response) => response,
    }
}

/// Counts people as a reader of both systems should find them.
async fn summary(world: web::Data<World>) -> HttpResponse {
    let counted = web::block(move || {
        let (mut marketo, mut leads, mut contacts, mut converted, mut user_owned, mut queue_owned) =
            (0_u64, 0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
        for person in (0..world.people.count()).filter_map(|index| world.people.in_marketo(index)) {
            marketo += 1;
            if person.kind == Kind::MarketoOnly || person.deleted_in_salesforce {
                continue;
            }
            match person.kind {
                Kind::Lead => leads += 1,
                Kind::Contact => contacts += 1,
                _ => converted += 1,
            }
            let by_user = person.owner_id.as_deref().is_some_and(|owner| owner.starts_with(Prefix::User.text()));
            if by_user { user_owned += 1 } else { queue_owned += 1 }
        }
        json!({
            "people_in_marketo": marketo,
            "leads": leads,
            "contacts": contacts,
            "converted_leads": converted,
            "owned_by_a_user": user_owned,
            "owned_by_a_queue": queue_owned,
        })
    })
    .await;
    counted.map_or_else(|_| HttpResponse::InternalServerError().finish(), |body| HttpResponse::Ok().json(body))
}

async fn calls(world: web::Data<World>) -> HttpResponse {
    HttpResponse::Ok().json(world.calls())
}

async fn reset(world: web::Data<World>) -> HttpResponse {
    world.reset();
    HttpResponse::NoContent().finish()
}
