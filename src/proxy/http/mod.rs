//! Routes of the vendor proxy.

mod body;
mod headers;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, http::StatusCode};
use utoipa::IntoParams;

use headers::MediaKind;

use super::overriding::find_overriding_method;
use super::{AmbiguousCall, CallPath, ProxyError, list_rules};
use crate::auth::Actor;
use crate::connections::Connections;
use crate::context::Context;
use crate::http::{AsProblem, Authorized, Code, InstanceCaller, METHODS, Problem, Routes, route};
use crate::permissions::scope;
use crate::upstream::{ProxyBody, ProxyRequest, Vendor};

impl AsProblem for ProxyError {
    fn as_problem(&self) -> Problem {
        let said = format!("{self}.");
        match self {
            Self::UnsafePath(_) | Self::Ambiguous(_) | Self::NotAllowed { .. } | Self::NoClient => Problem::new(Code::CallNotAllowed, said),
            Self::LargeForm => Problem::new(Code::BodyTooLarge, said),
            Self::BodyBroken => Problem::new(Code::MalformedRequest, said),
            Self::Connection(error) => error.as_problem(),
            Self::Db(error) => error.as_problem(),
        }
    }
}

/// What is called.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "read off the request as it is; this describes it")]
struct ProxyPath {
    /// Path at the vendor, encoded.
    path: String,
}

/// How a call is made.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "read off the request as it is; this describes it")]
struct PreferHeader {
    /// `wait=N` (RFC 7240): how many seconds the call may wait for room within the quotas, 15 unless said, 60 at most. When there will
    /// be none in that time, the answer is 429 with `Retry-After`, at once.
    #[param(rename = "Prefer", example = "wait=5")]
    prefer: Option<String>,
}

/// One operation of the document for each method; what they do is the same.
macro_rules! operations {
    ($($handler:ident = $method:ident $vendor:ident $scope:ident $path:tt $id:tt $title:tt $([$body:ident])?;)+) => {
        /// The routes. They come after those below the same address that have a path of their own.
        pub fn routes(routes: &mut Routes<'_>) {
            $(routes.add(route!($handler));)+
        }
        $(operations!(@one $handler $method $vendor $scope $path $id $title $($body)?);)+
    };
    (@one $handler:ident $method:ident $vendor:ident $scope:ident $path:tt $id:tt $title:tt) => {
        #[doc = $title]
        #[utoipa::path($method, path = $path, operation_id = $id, tag = "Calling the vendors", params(ProxyPath, PreferHeader),
            responses((status = "default", description = "The vendor's answer, whatever it is.", content_type = "*/*", body = serde_json::Value)))]
        async fn $handler(
            request: HttpRequest,
            payload: Payload,
            context: Context,
            caller: Authorized<scope::$scope>,
            connections: Data<Connections>,
        ) -> Result<HttpResponse, Problem> {
            proxy_call(Vendor::$vendor, request, payload, &context, &caller, &connections).await
        }
    };
    (@one $handler:ident $method:ident $vendor:ident $scope:ident $path:tt $id:tt $title:tt body) => {
        #[doc = $title]
        #[utoipa::path($method, path = $path, operation_id = $id, tag = "Calling the vendors", params(ProxyPath, PreferHeader),
            request_body(content = Option<serde_json::Value>, content_type = "application/json", description = "Passed on as it is, of whatever media type."),
            responses((status = "default", description = "The vendor's answer, whatever it is.", content_type = "*/*", body = serde_json::Value)))]
        async fn $handler(
            request: HttpRequest,
            payload: Payload,
            context: Context,
            caller: Authorized<scope::$scope>,
            connections: Data<Connections>,
        ) -> Result<HttpResponse, Problem> {
            proxy_call(Vendor::$vendor, request, payload, &context, &caller, &connections).await
        }
    };
}

operations! {
    get_salesforce = get Salesforce SalesforceCall "/v1/salesforce/{path:.*}" "getThroughSalesforce" "GET at Salesforce";
    head_salesforce = head Salesforce SalesforceCall "/v1/salesforce/{path:.*}" "headThroughSalesforce" "HEAD at Salesforce";
    post_salesforce = post Salesforce SalesforceCall "/v1/salesforce/{path:.*}" "postThroughSalesforce" "POST at Salesforce" [body];
    put_salesforce = put Salesforce SalesforceCall "/v1/salesforce/{path:.*}" "putThroughSalesforce" "PUT at Salesforce" [body];
    patch_salesforce = patch Salesforce SalesforceCall "/v1/salesforce/{path:.*}" "patchThroughSalesforce" "PATCH at Salesforce" [body];
    delete_salesforce = delete Salesforce SalesforceCall "/v1/salesforce/{path:.*}" "deleteThroughSalesforce" "DELETE at Salesforce";
    get_marketo = get Marketo MarketoCall "/v1/marketo/{path:.*}" "getThroughMarketo" "GET at Marketo";
    head_marketo = head Marketo MarketoCall "/v1/marketo/{path:.*}" "headThroughMarketo" "HEAD at Marketo";
    post_marketo = post Marketo MarketoCall "/v1/marketo/{path:.*}" "postThroughMarketo" "POST at Marketo" [body];
    put_marketo = put Marketo MarketoCall "/v1/marketo/{path:.*}" "putThroughMarketo" "PUT at Marketo" [body];
    patch_marketo = patch Marketo MarketoCall "/v1/marketo/{path:.*}" "patchThroughMarketo" "PATCH at Marketo" [body];
    delete_marketo = delete Marketo MarketoCall "/v1/marketo/{path:.*}" "deleteThroughMarketo" "DELETE at Marketo";
}

async fn proxy_call(
    vendor: Vendor,
    request: HttpRequest,
    payload: Payload,
    context: &Context,
    caller: &InstanceCaller,
    connections: &Connections,
) -> Result<HttpResponse, Problem> {
    let Actor::Client(client) = &caller.actor else { return Err(ProxyError::NoClient.into()) };
    let raw = request.uri().path();
    let raw = raw.strip_prefix("/v1/").and_then(|rest| rest.strip_prefix(vendor.as_str())).unwrap_or_default();
    let path = CallPath::parse(vendor, raw).map_err(ProxyError::from)?;
    let query = request.uri().query();
    let media = headers::check(request.headers()).map_err(ProxyError::from)?;
    let body = body::take(payload, request.headers(), media).await?;
    let form = match (media, &body) {
        (MediaKind::Form, ProxyBody::Whole(bytes)) => {
            Some(std::str::from_utf8(bytes).map_err(|_| AmbiguousCall::Encoding("the form".into())))
        }
        // What can't be looked into can't be let through.
        (MediaKind::Form, _) => return Err(ProxyError::LargeForm.into()),
        _ => None,
    };
    let form = form.transpose().map_err(ProxyError::from)?;
    let mut methods = vec![request.method().as_str().to_owned()];
    methods.extend(find_overriding_method(vendor, &methods[0], query.into_iter().chain(form)).map_err(ProxyError::from)?);
    let rules = list_rules(&context.db, client).await?;
    for method in &methods {
        if !METHODS.contains(&method.as_str()) || !rules.iter().any(|rule| rule.allows(vendor, method, &path)) {
            let (method, path) = (method.clone(), path.as_str().to_owned());
            return Err(ProxyError::NotAllowed { vendor: vendor.as_str(), method, path }.into());
        }
    }
    let call = ProxyRequest {
        method: request.method().as_str().to_owned(),
        path: path.as_str().to_owned(),
        query: query.map(str::to_owned),
        headers: headers::to_vendor(request.headers()),
        body,
    };
    let max_wait = headers::max_wait(request.headers());
    let answer = connections.proxy(caller.instance, vendor, call, max_wait).await.map_err(ProxyError::from)?;
    // A status that a vendor sent is one.
    let mut response = HttpResponseBuilder::new(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY));
    let length = headers::to_caller(&answer.headers, &mut response);
    Ok(match length {
        Some(length) if request.method() != "HEAD" => response.no_chunking(length).streaming(answer.body),
        _ => response.streaming(answer.body),
    })
}
