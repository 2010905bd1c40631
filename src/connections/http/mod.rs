//! Routes of the connections, and the address to which Salesforce sends people back.

mod access;
mod callback;
mod callback_page;
mod jwt_bearer;
mod marketo;
mod own;
mod salesforce;
mod tokens;

use std::time::Duration;

use actix_web::http::header;
use serde::Deserialize;
use utoipa::openapi::schema::{Schema, Type};
use utoipa::openapi::{ObjectBuilder, RefOr};

use super::{ConnectionAdmin, ConnectionError, MAX_HOST_LENGTH, MarketoDenial, NoSalesforceHost, SALESFORCE_HOST_PATTERN, SalesforceHost};
use crate::context::Context;
use crate::http::{AsProblem, Code, InstanceCaller, Problem, Routes, ValidationError};
use crate::instances::{self, Instance};
use crate::marketo::MarketoError;
use crate::salesforce::SalesforceError;
use crate::upstream::{Quota, QuotaExhausted};

impl AsProblem for ConnectionError {
    fn as_problem(&self) -> Problem {
        let said = format!("{self}.");
        match self {
            Self::NotConnected { link, .. } => Problem::new(Code::NotConnected, said).with_link(*link),
            Self::AlreadyConnected(_) => Problem::new(Code::AlreadyConnected, said),
            Self::SalesforceNotConfigured => Problem::new(Code::SalesforceNotConfigured, said),
            Self::AddressNotAllowed(_) => Problem::new(Code::SalesforceRefused, said),
            Self::MarketoAddress(_) => Problem::new(Code::MarketoAddressWrong, said),
            Self::NoMarketoCredentials => Problem::new(Code::NoMarketoCredentials, said),
            Self::StateInvalid => Problem::new(Code::StateInvalid, said),
            Self::MemberSessionRequired => Problem::new(Code::MemberSessionRequired, said),
            Self::AuthorizationDenied(_) => Problem::new(Code::AuthorizationDenied, said),
            Self::NeedsAttention(_) => Problem::new(Code::ConnectionNeedsAttention, said),
            Self::Unavailable { .. } => {
                Problem::new(Code::UpstreamUnavailable, format!("{said} Try again in a few seconds.")).with_header(header::RETRY_AFTER, "5")
            }
            Self::OtherOrganization { .. } => Problem::new(Code::OtherOrganization, said),
            Self::PrivateKey(_) => Problem::invalid(vec![ValidationError::new("/private_key", "not_a_private_key", said)]),
            Self::NotTheOwner(_) => Problem::new(Code::NotTheOwner, said),
            Self::AccessStillGranted(_) => Problem::new(Code::AccessStillGranted, said).with_link("/v1/connections/marketo/access"),
            Self::NoAccess(_) => Problem::new(Code::MarketoAccessRequired, said),
            Self::NotAnAdmin => Problem::new(Code::NotAnAdmin, said),
            Self::MarketoDenied(MarketoDenial::MissingPermission) => Problem::new(Code::MarketoPermissionMissing, self.to_string()),
            Self::MarketoDenied(MarketoDenial::AddressNotAllowed) => Problem::new(Code::MarketoAddressNotAllowed, self.to_string()),
            Self::Shared(error) => error.as_problem(),
            Self::Marketo(error) => marketo_problem(error),
            Self::Salesforce(error) => salesforce_problem(error),
            Self::Instance(error) => error.as_problem(),
            Self::Db(error) => error.as_problem(),
            Self::Seal(error) => error.as_problem(),
        }
    }
}

/// A quota that is used up, ours or the vendor's, and when there is room again.
fn exhausted(quota: Quota, wait: Option<Duration>, detail: String) -> Problem {
    let code = if quota.is_daily() { Code::DailyQuotaExhausted } else { Code::QuotaExhausted };
    let seconds = wait.map_or(1, |wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1);
    Problem::new(code, detail).with_header(header::RETRY_AFTER, seconds.to_string())
}

fn marketo_problem(error: &MarketoError) -> Problem {
    let detail = format!("{error}. {}", error.remedy());
    if let Some(quota) = error.quota() {
        return exhausted(quota, error.retry_after(), detail);
    }
    let code = match error {
        MarketoError::Unreachable { .. } | MarketoError::NotMarketo { .. } => Code::MarketoAddressWrong,
        MarketoError::UnknownClient { .. } => Code::MarketoClientUnknown,
        MarketoError::WrongSecret { .. } => Code::MarketoSecretWrong,
        MarketoError::Temporary(_) => Code::UpstreamUnavailable,
        _ => Code::MarketoRefused,
    };
    Problem::new(code, detail)
}

fn salesforce_problem(error: &SalesforceError) -> Problem {
    let detail = format!("{error}. {}", error.remedy());
    if let SalesforceError::ShareUsedUp(QuotaExhausted { quota, retry_after }) = error {
        return exhausted(*quota, Some(*retry_after), detail);
    }
    let code = match error {
        SalesforceError::Unreachable { .. } | SalesforceError::AnswerLost { .. } => Code::UpstreamUnavailable,
        _ => Code::SalesforceRefused,
    };
    Problem::new(code, detail)
}

/// The routes of the token broker, which are called most.
pub fn token_routes(routes: &mut Routes<'_>) {
    tokens::routes(routes);
}

/// The other routes.
pub fn routes(routes: &mut Routes<'_>) {
    salesforce::routes(routes);
    marketo::routes(routes);
    callback::routes(routes);
    jwt_bearer::routes(routes);
    own::routes(routes);
    access::routes(routes);
}

async fn find_instance(context: &Context, caller: &InstanceCaller) -> Result<Instance, Problem> {
    let found = instances::find(&context.db, caller.instance).await?;
    found.ok_or_else(|| Problem::new(Code::NotFound, "The instance of this token is gone."))
}

fn connection_admin(caller: &InstanceCaller) -> ConnectionAdmin {
    ConnectionAdmin { actor: caller.actor.clone(), scopes: caller.scopes.clone(), origin: caller.origin.clone() }
}

/// `production`, `sandbox`, or the organization's My Domain host, as a caller writes it.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct HostName(String);

// Written by hand: a derived one takes no pattern that is a constant.
impl utoipa::PartialSchema for HostName {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(SALESFORCE_HOST_PATTERN));
        text.max_length(Some(MAX_HOST_LENGTH)).examples(["production"]).into()
    }
}

impl utoipa::ToSchema for HostName {}

/// The host that a caller names, if any; what is wrong with it joins the other errors.
fn parse_host(named: Option<&HostName>, errors: &mut Vec<ValidationError>) -> Option<SalesforceHost> {
    let wrong = |error: NoSalesforceHost| errors.push(ValidationError::new("/host", "not_a_salesforce_host", format!("{error}.")));
    named?.0.parse().map_err(wrong).ok()
}

/// The organization that a caller confirms, if any; what is wrong with its id joins the other errors.
fn parse_organization_id(confirmed: Option<String>, errors: &mut Vec<ValidationError>) -> Option<String> {
    let id = confirmed?;
    if id.len() == 18 && id.starts_with("00D") && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Some(id);
    }
    let detail = "The id of an organization begins with 00D and has 18 letters and digits.";
    errors.push(ValidationError::new("/confirm_organization_id", "not_an_organization_id", detail));
    None
}
