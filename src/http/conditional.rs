//! Conditional requests (RFC 9110, section 13): a caller who has the answer already is told so instead of getting it again.

use std::time::{Duration, SystemTime};

use actix_web::http::header::{self, ETag, EntityTag, Header, HttpDate, IfModifiedSince, IfNoneMatch, LastModified};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Code, Problem};
use crate::clock::Timestamp;

/// Bytes of the digest that make a tag: enough that no two answers share one.
const TAG_BYTES: usize = 16;

/// Answers with `body` as JSON and a strong entity tag: a digest of the very bytes, so that it changes with every one of them. 304 when
/// the request has the tag (`If-None-Match`), or else when `changed`, if there is such a time, is no later than `If-Modified-Since`. The
/// answer may be kept by the caller alone, who must ask each time whether it still holds.
///
/// # Errors
/// [`Code::Internal`] when the body can't be written as JSON.
pub fn json(request: &HttpRequest, body: &impl Serialize, changed: Option<Timestamp>) -> Result<HttpResponse, Problem> {
    let bytes = serde_json::to_vec(body).map_err(|_| Problem::new(Code::Internal, "The answer can't be written."))?;
    let tag = EntityTag::new_strong(URL_SAFE_NO_PAD.encode(&Sha256::digest(&bytes)[..TAG_BYTES]));
    let changed = changed
        .and_then(|changed| u64::try_from(changed.unix_seconds()).ok())
        .map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    let known = has(request, &tag).unwrap_or_else(|| changed.is_some_and(|changed| unchanged_since(request, changed)));
    let mut answer = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer.insert_header(ETag(tag)).insert_header((header::CACHE_CONTROL, "private, no-cache"));
    if let Some(changed) = changed {
        answer.insert_header(LastModified(HttpDate::from(changed)));
    }
    Ok(if known { answer.finish() } else { answer.content_type("application/json").body(bytes) })
}

/// Whether `If-None-Match` names the tag; none when there is no such header, or none that can be read.
fn has(request: &HttpRequest, tag: &EntityTag) -> Option<bool> {
    request.headers().get(header::IF_NONE_MATCH)?;
    Some(match IfNoneMatch::parse(request).ok()? {
        IfNoneMatch::Any => true,
        // The weak comparison, as the standard wants it here.
        IfNoneMatch::Items(tags) => tags.iter().any(|one| one.weak_eq(tag)),
    })
}

fn unchanged_since(request: &HttpRequest, changed: SystemTime) -> bool {
    request.headers().contains_key(header::IF_MODIFIED_SINCE)
        && IfModifiedSince::parse(request).is_ok_and(|since| changed <= SystemTime::from(since.0))
}
