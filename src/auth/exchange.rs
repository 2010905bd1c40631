//! Token exchange (RFC 8693): a member's token for a token of another system. Whom that one stands for, and whether they may log in,
//! `members` decides: it implements [`MemberExchange`].

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::Role;
use crate::http::Problem;
use crate::ids::{InstanceId, MemberId};

/// `subject_token_type` of a Salesforce access token; the parameter `instance_url` says where its organization's API is.
pub const SALESFORCE_ACCESS_TOKEN_TYPE: &str = "urn:msi-actions:token-type:salesforce-access-token";
/// `subject_token_type` of a Canvas signed request.
pub const CANVAS_SIGNED_REQUEST_TYPE: &str = "urn:msi-actions:token-type:salesforce-canvas-signed-request";
/// The type of the tokens that this server issues (RFC 8693, section 3).
pub const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Short, because the token stays valid when the Salesforce session behind it ends.
pub const MEMBER_TOKEN_LIFETIME_SECONDS: i64 = 300;

/// What is exchanged for a member's token.
#[derive(Debug)]
pub enum SubjectToken {
    Salesforce {
        access_token: SecretString,
        /// Origin of the organization's API, as the caller claims; not yet verified.
        instance_url: String,
    },
    /// What Salesforce posts to a Canvas app.
    CanvasSignedRequest(SecretString),
}

/// The member whom a subject token stands for.
#[derive(Debug)]
pub struct ExchangedMember {
    pub member: MemberId,
    pub role: Role,
}

/// Finds the member of an instance whom a subject token stands for, if they may log in with it.
pub trait MemberExchange: Send + Sync {
    /// Fails with a problem whose code says which condition isn't met.
    fn find_member<'a>(&'a self, instance: InstanceId, subject: &'a SubjectToken) -> BoxFuture<'a, Result<ExchangedMember, Problem>>;
}
