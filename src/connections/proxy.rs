//! Proxied calls, made with an instance's own connections.

use std::time::Duration;

use super::{ConnectionError, Connections};
use crate::ids::InstanceId;
use crate::marketo::MarketoClient;
use crate::salesforce::SalesforceClient;
use crate::upstream::{ProxyRequest, ProxyResponse, Vendor};

impl Connections {
    /// Proxies a call to the vendor with the connection's token, within its quotas; the response is returned unchanged. What may be
    /// called is for the caller to check; `max_wait` is how long it waits for room within the quotas, a moment unless it says.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`], [`ConnectionError::NeedsAttention`]; [`ConnectionError::Salesforce`] and
    /// [`ConnectionError::Marketo`] when there is no token, no room within the quotas, or no answer.
    pub async fn proxy(
        &self,
        instance: InstanceId,
        vendor: Vendor,
        call: ProxyRequest,
        max_wait: Option<Duration>,
    ) -> Result<ProxyResponse, ConnectionError> {
        Ok(match vendor {
            Vendor::Salesforce => {
                let client = self.salesforce(instance).await?;
                max_wait.into_iter().fold(client, SalesforceClient::with_max_wait).proxy(call).await?
            }
            Vendor::Marketo => {
                let client = self.marketo(instance).await?;
                max_wait.into_iter().fold(client, MarketoClient::with_max_wait).proxy(call).await?
            }
        })
    }
}
