//! Calls that are passed on with an instance's own connections.

use std::time::Duration;

use super::{ConnectionError, Connections, Vendor};
use crate::ids::InstanceId;
use crate::marketo::MarketoClient;
use crate::salesforce::SalesforceClient;
use crate::upstream::{RelayAnswer, RelayCall};

impl Connections {
    /// Passes a call on to the vendor, with the connection's token and within its quotas; the answer comes as it is. What may be
    /// called is for the caller to check; `patience` is how long it waits for room within the quotas, a moment unless it says.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`], [`ConnectionError::NeedsAttention`]; [`ConnectionError::Salesforce`] and
    /// [`ConnectionError::Marketo`] when there is no token, no room within the quotas, or no answer.
    pub async fn relay(
        &self,
        instance: InstanceId,
        vendor: Vendor,
        call: RelayCall,
        patience: Option<Duration>,
    ) -> Result<RelayAnswer, ConnectionError> {
        Ok(match vendor {
            Vendor::Salesforce => {
                let client = self.salesforce(instance).await?;
                patience.into_iter().fold(client, SalesforceClient::with_patience).relay(call).await?
            }
            Vendor::Marketo => {
                let client = self.marketo(instance).await?;
                patience.into_iter().fold(client, MarketoClient::with_patience).relay(call).await?
            }
        })
    }
}
