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
    /// The message was handed over whole, and it is not known whether the server has taken it.
    #[error("it is not known whether the mail server has taken the message ({what})")]
    InDoubt {
        /// Kind of failure.
        what: String,
        /// What is known of it.
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

impl MailError {
    /// What the server said. It may quote the recipient, so it is for the people who invited them and not for the log.
    #[must_use]
    pub fn answer(&self) -> String {
        match self {
            Self::Settings(text) => text.clone(),
            Self::Temporary { what, answer } | Self::InDoubt { what, answer } | Self::Permanent { what, answer } => {
                if answer.is_empty() {
                    what.clone()
                } else {
                    answer.clone()
                }
            }
        }
    }

    pub(super) fn permanent(what: &str) -> Self {
        Self::Permanent { what: what.to_owned(), answer: String::new() }
    }

    pub(super) fn temporary(what: &str, answer: impl std::fmt::Display) -> Self {
        Self::Temporary { what: what.to_owned(), answer: answer.to_string() }
    }

    pub(super) fn in_doubt(what: &str, answer: impl std::fmt::Display) -> Self {
        Self::InDoubt { what: what.to_owned(), answer: answer.to_string() }
    }

    /// The same, when it says something about us and not about the message: our address is blocked, our credentials are wrong, our
    /// sender is refused. That can be mended, and the message then goes out.
    pub(super) fn about_us(self) -> Self {
        match self {
            Self::Permanent { what, answer } => Self::Temporary { what, answer },
            other => other,
        }
    }

    /// What a failed step of the conversation means: a reply of the 500s is permanent (RFC 5321, section 4.2.1).
    pub(super) fn from_smtp(error: &smtp::Error) -> Self {
        let answer = error.to_string();
        match error.status().map(|code| code.to_string()) {
            Some(what) if error.is_permanent() => Self::Permanent { what, answer },
            Some(what) => Self::Temporary { what, answer },
            None if error.is_timeout() => Self::Temporary { what: "timed out".into(), answer },
            None if error.is_tls() => Self::Temporary { what: "TLS failed".into(), answer },
            None => Self::Temporary { what: "unreachable".into(), answer },
        }
    }
}
