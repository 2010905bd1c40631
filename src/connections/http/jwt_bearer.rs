use actix_web::HttpResponse;
use actix_web::web::Data;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{HostName, find_instance, parse_host, parse_organization_id};
use crate::connections::{AssertionSetup, Connections, TestResult};
use crate::context::Context;
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, Body, Problem, Routes, ValidationError, route};
use crate::permissions::scope::ConnectionsWrite;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(set_up_assertions));
}

/// Most characters of a name or id.
const MAX_NAME_LENGTH: usize = 255;
/// Most characters of a key: RSA of 16,384 bits in PEM form stays below.
const MAX_KEY_LENGTH: usize = 20_000;

/// A key for assertions, and whom to act as.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfigureJwtBearer {
    /// Login name of the Salesforce user to act as; the user must have been approved for the app.
    #[schema(min_length = 1, max_length = 255, example = "integration@example.com")]
    username: String,
    /// RSA private key in PEM form, not encrypted. Its certificate belongs to the app in Salesforce. It is kept sealed and never shown.
    #[schema(value_type = String, min_length = 1, max_length = 20000)]
    private_key: SecretString,
    /// Consumer key of the app that holds the certificate; this service's own app unless given.
    #[schema(min_length = 1, max_length = 255)]
    client_id: Option<String>,
    /// `production`, `sandbox`, or the organization's My Domain host. The host of the connection there is, else production.
    #[schema(inline)]
    host: Option<HostName>,
    /// The organization that the instance is to move to, 18 characters. Only needed when it belongs to another one.
    #[schema(example = "00D5g00003QbnlqEAB", pattern = r"^00D[A-Za-z0-9]{15}$")]
    confirm_organization_id: Option<String>,
}

impl ConfigureJwtBearer {
    fn check(self) -> Result<AssertionSetup, Problem> {
        let mut errors = Vec::new();
        let unfit = |text: &str, most: usize| !(1..=most).contains(&text.chars().count());
        if unfit(&self.username, MAX_NAME_LENGTH) {
            errors.push(ValidationError::new("/username", "length", "username has 1 to 255 characters."));
        }
        if unfit(self.private_key.expose_secret(), MAX_KEY_LENGTH) {
            errors.push(ValidationError::new("/private_key", "length", "private_key has 1 to 20000 characters."));
        }
        if self.client_id.as_deref().is_some_and(|id| unfit(id, MAX_NAME_LENGTH)) {
            errors.push(ValidationError::new("/client_id", "length", "client_id has 1 to 255 characters."));
        }
        let setup = AssertionSetup {
            host: parse_host(self.host.as_ref(), &mut errors),
            confirmed_organization: parse_organization_id(self.confirm_organization_id, &mut errors),
            username: self.username,
            client_id: self.client_id,
            private_key: self.private_key,
        };
        if errors.is_empty() { Ok(setup) } else { Err(Problem::invalid(errors)) }
    }
}

/// Connect Salesforce with a key
///
/// The JWT bearer flow: tokens are asked for with assertions signed by the key, so there is no refresh token that could be lost.
/// With a connection of the same user, the key becomes the way to renew it; a connection that has lost its refresh token works
/// again. Otherwise it makes the instance's connection. Nothing is kept unless a token was had.
#[utoipa::path(
    put, path = "/v1/connections/salesforce/jwt-bearer",
    operation_id = "connectSalesforceWithKey", tag = "Connections", request_body = ConfigureJwtBearer, responses(
    (status = 200, description = "Connected; the result of a test call.", body = TestResult),
    (status = 409, description = "Salesforce refuses, a prerequisite is unmet, it is another organization, or the service's app is not configured.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn set_up_assertions(
    context: Context,
    caller: Authorized<ConnectionsWrite>,
    connections: Data<Connections>,
    Body(body): Body<ConfigureJwtBearer>,
) -> Result<HttpResponse, Problem> {
    let setup = body.check()?;
    find_instance(&context, &caller).await?.prerequisites.check()?;
    Ok(HttpResponse::Ok().json(connections.connect_salesforce_by_assertion(caller.instance, setup, &caller.origin).await?))
}
