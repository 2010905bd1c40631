//! Letting a person in by what another system says of them (RFC 8693). Who the person is, and whether they may, is not for this
//! feature to say: `members` implements [`MemberExchange`].

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::Role;
use crate::http::Problem;
use crate::ids::{InstanceId, MemberId};

/// `subject_token_type` of a Salesforce access token; the parameter `instance_url` says where its organization's API is.
pub const SALESFORCE_ACCESS_TOKEN: &str = "urn:msi-actions:token-type:salesforce-access-token";
/// `subject_token_type` of a Canvas signed request.
pub const CANVAS_SIGNED_REQUEST: &str = "urn:msi-actions:token-type:salesforce-canvas-signed-request";
/// RFC 8693, section 3: an access token of the authorization server's own.
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// How long a member's token is valid, in seconds: short, because it outlives what it was given for.
pub const MEMBER_TOKEN_LIFETIME: i64 = 300;

/// What a person is let in by.
#[derive(Debug)]
pub enum SubjectToken {
    /// An access token of Salesforce.
    Salesforce {
        access_token: SecretString,
        /// Origin of the organization's API, as the caller says.
        instance_url: String,
    },
    /// What Salesforce posts to a Canvas app.
    CanvasSignedRequest(SecretString),
}

/// The member behind it.
#[derive(Debug)]
pub struct ExchangedMember {
    pub member: MemberId,
    pub role: Role,
}

/// Finds the member of an instance whom a subject token stands for, if they may be let in by it.
pub trait MemberExchange: Send + Sync {
    /// The member, or why not: a problem whose code says which condition is not met.
    fn member<'a>(&'a self, instance: InstanceId, subject: &'a SubjectToken) -> BoxFuture<'a, Result<ExchangedMember, Problem>>;
}
