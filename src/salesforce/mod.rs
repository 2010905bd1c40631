//! Client of Salesforce's OAuth, REST and Bulk API 2.0. It knows no feature and no database; it turns every refusal into one
//! [`SalesforceError`] that says what it means and what to do about it.
//!
//! Base addresses may have a path of their own; resources are appended to it.

mod bulk;
mod changes;
mod client;
mod diagnosis;
mod error;
mod jwt_bearer;
mod oauth;
mod proxy;
mod rest;
mod userinfo;
mod wire;

#[cfg(test)]
mod tests;

pub use crate::upstream::Category;
pub use bulk::{QueryJob, QueryJobState, ResultBody, ResultPage};
pub use changes::{DatedRecords, Deletions, read_instant, soql_instant};
pub use client::{ApiUsage, SalesforceClient};
pub use diagnosis::explain;
pub use error::{ApiRefusal, OAuthRefusal, SalesforceError};
pub use jwt_bearer::{Assertion, AssertionKey, InvalidPrivateKey, request_token_with_assertion};
pub use oauth::{Identity, OAuthApp, TokenGrant, TokenIntrospection, authorize_url, exchange_code, identity, introspect, refresh, revoke};
pub use rest::{Limit, QueryPage, Record};
pub use userinfo::{TokenUser, token_user};
pub use wire::{ObjectDescription, SalesforceField};
