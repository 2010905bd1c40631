//! The connections to Salesforce and Marketo: sealed credentials, tokens, tests, and the only way for other features to reach a
//! vendor.

mod activation;

pub use activation::{ActivatedMember, ActivationByLogin, SalesforceLogin};
