//! Routes of the connections, and the address to which Salesforce sends people back.

mod access;
mod callback;
mod jwt_bearer;
mod marketo;
mod own;
mod salesforce;
mod tokens;

use actix_web::http::header;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Admin, ConnectionError, ConnectionState, Denial, NoSalesforceHost, SalesforceHost};
use crate::http::{AsProblem, Code, Context, InputFault, InstanceCaller, Problem};
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
            Self::AddressNotAllowed(_) => Problem::new(Code::SalesforceRefused, said),
            Self::MarketoAddress(_) => Problem::new(Code::MarketoAddressWrong, said),
            Self::NoMarketoCredentials => Problem::new(Code::NoMarketoCredentials, said),
            Self::StateInvalid => Problem::new(Code::StateInvalid, said),
            Self::AuthorizationDenied(_) => Problem::new(Code::AuthorizationDenied, said),
            Self::NeedsAttention(_) => Problem::new(Code::ConnectionNeedsAttention, said),
            Self::Unavailable { .. } => {
                Problem::new(Code::UpstreamUnavailable, format!("{said} Try again in a few seconds.")).with_header(header::RETRY_AFTER, "5")
            }
            Self::OtherOrganization { .. } => Problem::new(Code::OtherOrganization, said),
            Self::PrivateKey(_) => Problem::invalid(vec![InputFault::new("/private_key", "not_a_private_key", said)]),
            Self::NotTheOwner(_) => Problem::new(Code::NotTheOwner, said),
            Self::AccessStillGranted(_) => Problem::new(Code::AccessStillGranted, said).with_link("/v1/connections/marketo/access"),
            Self::NoAccess(_) => Problem::new(Code::MarketoAccessRequired, said),
            Self::NotAnAdmin => Problem::new(Code::NotAnAdmin, said),
            Self::MarketoDenied(Denial::MissingPermission) => Problem::new(Code::MarketoPermissionMissing, self.to_string()),
            Self::MarketoDenied(Denial::AddressNotAllowed) => Problem::new(Code::MarketoAddressNotAllowed, self.to_string()),
            Self::Shared(error) => error.as_problem(),
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
    salesforce::routes(config);
    marketo::routes(config);
    callback::routes(config);
    jwt_bearer::routes(config);
    own::routes(config);
    access::routes(config);
    tokens::routes(config);
}

async fn instance_of(context: &Context, caller: &InstanceCaller) -> Result<Instance, Problem> {
    let found = instances::find(&context.db, caller.instance).await?;
    found.ok_or_else(|| Problem::new(Code::NotFound, "The instance of this token is gone."))
}

fn admin_of(caller: &InstanceCaller) -> Admin {
    Admin { actor: caller.actor.clone(), scopes: caller.scopes.clone() }
}

/// The host that a caller names; production unless given.
fn host_of(text: Option<&str>) -> Result<SalesforceHost, Problem> {
    text.map_or(Ok(SalesforceHost::Production), |text| {
        let wrong = |error: NoSalesforceHost| InputFault::new("/host", "not_a_salesforce_host", format!("{error}."));
        text.parse().map_err(|error| Problem::invalid(vec![wrong(error)]))
    })
}

fn state_of(text: &str) -> ConnectionState {
    if text == "active" { ConnectionState::Active } else { ConnectionState::NeedsAttention }
}
