//! Routes of the connections, and the address to which Salesforce sends people back.

mod callback;
mod diagnostics;
mod marketo;
mod salesforce;

use std::time::Duration;

use actix_web::http::header;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{ConnectionError, ConnectionState};
use crate::auth::Actor;
use crate::http::{AsProblem, Code, Context, InstanceCaller, Problem};
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

/// A quota that is used up, ours or the vendor's, and when there is room again.
fn exhausted(quota: Quota, wait: Option<Duration>, detail: String) -> Problem {
    let code = if quota.is_daily() { Code::DailyQuotaExhausted } else { Code::QuotaExhausted };
    let seconds = wait.map_or(1, |wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1);
    Problem::new(code, detail).with_header(header::RETRY_AFTER, seconds.to_string())
}

fn marketo_problem(error: &MarketoError) -> Problem {
    let detail = format!("{error}. {}", error.what_to_do());
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
    let detail = format!("{error}. {}", error.what_to_do());
    if let SalesforceError::ShareUsedUp(QuotaExhausted { quota, retry_after }) = error {
        return exhausted(*quota, Some(*retry_after), detail);
    }
    let code = match error {
        SalesforceError::Unreachable { .. } | SalesforceError::AnswerLost { .. } => Code::UpstreamUnavailable,
        _ => Code::SalesforceRefused,
    };
    Problem::new(code, detail)
}

/// The routes.
pub fn routes(config: &mut ServiceConfig) {
    salesforce::routes(config);
    marketo::routes(config);
    diagnostics::routes(config);
    callback::routes(config);
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

fn state_of(text: &str) -> ConnectionState {
    if text == "active" { ConnectionState::Active } else { ConnectionState::NeedsAttention }
}
