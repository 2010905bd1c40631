//! What every request passes: whom its route lets in, the longest time, and the last word on errors, so that each leaves as a
//! problem document with the request id, panics included.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use futures_util::FutureExt;
use tracing_actix_web::RequestId;
use uuid::fmt::Hyphenated;

use super::framework_error::{from_actix, problem_of};
use super::route::{MatchedRoute, RouteRule, operation, route_of};
use super::security_headers::SecurityHeaders;
use super::{Code, Credentials, MiddlewareConfig, Problem, ValidationError, idempotency, scim_error, session_of};
use crate::clock::monotonic_now;
use crate::permissions::{Access, Caller, Scope};
use crate::telemetry::Metrics;

/// Longest time until the head of an answer to an upload.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(900);

/// Carries the request id back to the caller.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A problem with the id of its request, for the cases in which the request itself is gone: a panic and a time-out.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
struct ProblemWithRequestId {
    problem: Problem,
    form: AnswerForm,
}

impl ResponseError for ProblemWithRequestId {
    fn status_code(&self) -> StatusCode {
        self.form.status_of(&self.problem)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = self.form.answer(&self.problem);
        let status = response.status();
        self.form.finish(status, response.headers_mut());
        response
    }
}

/// The form of a request's answer. Its problem is told as a problem document, or as SCIM's clients read it.
#[derive(Debug, Clone, Copy)]
struct AnswerForm {
    request_id: RequestIdText,
    is_scim: bool,
    security: SecurityHeaders,
}

impl AnswerForm {
    fn of_request(request: &ServiceRequest, route: Option<MatchedRoute>) -> Self {
        let is_over_tls = request.app_data::<Data<MiddlewareConfig>>().is_some_and(|config| config.is_over_tls);
        let security = SecurityHeaders::of_route(route, is_over_tls);
        Self { request_id: RequestIdText::of_request(request), is_scim: scim_error::is_for(request.path()), security }
    }

    /// Adds the headers that every answer has.
    fn finish(&self, status: StatusCode, headers: &mut HeaderMap) {
        self.security.add(status, headers);
        headers.insert(REQUEST_ID, self.request_id.header());
    }

    fn status_of(&self, problem: &Problem) -> StatusCode {
        if self.is_scim { scim_error::status_of(problem) } else { problem.status_code() }
    }

    fn answer(&self, problem: &Problem) -> HttpResponse {
        if self.is_scim { scim_error::respond(problem) } else { problem.respond(&self.request_id) }
    }
}

/// A request's id as it is shown, a UUID in its usual form; empty when none was drawn.
#[derive(Debug, Clone, Copy)]
struct RequestIdText([u8; Hyphenated::LENGTH], usize);

impl RequestIdText {
    fn of_request(request: &ServiceRequest) -> Self {
        let mut text = [0; Hyphenated::LENGTH];
        let length = request.extensions().get::<RequestId>().map_or(0, |id| id.hyphenated().encode_lower(&mut text).len());
        Self(text, length)
    }

    fn header(&self) -> HeaderValue {
        HeaderValue::from_str(self).unwrap_or(HeaderValue::from_static(""))
    }
}

impl std::ops::Deref for RequestIdText {
    type Target = str;
    fn deref(&self) -> &str {
        std::str::from_utf8(&self.0[..self.1]).unwrap_or_default()
    }
}

/// The middleware.
///
/// # Errors
/// When a handler panicked or took too long; the error answers as a problem document like all others.
pub async fn process_request<B: MessageBody + 'static>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<BoxBody>, Error> {
    let (route, began) = (route_of(&request), monotonic_now());
    let form = AnswerForm::of_request(&request, route);
    let asked = operation(route, request.method());
    let metrics = request.app_data::<Data<Metrics>>().cloned();
    let answered = match admit(&request, route).await {
        Ok(()) => pass(request, next, (began, route)).await,
        Err(problem) => Ok(request.into_response(form.answer(&problem))),
    };
    let answered = match answered {
        Ok(response) => match problem_of(&response) {
            Some(problem) => Ok(response.into_response(form.answer(&problem))),
            None => Ok(response),
        },
        Err(problem) => Err(ProblemWithRequestId { problem, form }),
    };
    if let Some(metrics) = metrics {
        let status = answered.as_ref().map_or_else(ResponseError::status_code, ServiceResponse::status);
        metrics.answered(asked, status.as_u16(), began.elapsed());
    }
    let mut response = answered?;
    let status = response.status();
    form.finish(status, response.headers_mut());
    Ok(response)
}

/// Lets the request on, with a bound on its time and on what a panic can do.
async fn pass<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
    (began, route): (Instant, Option<MatchedRoute>),
) -> Result<ServiceResponse<BoxBody>, Problem> {
    let is_upload = route.and_then(|route| route.rule(request.method())).is_some_and(|rule| rule.is_upload);
    let usual = request.app_data::<Data<MiddlewareConfig>>().map_or(Duration::from_secs(30), |config| config.request_timeout);
    let timeout = if is_upload { UPLOAD_TIMEOUT.max(usual) } else { usual };
    let mut handled = pin!(AssertUnwindSafe(idempotency::once(request, next, route)).catch_unwind());
    // Most answers are there at once, and need no timer.
    let handled = match poll_fn(|context| Poll::Ready(handled.as_mut().poll(context))).await {
        Poll::Ready(handled) => Ok(handled),
        Poll::Pending => tokio::time::timeout_at((began + timeout).into(), handled).await,
    };
    match handled {
        Ok(Ok(Ok(response))) => Ok(response),
        Ok(Ok(Err(error))) => Err(from_actix(&error)),
        Ok(Err(_panic)) => {
            tracing::error!("a handler panicked");
            Err(Problem::new(Code::Internal, "Something went wrong on our side. Quote the request id when you ask for help."))
        }
        Err(_elapsed) => {
            let detail = format!("No answer could be given within {} s. What was asked for may still happen.", timeout.as_secs());
            Err(Problem::new(Code::TimedOut, detail))
        }
    }
}

/// Lets in whom the route says.
async fn admit(request: &ServiceRequest, route: Option<MatchedRoute>) -> Result<(), Problem> {
    check_path(request.uri().path())?;
    let Some(route) = route else {
        return Err(Problem::new(Code::NotFound, "There is nothing at this address. The routes are listed at /docs/."));
    };
    let Some(rule) = route.rule(request.method()) else {
        let allowed = route.methods().collect::<Vec<_>>().join(", ");
        let detail = format!("This address answers to {allowed}.");
        return Err(Problem::new(Code::MethodNotAllowed, detail).with_header(header::ALLOW, allowed));
    };
    if let Some(scope) = rule.access.scope() {
        let caller = authenticate(request).await?;
        permit(&caller, scope, rule.access)?;
        request.extensions_mut().insert(caller);
    }
    check_query(request.query_string(), rule)
}

/// Refuses query parameters that the operation doesn't have: a misspelt filter would list everything. What follows a link of an e-mail
/// or comes from Salesforce may have more.
fn check_query(query: &str, rule: &RouteRule) -> Result<(), Problem> {
    if query.is_empty() || !rule.pattern.starts_with("/v1/") || rule.has_tail() {
        return Ok(());
    }
    let unknown = url::form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
    let unknown: BTreeSet<_> = unknown.filter(|name| !rule.query_parameters.iter().any(|known| known == name)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let there_are = match rule.query_parameters.as_slice() {
        [] => "It has none".to_owned(),
        known => format!("It has {}", known.join(", ")),
    };
    let error = |name: &Cow<'_, str>| {
        let detail = format!("This operation has no parameter {name:?}. {there_are}.");
        ValidationError::new(format!("#query/{name}"), "unknown_parameter", detail)
    };
    Err(Problem::invalid(unknown.iter().map(error).collect()))
}

/// Where the rest of the path is a vendor's. It is checked, with more care, where the call is passed on (`proxy/rule.rs`).
const VENDORS_PATHS: &[&str] = &["/v1/salesforce/", "/v1/marketo/"];

/// Refuses a path that could be read as another one: with letters, digits or `-._~` encoded, which means the same (RFC 3986, section
/// 6.2.2.2), the table of routes and the router would have to agree on when to decode it, and so would every proxy before us.
fn check_path(path: &str) -> Result<(), Problem> {
    if !path.contains('%') || VENDORS_PATHS.iter().any(|vendors| path.starts_with(vendors)) {
        return Ok(());
    }
    for part in path.split('%').skip(1) {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
            let detail = "The path has a percent sign without two hexadecimal digits behind it; write %25 for the sign itself.";
            return Err(Problem::new(Code::MalformedRequest, detail));
        };
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            let (escape, sign) = (&part[..2], char::from(byte));
            let detail = format!("The path has %{escape} in it, which stands for {sign} and needs no encoding; write {sign} itself.");
            return Err(Problem::new(Code::MalformedRequest, detail));
        }
    }
    Ok(())
}

async fn authenticate(request: &ServiceRequest) -> Result<Arc<Caller>, Problem> {
    let credentials = credentials(request.request())?.ok_or_else(|| {
        let detail = "Send an access token as `Authorization: Bearer …`; POST /oauth/token gives one.";
        Problem::new(Code::Unauthenticated, detail).with_header(header::WWW_AUTHENTICATE, "Bearer realm=\"msi-actions\"")
    })?;
    let config =
        request.app_data::<Data<MiddlewareConfig>>().ok_or_else(|| Problem::new(Code::Internal, "The service is not wired up."))?;
    config.authenticate.authenticate(credentials).await
}

/// What a request says who it is by; nothing when it says nothing that could be looked into.
pub(super) fn credentials(request: &HttpRequest) -> Result<Option<Credentials<'_>>, Problem> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    if let Some(value) = headers.next() {
        // RFC 6750, section 2: one way to send a token, or two readers may take the request for that of two callers.
        if headers.next().is_some() || names_a_token(request.query_string()) {
            let detail = "Send one access token, in one Authorization header and nowhere else.";
            return Err(Problem::new(Code::MalformedRequest, detail));
        }
        return Ok(bearer(value).map(Credentials::Bearer));
    }
    // A cookie comes along with requests that other sites make a browser send; those can't set a header of their own.
    let safe = matches!(*request.method(), Method::GET | Method::HEAD) || request.headers().contains_key("x-requested-with");
    Ok(session_of(request).filter(|_| safe).map(Credentials::Session))
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = std::str::from_utf8(value.as_bytes()).ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_ascii())
}

fn names_a_token(query: &str) -> bool {
    !query.is_empty() && url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token")
}

fn permit(caller: &Caller, scope: Scope, access: Access) -> Result<(), Problem> {
    if !caller.scopes.0.contains(&scope) {
        let challenge = format!("Bearer realm=\"msi-actions\", error=\"insufficient_scope\", scope=\"{scope}\"");
        let detail = format!("This needs the scope {scope}, which the caller doesn't have.");
        return Err(Problem::new(Code::Forbidden, detail).with_header(header::WWW_AUTHENTICATE, challenge));
    }
    match (access, caller.instance) {
        (Access::Instance(_), None) => {
            let detail = "The token belongs to no instance. Ask for one with resource=urn:msi-actions:instance:ID.";
            Err(Problem::new(Code::InstanceRequired, detail))
        }
        (Access::Operator(_), Some(_)) => {
            let detail = "The token is narrowed to an instance, and this is not within one. Ask for a token without resource.";
            Err(Problem::new(Code::Forbidden, detail))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App, middleware, test, web};
    use futures_util::future::BoxFuture;
    use tracing_actix_web::TracingLogger;

    use super::*;
    use crate::http::{Authenticate, RequestSpan, RouteRule, RouteTable};

    struct NobodyAuthenticates;

    impl Authenticate for NobodyAuthenticates {
        fn authenticate<'a>(&'a self, _: Credentials<'a>) -> BoxFuture<'a, Result<Arc<Caller>, Problem>> {
            Box::pin(async { Err(Problem::new(Code::InvalidToken, "There is nobody.")) })
        }
    }

    async fn panics() -> HttpResponse {
        panic!("this is what the test is about")
    }

    async fn never_answers() -> HttpResponse {
        std::future::pending().await
    }

    /// The status and body of what `/livez` answers when `handler` serves it.
    async fn answer_of<F, R>(handler: F) -> (u16, serde_json::Value)
    where
        F: actix_web::Handler<(), Output = R>,
        R: actix_web::Responder + 'static,
    {
        let live = RouteRule::new("GET", "/livez", Access::Public);
        let settings = MiddlewareConfig {
            routes: Box::leak(Box::new(RouteTable::new(vec![live]))),
            authenticate: Arc::new(NobodyAuthenticates),
            request_timeout: Duration::from_millis(20),
            is_over_tls: false,
            proxies: 0,
        };
        let app = App::new()
            .app_data(Data::new(settings))
            .route("/livez", web::get().to(handler))
            .wrap(middleware::from_fn(process_request))
            .wrap(TracingLogger::<RequestSpan>::new());
        let app = test::init_service(app).await;
        let response = match test::try_call_service(&app, test::TestRequest::get().uri("/livez").to_request()).await {
            Ok(response) => response.into_parts().1.map_into_boxed_body(),
            Err(error) => error.error_response(),
        };
        assert!(response.headers().contains_key(REQUEST_ID));
        let status = response.status().as_u16();
        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    fn on_actix(test: impl Future<Output = ()>) {
        actix_web::rt::System::new().block_on(test);
    }

    #[::core::prelude::v1::test]
    fn a_panic_is_a_problem_document_that_says_nothing_of_the_inside() {
        on_actix(async {
            let (status, body) = answer_of(panics).await;
            assert_eq!((status, &body["code"]), (500, &"internal_error".into()));
            assert!(!body.to_string().contains("what the test is about"), "{body}");
            assert!(body["request_id"].as_str().is_some_and(|id| !id.is_empty()));
        });
    }

    #[::core::prelude::v1::test]
    fn a_request_that_takes_too_long_is_answered_all_the_same() {
        on_actix(async {
            let (status, body) = answer_of(never_answers).await;
            assert_eq!((status, &body["code"]), (503, &"timed_out".into()));
        });
    }
}
