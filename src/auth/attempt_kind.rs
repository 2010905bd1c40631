/// What somebody attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptKind {
    /// Logging in by password. The subject is an e-mail address.
    Login,
    /// Naming one's own password while logged in. The subject is a member, whom only their own session can be.
    CurrentPassword,
    /// Asking for a link by mail. Each is as good as a failure, since it sends a message to somebody who may not want it. The subject is
    /// an e-mail address.
    PasswordReset,
}

impl AttemptKind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::CurrentPassword => "current_password",
            Self::PasswordReset => "password_reset",
        }
    }

    /// Failures in a row, from all unknown addresses together, after which each has to wait; none where an address can't be unknown.
    pub(super) fn most_from_unknown_addresses(self) -> Option<i64> {
        match self {
            // The bound of NIST SP 800-63B, section 5.2.2.
            Self::Login => Some(100),
            Self::CurrentPassword => None,
            Self::PasswordReset => Some(20),
        }
    }
}
