use crate::ids::{InstanceId, MemberId};

/// Names a Salesforce connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::connections) struct SalesforceConnectionKey {
    pub(in crate::connections) instance: InstanceId,
    /// The member whose own it is; none for the instance's.
    pub(in crate::connections) member: Option<MemberId>,
}

impl SalesforceConnectionKey {
    /// The instance's own connection.
    pub(in crate::connections) fn of_instance(instance: InstanceId) -> Self {
        Self { instance, member: None }
    }
}
