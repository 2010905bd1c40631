//! Typed ids. One type a thing, so that a connection's id can't be passed where a member's is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// An instance: the tenant. It leads every key and every `WHERE`.
    InstanceId,
    /// A member of an instance, invited or active.
    MemberId,
    /// A team of an instance.
    TeamId,
    /// A person's session.
    SessionId,
    /// A token with which a directory provisions members.
    ScimTokenId,
    /// An invitation.
    InviteId,
    /// A message to a person.
    MailId,
    /// A CSV file of invitations under way.
    ImportId,
    /// A connection to Salesforce.
    ConnectionId,
    /// A kind of failure met by a connection.
    DiagnosticId,
    /// A run of the people sync.
    RunId,
    /// A job in the queue.
    JobId,
}
