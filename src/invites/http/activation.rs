//! `GET` and `POST /activate/{token}`: the page behind the link of an invitation. Browsers get pages, programs get JSON.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::openapi::schema::{AdditionalProperties, KnownFormat, OneOfBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{ObjectBuilder, RefOr};

use super::activation_page::page;
use crate::audit::ChangeOrigin;
use crate::clock::Timestamp;
use crate::connections::{
    ActivatedMember, ActivationByLogin, Connections, NoSalesforceHost, SALESFORCE_HOST_PATTERN, SalesforceHost, SalesforceLogin,
    active_page,
};
use crate::context::Context;
use crate::http::body::{not_null, read_json_or_form};
use crate::http::problem::ProblemBody;
use crate::http::{
    AnyCaller, Audience, Code, PathParams, Problem, Routes, SharedLimit, ValidationError, problem_or_page, refuse_cross_site, route,
    session_cookie,
};
use crate::ids::{InstanceId, InviteId};
use crate::instances::LoginManagement;
use crate::invites::activation::{
    ActivationMethod, NewlyActivatedMember, OpenLink, by_password, by_salesforce, language_of_link, open_link,
};
use crate::invites::{InviteError, store};
use crate::language::Language;
use crate::members::{MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH, MemberView, check_length};

/// The routes behind an invitation's link.
pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(get_activation).limited_by(SharedLimit::Links)).add(route!(post_activation).limited_by(SharedLimit::Links));
}

/// What the link is for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Activation)]
struct ActivationView {
    /// The invited address.
    email: String,
    instance_name: String,
    login_management: LoginManagement,
    /// The ways to activate.
    methods: Vec<ActivationMethod>,
    expires_at: Timestamp,
}

/// How to activate, in JSON or as a form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ActivationRequest {
    method: ActivationMethod,
    #[serde(default, deserialize_with = "not_null")]
    salesforce_host: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    password: Option<SecretString>,
}

// Written by hand: each method has a field of its own, and an error in either is to be named by its pointer, which a derived
// enum can't do.
impl utoipa::PartialSchema for ActivationRequest {
    fn schema() -> RefOr<Schema> {
        let way = |method: &str, description: &str| {
            let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([method]));
            ObjectBuilder::new()
                .title(Some(description))
                .property("method", word)
                .required("method")
                .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        };
        let host = ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(100))
            .pattern(Some(SALESFORCE_HOST_PATTERN))
            .examples([json!("production")])
            .description(Some("`production`, `sandbox` or the host of a My Domain; the instance's own environment unless given."));
        let password = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
            .min_length(Some(MIN_PASSWORD_LENGTH))
            .max_length(Some(MAX_PASSWORD_LENGTH));
        OneOfBuilder::new()
            .item(way("salesforce", "Log in to Salesforce").property("salesforce_host", host))
            .item(way("password", "Choose a password").property("password", password).required("password"))
            .description(Some("How to activate."))
            .into()
    }
}

impl utoipa::ToSchema for ActivationRequest {}

/// The way that was chosen, with what it needs.
enum ChosenLogin {
    Salesforce(Option<SalesforceHost>),
    Password(SecretString),
}

impl ActivationRequest {
    fn parse(self) -> Result<ChosenLogin, Problem> {
        let error = |pointer, code, detail: String| Problem::invalid(vec![ValidationError::new(pointer, code, detail)]);
        let foreign = |pointer| error(pointer, "not_for_this_method", "This belongs to the other method; leave it out.".to_owned());
        match self.method {
            ActivationMethod::Salesforce if self.password.is_some() => Err(foreign("/password")),
            ActivationMethod::Salesforce => {
                let host = self.salesforce_host.map(|text| text.parse()).transpose();
                let wrong = |no_host: NoSalesforceHost| error("/salesforce_host", "not_a_salesforce_host", format!("{no_host}."));
                host.map(ChosenLogin::Salesforce).map_err(wrong)
            }
            ActivationMethod::Password if self.salesforce_host.is_some() => Err(foreign("/salesforce_host")),
            ActivationMethod::Password => {
                let password = self.password.unwrap_or_default();
                check_length(&password).map_err(InviteError::from)?;
                Ok(ChosenLogin::Password(password))
            }
        }
    }
}

/// Where to log in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AuthorizationRedirect {
    /// Salesforce's authorization address; open it in a browser.
    #[schema(format = "uri")]
    authorization_url: String,
}

/// What a program gets for activating.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[allow(dead_code)] // documents that the answer is one of two
enum ActivationResponse {
    Member(MemberView),
    Redirect(AuthorizationRedirect),
}

/// See an invitation
///
/// The page behind the link of an invitation. Ask with `Accept: application/json` for its facts instead.
#[utoipa::path(
    get, path = "/activate/{token}",
    operation_id = "getActivation", tag = "Activation", params(("token" = String, Path, description = "The secret of the link.")),
    responses(
        (status = 200, description = "The page, or what the link is for.", content((ActivationView = "application/json"), (String = "text/html"))),
        (status = 404, description = "The link is not known.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 410, description = "The link was used, has expired, or was replaced by a newer one, or the invitation was revoked.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 429, description = "Too many requests with this link, or with links from this address; Retry-After says how long to wait.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 503, description = "The service or its database can't answer right now.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
    )
)]
async fn get_activation(
    _: AnyCaller,
    request: HttpRequest,
    context: Context,
    PathParams(token): PathParams<String>,
) -> Result<HttpResponse, Problem> {
    let reader = reader(&request, &context, &token).await;
    let shown = async {
        let link = open_link(&context.db, context.clock.timestamp(), &token.clone().into()).await?;
        match reader {
            Audience::Program => Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view(&link))),
            Audience::Person(language) => page(&link, &token, language).respond(StatusCode::OK),
        }
    };
    problem_or_page(shown.await, reader)
}

/// Who reads the answer: a person in the invitation's language, even when the link can't be used any more.
async fn reader(request: &HttpRequest, context: &Context, token: &str) -> Audience {
    match Audience::of_request(request) {
        Audience::Program => Audience::Program,
        person => person.written_to_in(language_of_link(&context.db, &token.into()).await),
    }
}

/// Activate
///
/// With `salesforce`, browsers are sent to Salesforce (303) and programs get the address to open (200). With `password`, which
/// the instance must allow, the member is active and logged in at once: the answer sets the session cookie.
#[utoipa::path(
    post, path = "/activate/{token}",
    operation_id = "activate", tag = "Activation", params(("token" = String, Path, description = "The secret of the link.")),
    request_body(content((ActivationRequest = "application/json"), (ActivationRequest = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "The member, or where to log in.", content((ActivationResponse = "application/json"), (String = "text/html"))),
        (status = 303, description = "Off to Salesforce.", headers(("Location" = String, description = "Salesforce's authorization address."))),
        (status = 400, description = "The body can't be read.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 403, description = "A page of another site has sent the request.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 404, description = "The link is not known.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 409, description = "The instance does not allow this way, or Salesforce is not set up.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 410, description = "The link was used, has expired, or was replaced by a newer one, or the invitation was revoked.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 413, description = "The body is too large.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 415, description = "The media type is not supported.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 422, description = "Some values can't be used.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 429, description = "Too many requests with this link, or with links from this address; Retry-After says how long to wait.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 503, description = "The service or its database can't answer right now.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
    )
)]
async fn post_activation(
    _: AnyCaller,
    request: HttpRequest,
    context: Context,
    origin: ChangeOrigin,
    connections: Data<Connections>,
    PathParams(token): PathParams<String>,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let reader = reader(&request, &context, &token).await;
    let done = async {
        refuse_cross_site(&request, &context.public_url)?;
        let wanted = read_request(&request, &body.map_err(|error| crate::http::unreadable(&error))?)?;
        let link = open_link(&context.db, context.clock.timestamp(), &token.clone().into()).await?;
        match wanted {
            ChosenLogin::Salesforce(host) => go_to_salesforce(&connections, &link, host, reader).await,
            ChosenLogin::Password(password) => take_password(&context, &origin, &link, password, reader).await,
        }
    };
    let done: Result<_, Problem> = done.await;
    match (done, reader) {
        // The person is at the form: show it again, with what is wrong.
        (Err(problem), Audience::Person(language)) if problem.code() == Code::InvalidInput => {
            match open_link(&context.db, context.clock.timestamp(), &token.clone().into()).await {
                Ok(link) => page(&link, &token, language).with_error(&problem).respond(StatusCode::UNPROCESSABLE_ENTITY),
                Err(_) => problem_or_page(Err(problem), reader),
            }
        }
        (done, _) => problem_or_page(done, reader),
    }
}

async fn go_to_salesforce(
    connections: &Connections,
    link: &OpenLink,
    host: Option<SalesforceHost>,
    reader: Audience,
) -> Result<HttpResponse, Problem> {
    let host = host.unwrap_or_else(|| link.usual_host());
    let begun = connections.begin_activation(link.instance.id, link.invite.id, &host, &link.invite.email).await;
    let url = begun.map_err(InviteError::from)?.to_string();
    Ok(if reader == Audience::Program {
        HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(AuthorizationRedirect { authorization_url: url })
    } else {
        HttpResponse::SeeOther().insert_header((header::LOCATION, url)).insert_header((header::CACHE_CONTROL, "no-store")).finish()
    })
}

async fn take_password(
    context: &Context,
    origin: &ChangeOrigin,
    link: &OpenLink,
    password: SecretString,
    reader: Audience,
) -> Result<HttpResponse, Problem> {
    let NewlyActivatedMember { member, session } = by_password(&context.db, context.clock.as_ref(), link, password, origin).await?;
    let mut answer = match reader {
        Audience::Program => {
            let teams = crate::members::teams_of(&context.db, link.instance.id, member.id, member.id).await?;
            let teams = teams.into_iter().map(|(_, team)| team).collect();
            HttpResponse::Ok().json(MemberView::new(member, teams))
        }
        Audience::Person(language) => active_page(member.email.as_str(), language).respond(StatusCode::OK)?,
    };
    let cookie = session_cookie(&session.token, session.expires_at, &context.public_url);
    answer.add_cookie(&cookie).map_err(|_| Problem::new(Code::Internal, "The session cookie can't be written. Log in instead."))?;
    Ok(answer)
}

fn read_request(request: &HttpRequest, bytes: &[u8]) -> Result<ChosenLogin, Problem> {
    let bad_form = |error| Problem::invalid(vec![ValidationError::new("", "wrong_shape", format!("The form can't be used: {error}."))]);
    read_json_or_form::<ActivationRequest>(request.headers(), bytes, bad_form)?.parse()
}

fn view(link: &OpenLink) -> ActivationView {
    ActivationView {
        email: link.invite.email.clone(),
        instance_name: link.instance.name.clone(),
        login_management: link.instance.login_management,
        methods: link.methods(),
        expires_at: link.invite.expires_at,
    }
}

/// Completes invitations whose people have logged in at Salesforce.
#[derive(Debug, Clone)]
pub struct Activations(pub Context);

impl ActivationByLogin for Activations {
    fn language(&self, instance: InstanceId, invite: InviteId) -> BoxFuture<'_, Option<Language>> {
        Box::pin(async move { store::find(&self.0.db, instance, invite).await.ok().flatten().map(|found| found.language) })
    }

    fn activate<'a>(
        &'a self,
        instance: InstanceId,
        invite: InviteId,
        login: &'a SalesforceLogin,
        origin: &'a ChangeOrigin,
    ) -> BoxFuture<'a, Result<ActivatedMember, Problem>> {
        Box::pin(async move {
            let found = store::find(&self.0.db, instance, invite).await?.ok_or(InviteError::LinkUnknown)?;
            let NewlyActivatedMember { member, session } = by_salesforce(&self.0.db, self.0.clock.as_ref(), &found, login, origin).await?;
            Ok(ActivatedMember { member: member.id, email: member.email.as_str().to_owned(), session })
        })
    }
}
