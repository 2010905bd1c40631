//! Routes of instances: made and listed by operators, seen and changed by those who act in one.

use actix_web::HttpResponse;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::create::create_instance;
use super::{
    Environment, Instance, InstanceError, Language, LoginManagement, MunchkinId, NewInstance, Prerequisites, ProvisionedCredentials,
    SettingsChange, integration, store,
};
use crate::audit::ChangeOrigin;
use crate::auth::MAX_OVERLAP;
use crate::clock::Timestamp;
use crate::config::LimitSettings;
use crate::context::Context;
use crate::http::problem::ProblemBody;
use crate::http::{
    AsProblem, Authorized, AuthorizedOperator, Body, Code, InstanceCaller, Listing, OptionalBody, PageParams, PathParams, Problem,
    QueryParams, Routes, UnboundOperator, ValidationError, read_display_name, route,
};
use crate::ids::InstanceId;
use crate::permissions::scope::{InstanceRead, InstanceWrite, InstancesManage};

impl AsProblem for InstanceError {
    fn as_problem(&self) -> Problem {
        let said = format!("{self}.");
        match self {
            Self::Exists { instance, .. } => Problem::new(Code::InstanceExists, said).with_link(format!("/v1/instances/{instance}")),
            Self::Unknown => Problem::new(Code::NotFound, said),
            Self::PrerequisiteUnmet(_) => Problem::new(Code::PrerequisiteUnmet, said).with_link("/v1/instance/onboarding"),
            Self::SecretAlreadyRevealed(_) => {
                Problem::new(Code::SecretAlreadyRevealed, said).with_link("/v1/instance/integration-information/rotate")
            }
            Self::NobodyInvited => Problem::new(Code::StepRequired, format!("{said} That is step 1.")).with_link("/v1/invites/first"),
            Self::Db(error) => error.as_problem(),
            Self::Seal(error) => error.as_problem(),
            Self::Auth(error) => error.as_problem(),
        }
    }
}

/// The routes.
pub fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(post_instance).idempotent()).add(route!(list_instances)).add(route!(get_any_instance));
    routes.add(route!(get_instance)).add(route!(update_instance));
    routes
        .add(route!(get_integration_information))
        .add(route!(reveal_integration_secret).idempotent())
        .add(route!(rotate_integration_secret).idempotent());
}

/// Limits of an instance.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InstanceLimits)]
struct Limits {
    people: u64,
    user_seats: i64,
    teams: i64,
}

/// An instance.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Instance)]
struct InstanceBody {
    id: InstanceId,
    /// Names the Marketo subscription.
    #[schema(value_type = String, example = "123-ABC-456")]
    munchkin_id: MunchkinId,
    name: String,
    environment: Environment,
    login_management: LoginManagement,
    /// Language of mails and pages.
    language: Language,
    prerequisites: Prerequisites,
    limits: Limits,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl InstanceBody {
    fn new(instance: Instance, limits: LimitSettings) -> Self {
        Self {
            id: instance.id,
            munchkin_id: instance.munchkin_id,
            name: instance.name,
            environment: instance.environment,
            login_management: instance.login_management,
            language: instance.language,
            prerequisites: instance.prerequisites,
            limits: Limits { people: limits.people, user_seats: limits.seats, teams: limits.teams },
            created_at: instance.created_at,
            updated_at: instance.updated_at,
        }
    }
}

/// The credentials of a Marketo API-only user.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarketoCredentials {
    /// Client id of a LaunchPoint service.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) client_id: String,
    /// Its client secret.
    #[schema(value_type = String, format = "password", min_length = 1, max_length = 200)]
    pub(crate) client_secret: SecretString,
}

impl MarketoCredentials {
    /// Adds what is wrong with them to the errors of the input; `pointer` is theirs.
    pub(crate) fn check(&self, pointer: &str, errors: &mut Vec<ValidationError>) {
        for (name, text) in [("client_id", self.client_id.as_str()), ("client_secret", self.client_secret.expose_secret())] {
            if text.is_empty() || text.chars().count() > 200 {
                errors.push(ValidationError::new(format!("{pointer}/{name}"), "length", format!("{name} has 1 to 200 characters.")));
            }
        }
    }
}

/// An instance to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateInstance {
    /// Names the Marketo subscription.
    #[schema(pattern = "^[0-9]{3}-[A-Z]{3}-[0-9]{3}$", example = "123-ABC-456")]
    munchkin_id: String,
    /// What people call it; the Munchkin id unless given. No control characters, line separators or marks of direction; spaces around
    /// it are dropped.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^ *[^\u0000-\u0020\u007f-\u009f\u2028-\u202e\u2066-\u2069][^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$"
    )]
    name: Option<String>,
    environment: Environment,
    /// Language of mails and pages; English unless given.
    language: Option<Language>,
    prerequisites: Prerequisites,
    /// For the one-click connect and for the list of Marketo admins.
    marketo: Option<MarketoCredentials>,
}

impl CreateInstance {
    fn parse(self) -> Result<NewInstance, Problem> {
        let mut errors = Vec::new();
        let munchkin_id = self.munchkin_id.parse::<MunchkinId>();
        if let Err(error) = &munchkin_id {
            errors.push(ValidationError::new("/munchkin_id", "not_a_munchkin_id", format!("{error}.")));
        }
        let name = match &self.name {
            Some(text) => read_display_name(&mut errors, "/name", text),
            None => munchkin_id.as_ref().ok().map(|id| id.into()),
        };
        if let Some(marketo) = &self.marketo {
            marketo.check("/marketo", &mut errors);
        }
        match (munchkin_id, name) {
            (Ok(munchkin_id), Some(name)) if errors.is_empty() => {
                let (environment, prerequisites) = (self.environment, self.prerequisites);
                let language = self.language.unwrap_or(Language::En);
                let marketo =
                    self.marketo.map(|MarketoCredentials { client_id, client_secret }| ProvisionedCredentials { client_id, client_secret });
                Ok(NewInstance { munchkin_id, name, environment, language, prerequisites, marketo })
            }
            _ => Err(Problem::invalid(errors)),
        }
    }
}

/// Create an instance
///
/// For operators, with a token that is narrowed to no instance. A Marketo subscription has one instance.
#[utoipa::path(post, path = "/v1/instances", operation_id = "createInstance", tag = "Instances", request_body = CreateInstance, responses(
    (status = 201, description = "The instance.", body = InstanceBody),
    (status = 409, description = "The subscription has one already; `link` leads to it.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn post_instance(
    _: UnboundOperator<InstancesManage>,
    context: Context,
    origin: ChangeOrigin,
    Body(wanted): Body<CreateInstance>,
) -> Result<HttpResponse, Problem> {
    let made = create_instance(&context, &origin, wanted.parse()?).await?;
    let location = context.public_url.join(&format!("/v1/instances/{}", made.id));
    Ok(HttpResponse::Created().insert_header(("location", location)).json(InstanceBody::new(made, context.limits)))
}

/// List instances
///
/// For operators; in the order they were made. A token narrowed to an instance sees that one.
#[utoipa::path(
    get, path = "/v1/instances", operation_id = "listInstances", tag = "Instances", params(PageParams),
    responses((status = 200, description = "A page.", body = Listing<InstanceBody>))
)]
async fn list_instances(
    context: Context,
    caller: AuthorizedOperator<InstancesManage>,
    QueryParams(page): QueryParams<PageParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, after) = page.read::<InstanceId>()?;
    let rows = match caller.narrowed_to {
        None => store::list(&context.db, after, i64::from(limit) + 1).await?,
        Some(only) if after.is_some_and(|after| only <= after) => Vec::new(),
        Some(only) => store::find(&context.db, only).await?.into_iter().collect(),
    };
    let rows = rows.into_iter().map(|row| InstanceBody::new(row, context.limits)).collect();
    Ok(HttpResponse::Ok().json(Listing::page(rows, limit, |row| row.id)))
}

/// See any instance
///
/// For operators. A token narrowed to an instance sees that one.
#[utoipa::path(
    get, path = "/v1/instances/{instance_id}", operation_id = "getAnyInstance", tag = "Instances", params(("instance_id" = InstanceId, Path, description = "The instance.")),
    responses((status = 200, description = "The instance.", body = InstanceBody))
)]
async fn get_any_instance(
    context: Context,
    caller: AuthorizedOperator<InstancesManage>,
    PathParams(id): PathParams<InstanceId>,
) -> Result<HttpResponse, Problem> {
    let found = store::find(&context.db, id).await?.filter(|found| caller.reaches(found.id)).ok_or(InstanceError::Unknown)?;
    Ok(HttpResponse::Ok().json(InstanceBody::new(found, context.limits)))
}

async fn own(context: &Context, caller: &InstanceCaller) -> Result<Instance, Problem> {
    Ok(store::find(&context.db, caller.instance).await?.ok_or(InstanceError::Unknown)?)
}

/// See the caller's instance
#[utoipa::path(
    get, path = "/v1/instance", operation_id = "getInstance", tag = "Instances",
    responses((status = 200, description = "The instance.", body = InstanceBody))
)]
async fn get_instance(context: Context, caller: Authorized<InstanceRead>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(InstanceBody::new(own(&context, &caller).await?, context.limits)))
}

/// What is to be changed; what is left out stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateInstance {
    /// No control characters, line separators or marks of direction; spaces around it are dropped.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^ *[^\u0000-\u0020\u007f-\u009f\u2028-\u202e\u2066-\u2069][^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$"
    )]
    name: Option<String>,
    login_management: Option<LoginManagement>,
    language: Option<Language>,
    prerequisites: Option<Prerequisites>,
}

/// Change the caller's instance
///
/// Setting `login_management` to `salesforce_only` ends every session that was begun with a password, in the same moment; see
/// `GET /v1/instance/login-management/consequences` before.
#[utoipa::path(
    patch, path = "/v1/instance", operation_id = "updateInstance", tag = "Instances", request_body = UpdateInstance,
    responses((status = 200, description = "The instance as it is now.", body = InstanceBody))
)]
async fn update_instance(
    context: Context,
    caller: Authorized<InstanceWrite>,
    Body(wanted): Body<UpdateInstance>,
) -> Result<HttpResponse, Problem> {
    let mut errors = Vec::new();
    let UpdateInstance { name, login_management, language, prerequisites } = wanted;
    let name = name.and_then(|text| read_display_name(&mut errors, "/name", &text));
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let change = SettingsChange { name, login_management, language, prerequisites };
    let mut tx = context.db.begin().await?;
    let instance = super::change_settings(&mut tx, &*context.clock, caller.instance, &caller.origin, change).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(InstanceBody::new(instance, context.limits)))
}

/// The Integration Information card.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = IntegrationInformation)]
struct IntegrationBody {
    /// The instance's own API client.
    client_id: String,
    /// Its secret: only where it is revealed or rotated.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    created_at: Timestamp,
    /// When the secret was shown; null as long as it can be revealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    revealed_at: Option<Timestamp>,
}

impl From<super::IntegrationInformation> for IntegrationBody {
    fn from(card: super::IntegrationInformation) -> Self {
        let client_secret = card.client_secret.map(|secret| secret.expose_secret().to_owned());
        Self { client_id: card.client_id, client_secret, created_at: card.created_at, revealed_at: card.revealed_at }
    }
}

/// See the Integration Information
///
/// Empty until the first user has been invited. The secret is never in it: `POST /v1/instance/integration-information/reveal-secret`
/// shows it once.
#[utoipa::path(get, path = "/v1/instance/integration-information", operation_id = "getIntegrationInformation", tag = "Set-up", responses(
    (status = 200, description = "The card, without the secret.", body = IntegrationBody),
    (status = 409, description = "Nobody has been invited yet.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn get_integration_information(context: Context, caller: Authorized<InstanceWrite>) -> Result<HttpResponse, Problem> {
    let mut snapshot = context.db.begin_snapshot().await?;
    let card = integration::find_card(&mut snapshot, caller.instance).await?;
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(IntegrationBody::from(card)))
}

/// Show the secret of the instance's API client, once
///
/// Keep the answer: the secret is shown this once and not kept to be shown again. Rotate it when it was lost.
#[utoipa::path(
    post, path = "/v1/instance/integration-information/reveal-secret",
    operation_id = "revealIntegrationSecret", tag = "Set-up", responses(
    (status = 200, description = "The card, with the secret.", body = IntegrationBody),
    (status = 409, description = "Nobody has been invited yet, or the secret has been shown already.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn reveal_integration_secret(context: Context, caller: Authorized<InstanceWrite>) -> Result<HttpResponse, Problem> {
    let card = integration::reveal_secret(&context, caller.instance, &caller.origin).await?;
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(IntegrationBody::from(card)))
}

/// How the secret is changed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct RotateSecret {
    /// How long the secret of before works on, in seconds; it stops at once unless given.
    // JSON's whole numbers may be written with a fraction of zero.
    #[serde(default)]
    #[schema(value_type = i64, minimum = 0, maximum = 604_800)]
    keep_old_for_seconds: f64,
}

/// Give the instance's API client another secret
///
/// The one before stops working at once, or after `keep_old_for_seconds`: until then both work, so that programs can change over
/// one by one. A still older one stops at once.
#[utoipa::path(
    post, path = "/v1/instance/integration-information/rotate",
    operation_id = "rotateIntegrationSecret", tag = "Set-up", request_body = Option<RotateSecret>, responses(
    (status = 200, description = "The card, with the new secret.", body = IntegrationBody),
    (status = 409, description = "Nobody has been invited yet.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn rotate_integration_secret(
    context: Context,
    caller: Authorized<InstanceWrite>,
    OptionalBody(wanted): OptionalBody<RotateSecret>,
) -> Result<HttpResponse, Problem> {
    let seconds = wanted.map_or(0.0, |wanted| wanted.keep_old_for_seconds);
    if seconds.fract() != 0.0 || !(0.0..=MAX_OVERLAP.as_seconds_f64()).contains(&seconds) {
        let detail = format!("An old secret can be kept for 0 to {} whole seconds.", MAX_OVERLAP.whole_seconds());
        return Err(Problem::invalid(vec![ValidationError::new("/keep_old_for_seconds", "out_of_range", detail)]));
    }
    let overlap = time::Duration::seconds_f64(seconds);
    let card = integration::rotate_secret(&context, caller.instance, &caller.origin, overlap).await?;
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(IntegrationBody::from(card)))
}
