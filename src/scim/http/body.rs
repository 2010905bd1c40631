use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;

use super::MEDIA_TYPE;
use crate::http::body::{essence, read_json};
use crate::http::{Code, HandlerArgument, Problem, unreadable};

/// A JSON body, as `application/scim+json` or as `application/json`, which directories send, too.
#[derive(Debug)]
pub(super) struct ScimBody<T>(pub T);

impl<T> HandlerArgument for ScimBody<T> {}

impl<T: DeserializeOwned + 'static> FromRequest for ScimBody<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let sent = essence(request.headers());
        let fits = sent.eq_ignore_ascii_case(MEDIA_TYPE) || sent.eq_ignore_ascii_case("application/json");
        let bytes = Bytes::from_request(request, payload);
        Box::pin(async move {
            if !fits {
                return Err(Problem::new(Code::UnsupportedMediaType, format!("Send the body as {MEDIA_TYPE}.")));
            }
            read_json(&bytes.await.map_err(|error| unreadable(&error))?).map(Self)
        })
    }
}
