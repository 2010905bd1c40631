//! Routes of the connections, and the address to which Salesforce sends people back.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa_actix_web::service_config::ServiceConfig;

use super::store::{self, MarketoRow, SalesforceRow};
use super::{
    ActivatedMember, ActivationByLogin, ConnectionError, ConnectionState, Connections, MarketoAdmin, PastedCredentials, Purpose,
    SalesforceHost, SalesforceLogin, TestResult,
};
use crate::auth::Actor;
use crate::clock::Timestamp;
use crate::http::gate::SESSION_COOKIE;
use crate::http::{AsProblem, Body, Code, Context, InputFault, InstanceCaller, Listing, Page, Problem, QueryParams};
use crate::instances::{self, Instance};
use crate::marketo::MarketoError;
use crate::salesforce::SalesforceError;

impl AsProblem for ConnectionError {
    fn as_problem(&self) -> Problem {
        let said = format!("{self}.");
        match self {
            Self::NotConnected { link, .. } => Problem::new(Code::NotConnected, said).with_link(*link),
            Self::AlreadyConnected(_) => Problem::new(Code::AlreadyConnected, said),
            Self::SalesforceNotConfigured => Problem::new(Code::SalesforceNotConfigured, said),
            Self::AddressNotAllowed(_) => Problem::invalid(vec![InputFault::new("/base_url", "address_not_allowed", said)]),
            Self::NoMarketoCredentials => Problem::new(Code::NoMarketoCredentials, said),
            Self::StateInvalid => Problem::new(Code::StateInvalid, said),
            Self::AuthorizationDenied(_) => Problem::new(Code::AuthorizationDenied, said),
            Self::NeedsAttention(_) => Problem::new(Code::SalesforceRefused, said),
            Self::Marketo(error) => marketo_problem(error),
            Self::Salesforce(error) => salesforce_problem(error),
            Self::Instance(error) => error.as_problem(),
            Self::Db(error) => error.as_problem(),
            Self::Seal(error) => error.as_problem(),
        }
    }
}

fn marketo_problem(error: &MarketoError) -> Problem {
    let detail = format!("{error}. {}", error.what_to_do());
    let code = match error {
        MarketoError::Unreachable { .. } | MarketoError::NotMarketo { .. } => Code::MarketoAddressWrong,
        MarketoError::UnknownClient { .. } => Code::MarketoClientUnknown,
        MarketoError::WrongSecret { .. } => Code::MarketoSecretWrong,
        MarketoError::Temporary(_) | MarketoError::RateLimit(_) | MarketoError::ConcurrencyLimit(_) => Code::UpstreamUnavailable,
        _ => Code::MarketoRefused,
    };
    Problem::new(code, detail)
}

fn salesforce_problem(error: &SalesforceError) -> Problem {
    let detail = format!("{error}. {}", error.what_to_do());
    let code = match error {
        SalesforceError::Unreachable { .. } | SalesforceError::AnswerLost { .. } => Code::UpstreamUnavailable,
        _ => Code::SalesforceRefused,
    };
    Problem::new(code, detail)
}

/// The routes.
pub fn routes(config: &mut ServiceConfig) {
    config.service(begin_salesforce).service(get_salesforce).service(test_salesforce).service(disconnect_salesforce);
    config.service(connect_marketo).service(get_marketo).service(test_marketo).service(disconnect_marketo);
    config.service(list_marketo_admins).service(salesforce_callback);
}

async fn instance_of(context: &Context, caller: &InstanceCaller) -> Result<Instance, Problem> {
    let found = instances::find(&context.db, caller.instance).await?;
    found.ok_or_else(|| Problem::new(Code::NotFound, "The instance of this token is gone."))
}

fn name_of(actor: &Actor) -> String {
    match actor {
        Actor::Client(client) => format!("client:{client}"),
        Actor::Member(member) => format!("member:{member}"),
    }
}

/// How to begin connecting Salesforce.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct BeginSalesforce {
    /// `production`, `sandbox`, or the organisation's My Domain host. Production unless given.
    #[schema(
        example = "production",
        pattern = r"^(production|sandbox|[A-Za-z0-9]+(-+[A-Za-z0-9]+)*(\.(sandbox|develop|scratch))?\.my\.salesforce\.com)$",
        max_length = 100
    )]
    host: Option<String>,
}

/// Where to send the admin.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AuthorizationBegun {
    /// Open this in the admin's browser; it comes back by itself.
    authorization_url: String,
    /// Until when it can be completed.
    expires_at: Timestamp,
}

/// Connect Salesforce
///
/// Step 2. Gives the address at which a Salesforce user authorizes this service; the connection exists once they come back.
#[utoipa::path(operation_id = "beginSalesforceConnection", tag = "Connections", responses(
    (status = 201, description = "Send the admin to the address.", body = AuthorizationBegun),
    (status = 409, description = "Connected already, a prerequisite is unmet, or the service's Salesforce app is not configured.", body = crate::http::problem::ProblemBody, content_type = "application/problem+json"),
))]
#[post("/v1/connections/salesforce")]
async fn begin_salesforce(
    context: Context,
    caller: InstanceCaller,
    connections: Data<Connections>,
    Body(wanted): Body<BeginSalesforce>,
) -> Result<HttpResponse, Problem> {
    let host: SalesforceHost = match wanted.host.as_deref() {
        None => SalesforceHost::Production,
        Some(text) => text.parse().map_err(|error: super::NoSalesforceHost| {
            Problem::invalid(vec![InputFault::new("/host", "not_a_salesforce_host", format!("{error}."))])
        })?,
    };
    instance_of(&context, &caller).await?.prerequisites.check()?;
    let (url, expires_at) = connections.begin_salesforce(caller.instance, &host, name_of(&caller.actor)).await?;
    let location = context.public_url.of("/v1/connections/salesforce");
    Ok(HttpResponse::Created().insert_header(("location", location)).json(AuthorizationBegun { authorization_url: url.into(), expires_at }))
}

/// The instance's Salesforce connection. No token ever appears here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct SalesforceConnection {
    state: ConnectionState,
    /// Base of the organisation's APIs.
    instance_url: String,
    /// 18 characters.
    organization_id: String,
    /// 18 characters.
    user_id: String,
    username: String,
    /// Scopes granted, space separated.
    scopes: String,
    connected_at: Timestamp,
    last_tested_at: Option<Timestamp>,
    /// What went wrong last, by the vendor's code.
    last_error_code: Option<String>,
    /// What to do about it.
    what_to_do: Option<String>,
}

fn state_of(text: &str) -> ConnectionState {
    if text == "active" { ConnectionState::Active } else { ConnectionState::NeedsAttention }
}

impl From<SalesforceRow> for SalesforceConnection {
    fn from(row: SalesforceRow) -> Self {
        Self {
            state: state_of(&row.state),
            instance_url: row.instance_url,
            organization_id: row.organization_id,
            user_id: row.user_id,
            username: row.username,
            scopes: row.scopes,
            connected_at: row.created_at,
            last_tested_at: row.last_tested_at,
            last_error_code: row.last_error_code,
            what_to_do: row.last_error,
        }
    }
}

/// See the Salesforce connection
#[utoipa::path(operation_id = "getSalesforceConnection", tag = "Connections", responses(
    (status = 200, description = "The connection.", body = SalesforceConnection),
    (status = 404, description = "There is none yet.", body = crate::http::problem::ProblemBody, content_type = "application/problem+json"),
))]
#[get("/v1/connections/salesforce")]
async fn get_salesforce(context: Context, caller: InstanceCaller) -> Result<HttpResponse, Problem> {
    let row = store::find_salesforce(&context.db, caller.instance).await?;
    let row = row.ok_or(ConnectionError::NotConnected { vendor: "Salesforce", link: "/v1/connections/salesforce" })?;
    Ok(HttpResponse::Ok().json(SalesforceConnection::from(row)))
}

/// Test the Salesforce connection
///
/// Makes a call and says what came of it; a failed call is an answer, not an error.
#[utoipa::path(operation_id = "testSalesforceConnection", tag = "Connections", responses(
    (status = 200, description = "What the call found.", body = TestResult),
    (status = 404, description = "There is no connection yet.", body = crate::http::problem::ProblemBody, content_type = "application/problem+json"),
))]
#[post("/v1/connections/salesforce/test")]
async fn test_salesforce(caller: InstanceCaller, connections: Data<Connections>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(connections.test_salesforce(caller.instance).await?))
}

/// Disconnect Salesforce
///
/// Revokes the grant at Salesforce, then forgets it.
#[utoipa::path(operation_id = "deleteSalesforceConnection", tag = "Connections", responses(
    (status = 204, description = "Disconnected."),
    (status = 404, description = "There is no connection.", body = crate::http::problem::ProblemBody, content_type = "application/problem+json"),
))]
#[delete("/v1/connections/salesforce")]
async fn disconnect_salesforce(caller: InstanceCaller, connections: Data<Connections>) -> Result<HttpResponse, Problem> {
    connections.disconnect_salesforce(caller.instance).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// How to connect Marketo.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ConnectMarketo {
    /// As shown in Actions Config; leave out both this and the secret for the one-click connect.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    client_id: Option<String>,
    /// As shown in Actions Config.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    client_secret: Option<SecretString>,
    /// The subscription's address, when it is to be checked; it follows from the Munchkin id.
    #[schema(example = "https://123-abc-456.mktorest.com", max_length = 200)]
    base_url: Option<String>,
}

impl ConnectMarketo {
    fn pasted(self) -> Result<(Option<PastedCredentials>, Option<String>), Problem> {
        let mut faults = Vec::new();
        let too_long = |text: &str| text.is_empty() || text.len() > 200;
        if self.client_id.as_deref().is_some_and(too_long) {
            faults.push(InputFault::new("/client_id", "length", "client_id has 1 to 200 characters."));
        }
        if self.client_secret.as_ref().is_some_and(|secret| too_long(secret.expose_secret())) {
            faults.push(InputFault::new("/client_secret", "length", "client_secret has 1 to 200 characters."));
        }
        let pasted = match (self.client_id, self.client_secret) {
            (Some(client_id), Some(client_secret)) => Some(PastedCredentials { client_id, client_secret }),
            (None, None) => None,
            (Some(_), None) => {
                faults.push(InputFault::new("/client_secret", "missing", "client_id comes with client_secret."));
                None
            }
            (None, Some(_)) => {
                faults.push(InputFault::new("/client_id", "missing", "client_secret comes with client_id."));
                None
            }
        };
        if faults.is_empty() { Ok((pasted, self.base_url)) } else { Err(Problem::invalid(faults)) }
    }
}

/// The instance's Marketo connection. No secret and no token ever appears here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct MarketoConnection {
    state: ConnectionState,
    /// Address of the subscription.
    base_url: String,
    client_id: String,
    /// Whether the credentials are those that the operator provisioned.
    provisioned: bool,
    /// The API user who owns the credentials.
    api_user: Option<String>,
    /// Who connected: `client:ID` or `member:ID`.
    connected_by: String,
    connected_at: Timestamp,
    last_tested_at: Option<Timestamp>,
    /// What went wrong last, by the vendor's code.
    last_error_code: Option<String>,
    /// What to do about it.
    what_to_do: Option<String>,
}

impl From<MarketoRow> for MarketoConnection {
    fn from(row: MarketoRow) -> Self {
        Self {
            state: state_of(&row.state),
            base_url: row.base_url,
            client_id: row.client_id,
            provisioned: row.provisioned,
            api_user: row.api_user,
            connected_by: row.connected_by,
            connected_at: row.created_at,
            last_tested_at: row.last_tested_at,
            last_error_code: row.last_error_code,
            what_to_do: row.last_error,
        }
    }
}

/// Connect Marketo
///
/// Step 3. An empty object is the one-click connect with the credentials provisioned for the instance. Nothing is kept unless a
/// token was had and a test call succeeded.
#[utoipa::path(operation_id = "connectMarketo", tag = "Connections", responses(
    (status = 201, description = "Connected.", body = MarketoConnection),
    (status = 409, description = "Connected already, no credentials, or Marketo refuses them; the code says which of address, id and secret is wrong.", body = crate::http::problem::ProblemBody, content_type = "application/problem+json"),
))]
#[post("/v1/connections/marketo")]
async fn connect_marketo(
    context: Context,
    caller: InstanceCaller,
    connections: Data<Connections>,
    Body(wanted): Body<ConnectMarketo>,
) -> Result<HttpResponse, Problem> {
    let (pasted, address) = wanted.pasted()?;
    let instance = instance_of(&context, &caller).await?;
    instance.prerequisites.check()?;
    let actor = name_of(&caller.actor);
    let row = connections.connect_marketo(instance.id, &instance.munchkin_id, pasted, address.as_deref(), actor).await?;
    let location = context.public_url.of("/v1/connections/marketo");
    Ok(HttpResponse::Created().insert_header(("location", location)).json(MarketoConnection::from(row)))
}

/// See the Marketo connection
#[utoipa::path(operation_id = "getMarketoConnection", tag = "Connections", responses(
    (status = 200, description = "The connection.", body = MarketoConnection),
    (status = 404, description = "There is none yet.", body = crate::http::problem::ProblemBody, content_type = "application/problem+json"),
))]
#[get("/v1/connections/marketo")]
async fn get_marketo(context: Context, caller: InstanceCaller) -> Result<HttpResponse, Problem> {
    let row = store::find_marketo(&context.db, caller.instance).await?;
    let row = row.ok_or(ConnectionError::NotConnected { vendor: "Marketo", link: "/v1/connections/marketo" })?;
    Ok(HttpResponse::Ok().json(MarketoConnection::from(row)))
}

/// Test the Marketo connection
///
/// Makes a call and says what came of it; a failed call is an answer, not an error.
#[utoipa::path(operation_id = "testMarketoConnection", tag = "Connections", responses(
    (status = 200, description = "What the call found.", body = TestResult),
    (status = 404, description = "There is no connection yet.", body = crate::http::problem::ProblemBody, content_type = "application/problem+json"),
))]
#[post("/v1/connections/marketo/test")]
async fn test_marketo(caller: InstanceCaller, connections: Data<Connections>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(connections.test_marketo(caller.instance).await?))
}

/// Disconnect Marketo
#[utoipa::path(operation_id = "deleteMarketoConnection", tag = "Connections", responses(
    (status = 204, description = "Disconnected."),
    (status = 404, description = "There is no connection.", body = crate::http::problem::ProblemBody, content_type = "application/problem+json"),
))]
#[delete("/v1/connections/marketo")]
async fn disconnect_marketo(caller: InstanceCaller, connections: Data<Connections>) -> Result<HttpResponse, Problem> {
    connections.disconnect_marketo(caller.instance).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// People who can be the first user
///
/// Step 1: the people with the Admin role in Marketo, without API-only users, by name.
#[utoipa::path(operation_id = "listMarketoAdmins", tag = "Set-up", responses(
    (status = 200, description = "The admins.", body = Listing<MarketoAdmin>),
    (status = 409, description = "No credentials, or Marketo refuses them.", body = crate::http::problem::ProblemBody, content_type = "application/problem+json"),
))]
#[get("/v1/marketo/admins")]
async fn list_marketo_admins(context: Context, caller: InstanceCaller, connections: Data<Connections>) -> Result<HttpResponse, Problem> {
    let instance = instance_of(&context, &caller).await?;
    let data = connections.marketo_admins(instance.id, &instance.munchkin_id).await?;
    Ok(HttpResponse::Ok().json(Listing { data, next_cursor: None }))
}

/// What Salesforce sends along.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Callback {
    /// Names the authorization.
    state: Option<String>,
    /// Present when the person agreed.
    code: Option<String>,
    /// Present when they did not, or Salesforce refused.
    error: Option<String>,
    /// Salesforce's text.
    error_description: Option<String>,
}

/// Where Salesforce sends people back to
///
/// Answers with a page for the person. A `state` works once.
#[utoipa::path(operation_id = "completeSalesforceAuthorization", tag = "Connections", params(Callback), responses(
    (status = 200, description = "A page that says what was done.", body = String, content_type = "text/html"),
    (status = 400, description = "A page: the authorization was not begun here, was completed already, or is too old.", body = String, content_type = "text/html"),
    (status = 403, description = "A page: refused at Salesforce, or another e-mail address than the invited one.", body = String, content_type = "text/html"),
    (status = 409, description = "A page: it can't be completed as things are.", body = String, content_type = "text/html"),
    (status = 410, description = "A page: the invitation was used or has expired.", body = String, content_type = "text/html"),
))]
#[get("/oauth/salesforce/callback")]
async fn salesforce_callback(
    request: HttpRequest,
    context: Context,
    connections: Data<Connections>,
    activation: Data<Arc<dyn ActivationByLogin>>,
    QueryParams(callback): QueryParams<Callback>,
) -> Result<HttpResponse, Problem> {
    match complete(&context, &connections, activation.get_ref().as_ref(), callback).await {
        Ok(Completed::Connected(result)) => connected_page(&result),
        Ok(Completed::Activated(member)) => activated_page(&context, &member),
        Err(problem) if wants_json(&request) => Err(problem),
        Err(problem) => Page::of_problem(&problem).respond(problem.code().status()),
    }
}

enum Completed {
    Connected(TestResult),
    Activated(ActivatedMember),
}

async fn complete(
    context: &Context,
    connections: &Connections,
    activation: &dyn ActivationByLogin,
    callback: Callback,
) -> Result<Completed, Problem> {
    let _ = context;
    let state: SecretString = callback.state.ok_or(ConnectionError::StateInvalid)?.into();
    let refusal = callback.error_description.or(callback.error).unwrap_or_else(|| "it sent neither a code nor a reason".into());
    // Only letters that belong in a sentence are shown again; the text comes from outside.
    let refusal: String = refusal.chars().filter(|one| !one.is_control()).take(200).collect();
    let authorized = connections.complete(&state, callback.code.as_deref().ok_or(refusal)).await?;
    match &authorized.purpose {
        Purpose::Instance { .. } => Ok(Completed::Connected(connections.keep_salesforce(&authorized, None).await?)),
        Purpose::Activation { invite } => {
            let login = SalesforceLogin {
                organization_id: authorized.identity.organization_id.clone(),
                user_id: authorized.identity.user_id.clone(),
                username: authorized.identity.username.clone(),
                email: authorized.identity.email.clone(),
            };
            let member = activation.activate(authorized.instance, *invite, &login).await?;
            connections.keep_salesforce(&authorized, Some(member.member)).await?;
            Ok(Completed::Activated(member))
        }
    }
}

fn wants_json(request: &HttpRequest) -> bool {
    request.headers().get("accept").and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("json"))
}

fn connected_page(result: &TestResult) -> Result<HttpResponse, Problem> {
    let page = if result.ok {
        Page::text("Salesforce is connected", ["A test call succeeded. You can close this window and go on with the set-up.".to_owned()])
    } else {
        let said = result.message.clone().unwrap_or_default();
        Page::text(
            "Salesforce needs attention",
            [format!("The authorization is complete, but a test call failed: {said}."), result.what_to_do.clone().unwrap_or_default()],
        )
    };
    page.respond(StatusCode::OK)
}

fn activated_page(context: &Context, member: &ActivatedMember) -> Result<HttpResponse, Problem> {
    let page = Page::text("Your account is active", [format!("You are logged in as {}. You can close this window.", member.email)]);
    let mut response = page.respond(StatusCode::OK)?;
    let cookie = Cookie::build(SESSION_COOKIE, member.session.token.expose_secret().to_owned())
        .path("/")
        .http_only(true)
        .secure(context.public_url.0.starts_with("https://"))
        .same_site(SameSite::Lax)
        .expires(actix_web::cookie::time::OffsetDateTime::from_unix_timestamp(member.session.expires_at.unix_seconds()).ok())
        .finish();
    response.add_cookie(&cookie).map_err(|_| Problem::new(Code::Internal, "The session can't be begun."))?;
    Ok(response)
}
