use url::Url;

use super::store::SalesforceRow;
use super::{jwt_key_context, parse_login_base};
use crate::connections::ConnectionError;
use crate::connections::context::ConnectionContext;
use crate::ids::InstanceId;
use crate::salesforce::{self, Assertion, AssertionKey, TokenGrant};

/// Requests a token with the key that is stored, sealed, for a connection.
pub(super) async fn request_by_assertion(
    context: &ConnectionContext,
    instance: InstanceId,
    row: &SalesforceRow,
    sealed: &[u8],
) -> Result<TokenGrant, ConnectionError> {
    let key = AssertionKey::from_pem(&context.vault.open_text(&jwt_key_context(instance, row.id), sealed)?)?;
    let client_id = match &row.jwt_client_id {
        Some(client_id) => client_id.clone(),
        None => context.salesforce_app()?.client_id,
    };
    let base = parse_login_base(&row.login_base)?;
    let assertion = Assertion { client_id: &client_id, username: &row.username, audience: assertion_audience(&base) };
    Ok(salesforce::request_token_with_assertion(&context.http, &base, assertion, &key, context.clock.now()).await?)
}

/// Whom an assertion is for: of the login hosts, production's or the sandboxes'.
pub(super) fn assertion_audience(login_base: &Url) -> &'static str {
    let host = login_base.host_str().unwrap_or_default();
    let sandbox = host == "test.salesforce.com" || host.ends_with(".sandbox.my.salesforce.com");
    if sandbox { "https://test.salesforce.com" } else { "https://login.salesforce.com" }
}
