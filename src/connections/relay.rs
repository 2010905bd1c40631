//! Calls that are passed on with an instance's own connections.

use super::{ConnectionError, Connections, Vendor};
use crate::ids::InstanceId;
use crate::upstream::{RelayAnswer, RelayCall};

impl Connections {
    /// Passes a call on to the vendor, with the connection's token and within its quotas; the answer comes as it is. What may be
    /// called is for the caller to check.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`], [`ConnectionError::NeedsAttention`]; [`ConnectionError::Salesforce`] and
    /// [`ConnectionError::Marketo`] when there is no token, no room within the quotas, or no answer.
    pub async fn relay(&self, instance: InstanceId, vendor: Vendor, call: RelayCall) -> Result<RelayAnswer, ConnectionError> {
        Ok(match vendor {
            Vendor::Salesforce => self.salesforce(instance).await?.relay(call).await?,
            Vendor::Marketo => self.marketo(instance).await?.relay(call).await?,
        })
    }
}
