/// Why Marketo lets a token in but denies the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarketoDenial {
    /// The API user may do other things: a permission is missing.
    MissingPermission,
    /// It may do nothing at all: the subscription limits addresses, or the role has no permission.
    AddressNotAllowed,
}

impl MarketoDenial {
    /// A name for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::MissingPermission => "permission_missing",
            Self::AddressNotAllowed => "address_not_allowed",
        }
    }

    /// One sentence for the person who has to act.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::MissingPermission => "Give the role of the API user the permission \"Read-Only Person\" in Marketo.",
            Self::AddressNotAllowed => {
                "Marketo denies every call: add this service's addresses to the allow-list under Admin > Web Services > IP Restrictions; \
                 if there is none, the role of the API user has no API permission at all."
            }
        }
    }
}
