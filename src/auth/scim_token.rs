use crate::clock::Timestamp;
use crate::ids::ScimTokenId;

/// A token of a directory, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimToken {
    pub id: ScimTokenId,
    /// What the admin calls it.
    pub name: String,
    /// `client:ID` or `member:ID`.
    pub created_by: String,
    pub created_at: Timestamp,
}
