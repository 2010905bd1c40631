//! `Idempotency-Key` on requests that create something (the IETF's draft
//! <https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>): a caller that got no answer sends the request once
//! more with the same key, and gets the first answer instead of having it all done twice.
//!
//! What is promised. A key is taken before the work begins, for a day, by its caller in its instance; two requests with one key are
//! never both carried out while it is. An answer that the work succeeded (2xx) is kept and given again. A refusal (4xx, or 503 since a
//! vendor can't answer) has done nothing and gives the key back. After anything else — a process that died, a fault of ours, a database
//! that went away — it is not known here whether the work was done: its transaction and the answer are not one. Then the key stays
//! taken, and a repeat is told to look before it asks anew with another key. So nothing is done twice by repeating, and nothing that
//! failed is passed off as done.
//!
//! The work goes on to its end when its caller hangs up, so that the answer is there for the repeat. Answers are sealed: some hold a
//! client's secret, most hold personal data.

mod forget;
mod key;
mod store;
mod wiring;

use std::sync::Arc;

use actix_web::body::{BodySize, BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpMessage, HttpResponse};
use serde::{Deserialize, Serialize};
use tracing::Instrument;
use uuid::Uuid;

use super::framework_error::problem_of;
use super::route::MatchedRoute;
use super::{Code, Problem, unreadable};
use crate::context::Context;
use crate::crypto::sha256;
use crate::db::DbError;
use crate::ids::InstanceId;
use crate::permissions::Caller;
use crate::telemetry::error_chain;
use crate::vault::{SealedColumn, SealedRowKey};
use store::{KeyState, KeyedRequest, StoredKey};

pub use key::MAX_KEY_LENGTH;
pub use wiring::wire;

/// The header.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
/// Says that an answer is the first one, given again.
pub const REPLAYED: &str = "idempotent-replayed";

/// How long a key is its request's.
const KEY_LIFETIME: time::Duration = time::Duration::hours(24);
/// How long a request is taken to be under way that has not been answered: longer than any work, which bounds its own calls.
const UNDER_WAY: time::Duration = time::Duration::minutes(5);
/// Largest answer that is kept.
const MAX_BYTES: usize = 1 << 20;
/// Headers of an answer that are kept.
const STORED_HEADERS: [header::HeaderName; 4] = [header::CONTENT_TYPE, header::LOCATION, header::CACHE_CONTROL, header::ETAG];
/// The instance of callers that have none.
const NO_INSTANCE: InstanceId = InstanceId(Uuid::nil());

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct StoredAnswer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// A request that has taken its key.
struct ClaimedKey {
    context: Context,
    instance: InstanceId,
    id: Uuid,
}

/// The answer kept under a key.
const ANSWER: SealedColumn = SealedColumn::new("idempotency_keys", "sealed_answer", SealedRowKey::InstanceAndId);

/// What is sealed in the table of the keys.
pub const SEALED_COLUMNS: &[SealedColumn] = &[ANSWER];

fn answer_context(instance: InstanceId, id: Uuid) -> String {
    ANSWER.context(format_args!("{instance}/{id}"))
}

/// Lets a request on; one with a key only when it is the first with it.
///
/// # Errors
/// A key that can't be used, that was used with another request ([`Code::IdempotencyKeyReused`]), whose request is under way
/// ([`Code::IdempotencyKeyInUse`]) or was lost ([`Code::IdempotencyOutcomeUnknown`]); and those of the handler.
pub(super) async fn once<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
    route: Option<MatchedRoute>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let takes_it = route.and_then(|route| route.rule(request.method())).is_some_and(|rule| rule.is_idempotent);
    match takes_it.then(|| key::read_key(request.headers())).flatten() {
        None => Ok(next.call(request).await?.map_into_boxed_body()),
        // Boxed, so that what it needs isn't carried along, and copied, by every request that has no key.
        Some(key) => Box::pin(once_by_key(request, next, key?)).await,
    }
}

async fn once_by_key<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
    key: String,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let caller = request.extensions().get::<Arc<Caller>>().cloned();
    let (Some(context), Some(caller)) = (request.app_data::<Data<Context>>().cloned(), caller) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let body = request.extract::<Bytes>().await.map_err(|error| unreadable(&error))?;
    let keyed = KeyedRequest {
        id: context.clock.new_id(),
        caller: caller.actor.to_string(),
        key_hash: sha256(key.as_bytes()).to_vec(),
        request_hash: hash_of(&request, &body),
    };
    request.set_payload(Payload::from(body));
    let instance = caller.instance.unwrap_or(NO_INSTANCE);
    match take(&context, instance, &keyed).await.map_err(Problem::from)? {
        IdempotencyLookup::New => {}
        IdempotencyLookup::InProgress => return Err(in_use().into()),
        IdempotencyLookup::Done(key) => {
            let answer = repeat(&context, instance, key)?;
            return Ok(request.into_response(answer));
        }
        IdempotencyLookup::OtherRequest => {
            let detail = "This key came with another request: another method, address or body. Give each request a key of its own.";
            return Err(Problem::new(Code::IdempotencyKeyReused, detail).into());
        }
    }
    let taken = ClaimedKey { context: context.get_ref().clone(), instance, id: keyed.id };
    // A task of its own, which whoever hangs up does not end.
    let work = async move { settle(taken, next.call(request).await?.map_into_boxed_body()).await };
    match actix_web::rt::spawn(work.in_current_span()).await {
        Ok(answered) => answered,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Problem::new(Code::Unavailable, "The service stops. Send the request again in a few seconds.").into()),
        },
    }
}

/// What makes a request the same: method, address and body.
fn hash_of(request: &ServiceRequest, body: &[u8]) -> Vec<u8> {
    let address = request.uri().path_and_query().map_or("", |address| address.as_str());
    let mut whole = format!("{} {address}\n", request.method()).into_bytes();
    whole.extend_from_slice(body);
    sha256(&whole).to_vec()
}

/// What is known of a key when a request comes with it.
enum IdempotencyLookup {
    /// Nothing: the request has taken it.
    New,
    /// The request that has it is under way.
    InProgress,
    /// The request that has it was answered, or lost.
    Done(StoredKey),
    /// Another request has it.
    OtherRequest,
}

/// Takes the key, unless somebody has it.
async fn take(context: &Context, instance: InstanceId, keyed: &KeyedRequest) -> Result<IdempotencyLookup, DbError> {
    let now = context.clock.timestamp();
    let mut tx = context.db.begin().await?;
    let lookup = if store::take(&mut tx, instance, keyed, now, now + KEY_LIFETIME).await? {
        IdempotencyLookup::New
    } else {
        match store::find(&mut tx, instance, keyed).await? {
            // Whoever had it has just given it back.
            None => IdempotencyLookup::InProgress,
            Some(found) if found.request_hash != keyed.request_hash => IdempotencyLookup::OtherRequest,
            Some(found) if found.state == KeyState::Begun && now < found.begun_at + UNDER_WAY => IdempotencyLookup::InProgress,
            Some(found) => IdempotencyLookup::Done(found),
        }
    };
    tx.commit().await?;
    Ok(lookup)
}

fn in_use() -> Problem {
    let detail = "The first request with this key is under way. Send this one again in a second for its answer.";
    Problem::new(Code::IdempotencyKeyInUse, detail).with_header(header::RETRY_AFTER, "1")
}

/// The answer to a request whose key was taken before.
fn repeat(context: &Context, instance: InstanceId, key: StoredKey) -> Result<HttpResponse, Problem> {
    let (KeyState::Answered, Some(sealed)) = (key.state, key.sealed_answer) else {
        let detail = "The first request with this key was cut short, and whether it was carried out is not known. Look whether what \
             it asks for is there; if not, send it with another key.";
        return Err(Problem::new(Code::IdempotencyOutcomeUnknown, detail));
    };
    let stored = context.vault.open(&answer_context(instance, key.id), &sealed)?;
    let unreadable = |_| Problem::new(Code::Internal, "The first answer can't be read any more.");
    let stored: StoredAnswer = serde_json::from_slice(&stored).map_err(unreadable)?;
    let mut answer = HttpResponse::build(StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK));
    for (name, value) in &stored.headers {
        answer.insert_header((name.as_str(), value.as_str()));
    }
    Ok(answer.insert_header((REPLAYED, "true")).body(stored.body))
}

/// What is to be done with a key when its request is answered.
enum KeyDisposition {
    Keep(StoredAnswer),
    /// Nothing was done.
    Release,
    /// It is not known whether it was done, or the answer can't be kept.
    Lose,
}

/// Keeps the answer, or gives the key back. When that fails the caller has its answer all the same, and a repeat is told that it is
/// lost.
async fn settle(taken: ClaimedKey, answered: ServiceResponse<BoxBody>) -> Result<ServiceResponse<BoxBody>, Error> {
    let status = answered.status();
    let released = status.is_client_error() || problem_of(&answered).is_some_and(|problem| problem.code() == Code::UpstreamUnavailable);
    let (outcome, answered) = match answered.response().body().size() {
        _ if released => (KeyDisposition::Release, answered),
        BodySize::None => (KeyDisposition::Keep(to_stored_answer(&answered, String::new())), answered),
        BodySize::Sized(size) if status.is_success() && usize::try_from(size).is_ok_and(|size| size <= MAX_BYTES) => {
            let (request, response) = answered.into_parts();
            let (head, body) = response.into_parts();
            let bytes = to_bytes(body).await.map_err(|_| Problem::new(Code::Internal, "The answer can't be written."))?;
            let text = std::str::from_utf8(&bytes).map(str::to_owned);
            let answered = ServiceResponse::new(request, head.set_body(BoxBody::new(bytes)));
            (text.map_or(KeyDisposition::Lose, |text| KeyDisposition::Keep(to_stored_answer(&answered, text))), answered)
        }
        _ => (KeyDisposition::Lose, answered),
    };
    if let Err(error) = record(&taken, outcome).await {
        tracing::warn!(error = %error_chain(&error), "the answer to a request with an idempotency key could not be kept");
    }
    Ok(answered)
}

fn to_stored_answer(answered: &ServiceResponse<BoxBody>, body: String) -> StoredAnswer {
    let headers = answered.headers();
    let text = |name: &header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let headers = STORED_HEADERS.iter().filter_map(|name| Some((name.to_string(), text(name)?))).collect();
    StoredAnswer { status: answered.status().as_u16(), headers, body }
}

async fn record(taken: &ClaimedKey, outcome: KeyDisposition) -> Result<(), Problem> {
    let ClaimedKey { context, instance, id } = taken;
    let sealed = match &outcome {
        KeyDisposition::Keep(answer) => {
            let written = serde_json::to_vec(answer).map_err(|_| Problem::new(Code::Internal, "The answer can't be written."))?;
            Some(context.vault.seal(&answer_context(*instance, *id), &written)?)
        }
        KeyDisposition::Release | KeyDisposition::Lose => None,
    };
    let mut tx = context.db.begin().await?;
    match outcome {
        KeyDisposition::Release => store::release(&mut tx, *instance, *id).await?,
        KeyDisposition::Keep(_) | KeyDisposition::Lose => store::settle(&mut tx, *instance, *id, sealed.as_deref()).await?,
    }
    Ok(tx.commit().await?)
}
