use serde::Serialize;

/// A report about a token that was found to be valid is not looked into again for so long.
pub(super) const REPORT_INTERVAL: time::Duration = time::Duration::seconds(60);

/// What came of a report that a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenInvalidationOutcome {
    /// It was replaced: ask for the token again.
    Refreshed,
    /// It had been replaced already: ask for the token again.
    NotCurrent,
    /// The vendor says that it is valid; nothing was changed.
    StillValid,
}
