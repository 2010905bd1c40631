use lettre::transport::smtp;

/// Why a message did not leave. The texts hold no address; what the server said may quote one, see [`MailError::answer`].
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The settings can't be used.
    #[error("{0}")]
    Settings(String),
    /// The server could not be reached or does not take the message now. Trying again later may help.
    #[error("the mail server does not take the message now ({what})")]
    Temporary {
        /// Reply code or kind of failure.
        what: String,
        /// What the server said, for those who may see the recipient.
        answer: String,
    },
    /// This message will never be taken.
    #[error("the mail server refuses the message ({what})")]
    Permanent {
        /// Reply code or kind of failure.
        what: String,
        /// What the server said, for those who may see the recipient.
        answer: String,
    },
}

/// Replies that say something about us and not about the message (RFC 4954, section 6; RFC 3207, section 4): our credentials
/// or the lack of TLS. The setting can be mended, and the message then goes out.
const ABOUT_US: [&str; 4] = ["530", "534", "535", "538"];

impl MailError {
    /// Whether trying again later may help.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        !matches!(self, Self::Permanent { .. })
    }

    /// What the server said. It may quote the recipient, so it is for the people who invited them and not for the log.
    #[must_use]
    pub fn answer(&self) -> String {
        match self {
            Self::Settings(text) => text.clone(),
            Self::Temporary { what, answer } | Self::Permanent { what, answer } if answer.is_empty() => what.clone(),
            Self::Temporary { answer, .. } | Self::Permanent { answer, .. } => answer.clone(),
        }
    }

    pub(super) fn permanent(what: &str) -> Self {
        Self::Permanent { what: what.to_owned(), answer: String::new() }
    }

    pub(super) fn temporary(what: &str, answer: impl std::fmt::Display) -> Self {
        Self::Temporary { what: what.to_owned(), answer: answer.to_string() }
    }

    /// `ascii` tells whether the recipient's address is plain ASCII: another one needs a server with SMTPUTF8 (RFC 6531).
    pub(super) fn from_smtp(error: &smtp::Error, ascii: bool) -> Self {
        let answer = error.to_string();
        match error.status().map(|code| code.to_string()) {
            Some(what) if error.is_permanent() && !ABOUT_US.contains(&what.as_str()) => Self::Permanent { what, answer },
            Some(what) => Self::Temporary { what, answer },
            None if error.is_client() && !ascii => Self::Permanent { what: "it takes ASCII addresses only".into(), answer },
            None if error.is_timeout() => Self::Temporary { what: "timed out".into(), answer },
            None if error.is_tls() => Self::Temporary { what: "TLS failed".into(), answer },
            None => Self::Temporary { what: "unreachable".into(), answer },
        }
    }
}
