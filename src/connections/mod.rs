//! The connections to Salesforce and Marketo: sealed credentials, tokens, tests, and the only way for other features to reach a
//! vendor.
//!
//! Functions that only read or write the tables fail with [`DbError`] when the database can't be reached.

mod context;
mod hosts;
pub mod http;
mod marketo;
mod members;
mod proxy;
mod salesforce;
mod service;
mod stored_state;
mod token_report;
mod tokens;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::db::{DbError, text_enum};
use crate::marketo::MarketoError;
use crate::salesforce::SalesforceError;
use crate::tokens::TokenError;
use crate::vault::{SealError, SealedColumn};

pub use hosts::{MAX_HOST_LENGTH, NoSalesforceHost, SALESFORCE_HOST_PATTERN, SalesforceHost};
pub use marketo::{ConnectionAdmin, MarketoAdmin, MarketoDenial, PastedCredentials};
pub use members::{forget_member, hand_marketo_over};
pub use salesforce::{
    ActivatedMember, ActivationByLogin, AssertionSetup, AuthorizationPurpose, BrowserBinding, BrowserCookies, SalesforceLogin, SignInError,
    active_page,
};
pub use service::Connections;
pub use token_report::TokenInvalidationOutcome;

/// What is sealed in the tables of this feature.
pub fn sealed_columns() -> impl Iterator<Item = &'static SealedColumn> {
    salesforce::SEALED_COLUMNS.iter().chain(marketo::SEALED_COLUMNS)
}

text_enum! {
    /// Whether a connection can be used.
    pub enum ConnectionState {
        /// It works as far as is known.
        Active = "active",
        /// It does not work until somebody acts; the last error says what to do.
        NeedsAttention = "needs_attention",
    }
}

/// What a test call found.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = ConnectionTest)]
pub struct TestResult {
    /// Whether the test call succeeded.
    pub ok: bool,
    /// When it was made.
    pub tested_at: Timestamp,
    /// The vendor's code, when the call failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What the vendor said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl TestResult {
    fn succeeded(tested_at: Timestamp) -> Self {
        Self { ok: true, tested_at, code: None, message: None, remedy: None }
    }

    fn salesforce(tested_at: Timestamp, error: &SalesforceError) -> Self {
        let (code, message, remedy) = (error.code().map(str::to_owned), error.message(), error.remedy());
        Self { ok: false, tested_at, code, message: Some(message), remedy: Some(remedy.to_owned()) }
    }

    fn denied(tested_at: Timestamp, denial: MarketoDenial) -> Self {
        let message = Some("Access denied".to_owned());
        Self { ok: false, tested_at, code: Some(denial.code().into()), message, remedy: Some(denial.remedy().into()) }
    }

    fn marketo(tested_at: Timestamp, error: &MarketoError) -> Self {
        let (code, message, remedy) = (error.code().map(str::to_owned), error.message(), error.remedy());
        Self { ok: false, tested_at, code, message: Some(message), remedy: Some(remedy.to_owned()) }
    }
}

/// Why a connection can't be made or used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// There is none of this kind; the text names the step that makes one.
    #[error("there is no connection to {vendor} yet; make it with POST {link}")]
    NotConnected { vendor: &'static str, link: &'static str },
    /// There is one already, and it works.
    #[error("{0} is connected already; disconnect it first")]
    AlreadyConnected(&'static str),
    /// The service has no Salesforce app.
    #[error("the operator has not set salesforce.client_id and salesforce.client_secret")]
    SalesforceNotConfigured,
    /// An address outside of Salesforce's hosts.
    #[error("{0}")]
    AddressNotAllowed(String),
    /// An address that is not the subscription's.
    #[error("{0}")]
    MarketoAddress(String),
    /// Neither provisioned nor pasted credentials.
    #[error("no Marketo credentials were provisioned for this instance; send client_id and client_secret as shown in Actions Config")]
    NoMarketoCredentials,
    /// The `state` is unknown, used or too old.
    #[error("this authorization was not begun here, was completed already, or is older than ten minutes; begin it again")]
    StateInvalid,
    /// A member's own authorization, in a browser without that member's session.
    #[error("this authorization belongs to a member who is not logged in in this browser; log in here as that member and begin it again")]
    MemberSessionRequired,
    /// The person refused at Salesforce, or Salesforce did.
    #[error("Salesforce did not authorize: {0}")]
    AuthorizationDenied(String),
    /// The connection waits for somebody to act.
    #[error("{0}")]
    NeedsAttention(String),
    /// The vendor can't answer now; it passes by itself.
    #[error("no access token can be had right now: {message}")]
    Unavailable { message: String },
    /// Another organization than the instance belongs to has authorized.
    #[error(
        "this instance belongs to the Salesforce organization {known}, but {found} has authorized; nothing was connected. \
         If the instance is to move there, connect again with confirm_organization_id={found}"
    )]
    OtherOrganization { known: String, found: String },
    /// A key that no assertion can be signed with.
    #[error(transparent)]
    PrivateKey(#[from] crate::salesforce::InvalidPrivateKey),
    /// Only the one who connected may do this.
    #[error("this Marketo connection belongs to {0}; only its owner, or an operator, can do that")]
    NotTheOwner(String),
    /// An admin who may use the connection connects another one.
    #[error("you use the Marketo connection of {0}; that access must be withdrawn before you can connect Marketo yourself")]
    AccessStillGranted(String),
    /// An admin without access to the connection of another one.
    #[error("you have no access to the Marketo connection of {0}; its owner can grant it")]
    NoAccess(String),
    /// Access is for active admins.
    #[error("only an active admin of the instance can be granted access")]
    NotAnAdmin,
    /// Why no token could be had, shared by all who waited for it.
    #[error(transparent)]
    Shared(std::sync::Arc<ConnectionError>),
    #[error(transparent)]
    Marketo(#[from] MarketoError),
    /// Marketo knows the caller and denies the call.
    #[error("Marketo denies the call. {}", .0.remedy())]
    MarketoDenied(MarketoDenial),
    #[error(transparent)]
    Salesforce(#[from] SalesforceError),
    /// The provisioned credentials can't be read.
    #[error(transparent)]
    Instance(#[from] crate::instances::InstanceError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl ConnectionError {
    /// A connection that is suspended, and why, as far as that is known.
    fn suspended(vendor: &str, reason: Option<&str>) -> Self {
        Self::NeedsAttention(format!("the {vendor} connection needs attention: {}", reason.unwrap_or("it was refused")))
    }
}

impl From<TokenError<ConnectionError>> for ConnectionError {
    fn from(error: TokenError<ConnectionError>) -> Self {
        match error {
            TokenError::Provider(error) => Self::Shared(error),
            TokenError::RefreshTimedOut | TokenError::RefreshAborted => Self::Unavailable { message: error.to_string() },
        }
    }
}
