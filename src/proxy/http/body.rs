//! The body of a call: kept when it is small, passed on as it arrives when it is not.

use std::io;

use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::stream::{self, StreamExt};
use tokio::sync::mpsc;

use super::headers::MediaKind;
use crate::proxy::overriding::PartNames;
use crate::proxy::{AmbiguousCall, ProxyError};
use crate::upstream::ProxyBody;

/// Bodies up to this many bytes are kept, so that the call can be repeated with another token.
const MAX_BUFFERED: usize = 64 * 1024;
/// Chunks that may wait for the vendor; a chunk is what one read from the connection brings.
const WAITING_CHUNKS: usize = 4;

/// Reads the beginning of the body. The names of parts are looked at on the way, however long it is.
pub(super) async fn take(mut payload: Payload, headers: &HeaderMap, media: MediaKind) -> Result<ProxyBody, ProxyError> {
    let mut names = (media == MediaKind::Parts).then(PartNames::default);
    let mut method_in = move |chunk: &Bytes| names.as_mut().and_then(|names| names.find_method(chunk));
    let mut start = BytesMut::new();
    while start.len() <= MAX_BUFFERED {
        match payload.next().await {
            Some(chunk) => {
                let chunk = chunk.map_err(|_| ProxyError::BodyBroken)?;
                if let Some(name) = method_in(&chunk) {
                    return Err(AmbiguousCall::Part(name).into());
                }
                start.extend_from_slice(&chunk);
            }
            None => return Ok(ProxyBody::Whole(start.freeze())),
        }
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(WAITING_CHUNKS);
    // The payload belongs to this thread; the call to the vendor does not. The caller waits while the vendor doesn't read.
    actix_web::rt::spawn(async move {
        let mut next = Some(Ok(start.freeze()));
        while let Some(chunk) = next {
            if sender.send(chunk).await.is_err() {
                return;
            }
            next = payload.next().await.map(|chunk| {
                let chunk = chunk.map_err(|_| io::Error::other("the caller's body broke off"))?;
                match method_in(&chunk) {
                    Some(name) => Err(io::Error::other(AmbiguousCall::Part(name))),
                    None => Ok(chunk),
                }
            });
        }
    });
    let rest = stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|chunk| (chunk, receiver)) });
    Ok(ProxyBody::Stream(rest.boxed(), length))
}
