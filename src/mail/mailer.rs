use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use lettre::Address;
use lettre::message::header::{ContentTransferEncoding, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MultiPart};

use super::smtp::SmtpServer;
use super::{MailError, Message};
use crate::config::MailSettings;
use crate::private_files;

/// Sends messages. Cheap to clone.
#[derive(Clone)]
pub struct Mailer(Arc<MailerParts>);

struct MailerParts {
    from: Mailbox,
    way: MailTransport,
}

enum MailTransport {
    Smtp { server: Box<SmtpServer>, messages_per_minute: u32 },
    Directory(PathBuf),
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("Mailer").field(&self.way()).finish()
    }
}

impl Mailer {
    /// A mailer for the SMTP server of the settings or, without one, for a directory, which is made.
    ///
    /// # Errors
    /// [`MailError::Settings`], naming the setting.
    pub fn new(settings: &MailSettings, data_dir: &Path) -> Result<Self, MailError> {
        let from = settings.from.parse().map_err(|_| MailError::Settings(format!("mail.from: {:?} is no mailbox", settings.from)))?;
        let way = match settings.smtp_url.as_str() {
            "" => directory(settings, data_dir)?,
            _ => MailTransport::Smtp { server: Box::new(SmtpServer::new(settings)?), messages_per_minute: settings.messages_per_minute },
        };
        Ok(Self(Arc::new(MailerParts { from, way })))
    }

    /// Sends one message; returns once the server has taken it or the file is in its place.
    ///
    /// # Errors
    /// [`MailError::Temporary`], [`MailError::InDoubt`] and [`MailError::Permanent`].
    pub async fn send(&self, message: &Message) -> Result<(), MailError> {
        let composed = self.compose(message)?;
        match &self.0.way {
            MailTransport::Smtp { server, .. } => server.send(composed.envelope(), &composed.formatted()).await,
            MailTransport::Directory(directory) => write(directory, message, &composed.formatted()).await,
        }
    }

    /// The mail server's host and port, or the directory.
    #[must_use]
    pub fn way(&self) -> String {
        match &self.0.way {
            MailTransport::Smtp { server, .. } => server.name.clone(),
            MailTransport::Directory(directory) => directory.display().to_string(),
        }
    }

    /// The mail server's name and the least time between two messages to it, when it is not to be handed any number.
    pub(super) fn pace(&self) -> Option<(&str, time::Duration)> {
        match &self.0.way {
            MailTransport::Smtp { server, messages_per_minute } if *messages_per_minute > 0 => {
                Some((&server.name, time::Duration::MINUTE / *messages_per_minute))
            }
            _ => None,
        }
    }

    fn compose(&self, message: &Message) -> Result<lettre::Message, MailError> {
        let to: Address = message.to.parse().map_err(|_| MailError::permanent("the address can't be written in a message"))?;
        let subject: String = message.subject.chars().filter(|one| !one.is_control()).collect();
        let id = format!("<{}@{}>", message.id, self.0.from.email.domain());
        // RFC 3834, section 5: keeps automatic responders quiet.
        let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        let language = HeaderValue::new(HeaderName::new_from_ascii_str("Content-Language"), message.language.as_str().to_owned());
        lettre::Message::builder()
            .from(self.0.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .date(SystemTime::from(message.date))
            .message_id(Some(id))
            .raw_header(automatic)
            .raw_header(language)
            .multipart(self.0.alternatives(message))
            .map_err(|_| MailError::permanent("the message can't be composed"))
    }
}

impl MailerParts {
    /// Both alternatives, encoded so that any server carries them; in a file they stay as they are, so that the link can be
    /// read and copied with any tool.
    fn alternatives(&self, message: &Message) -> MultiPart {
        let (text, html) = (message.text.clone(), message.html.clone());
        match self.way {
            MailTransport::Smtp { .. } => MultiPart::alternative_plain_html(text, html),
            MailTransport::Directory(_) => {
                let lines = |text: String| text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes();
                let plain = |text| Body::dangerous_pre_encoded(lines(text), ContentTransferEncoding::EightBit);
                MultiPart::alternative_plain_html(plain(text), plain(html))
            }
        }
    }
}

fn directory(settings: &MailSettings, data_dir: &Path) -> Result<MailTransport, MailError> {
    let directory = if settings.directory.is_empty() { data_dir.join("mail") } else { PathBuf::from(&settings.directory) };
    private_files::create_directory(&directory)
        .map_err(|error| MailError::Settings(format!("mail.directory: {} can't be made: {error}", directory.display())))?;
    tracing::warn!(directory = %directory.display(), "no SMTP server is set (mail.smtp_url): messages are written as .eml files");
    Ok(MailTransport::Directory(directory))
}

/// Writes beside and renames, so that whoever watches the directory never reads half a message. The same message written
/// again takes the place of the first.
async fn write(directory: &Path, message: &Message, bytes: &[u8]) -> Result<(), MailError> {
    let half = directory.join(format!(".{}.part", message.id));
    let whole = directory.join(format!("{}.eml", message.id));
    let written = async {
        private_files::write(half.clone(), bytes.to_vec()).await?;
        tokio::fs::rename(&half, &whole).await
    };
    written.await.map_err(|error| MailError::temporary("the directory can't be written", error))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::config::Settings;
    use crate::language::Language;
    use crate::mail::{InvitationMail, Inviter, MailTemplate};

    fn settings(smtp_url: &str) -> MailSettings {
        let overrides = [("mail.from", "MSI Actions <no-reply@example.com>".to_owned()), ("mail.smtp_url", smtp_url.to_owned())];
        Settings::load(None, &overrides).unwrap().mail
    }

    fn message(language: Language) -> Message {
        let template = MailTemplate::Invitation(InvitationMail {
            instance: "Acme".into(),
            invited_by: Inviter::Admin,
            link: "https://actions.example.com/activate/abcDEF-_123".into(),
            expires_at: datetime!(2026-03-09 08:05 UTC),
        });
        template.message(Uuid::from_u128(7), "ann@example.org", language, datetime!(2026-03-02 08:05 UTC)).unwrap()
    }

    async fn sent(message: &Message) -> String {
        let data_dir = tempfile::tempdir().unwrap();
        let mailer = Mailer::new(&settings(""), data_dir.path()).unwrap();
        mailer.send(message).await.unwrap();
        mailer.send(message).await.unwrap();
        let files: Vec<_> = std::fs::read_dir(data_dir.path().join("mail")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "a message sent again takes the first one's place: {files:?}");
        assert_eq!(files[0].extension().unwrap(), "eml");
        std::fs::read_to_string(&files[0]).unwrap()
    }

    #[tokio::test]
    async fn without_a_server_a_message_becomes_a_file_with_both_alternatives() {
        let eml = sent(&message(Language::En)).await;
        for part in [
            "From: \"MSI Actions\" <no-reply@example.com>\r\n",
            "To: ann@example.org\r\n",
            "Subject: You are invited to Acme in Sales Insight Actions\r\n",
            "Date: Mon, 02 Mar 2026 08:05:00 +0000\r\n",
            "Message-ID: <00000000-0000-0000-0000-000000000007@example.com>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Language: en\r\n",
            "Content-Type: multipart/alternative;",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "Content-Type: text/html; charset=utf-8\r\n",
            "\r\nhttps://actions.example.com/activate/abcDEF-_123\r\n",
            "<a href=\"https://actions.example.com/activate/abcDEF-_123\">",
            "until 9 March 2026, 08:05 UTC",
            "An administrator invited you to Acme",
        ] {
            assert!(eml.contains(part), "{part:?} is missing in\n{eml}");
        }
    }

    #[tokio::test]
    async fn an_address_that_fits_in_no_message_is_refused_for_good() {
        let data_dir = tempfile::tempdir().unwrap();
        let mailer = Mailer::new(&settings(""), data_dir.path()).unwrap();
        let mut message = message(Language::Ja);
        message.to = "no address".into();
        assert!(matches!(mailer.send(&message).await, Err(MailError::Permanent { .. })));
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_a_temporary_failure_without_the_address() {
        let mailer = Mailer::new(&settings("smtp://127.0.0.1:1"), Path::new("unused")).unwrap();
        let error = mailer.send(&message(Language::En)).await.unwrap_err();
        assert!(matches!(error, MailError::Temporary { .. }), "{error}");
        assert!(!error.to_string().contains("ann@"), "{error}");
    }

    #[test]
    fn a_password_in_the_servers_address_is_not_repeated() {
        let error = Mailer::new(&settings("smtp://u:hunter2@host?tls=perhaps"), Path::new("unused")).unwrap_err();
        assert!(error.to_string().starts_with("mail.smtp_url"), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn a_file_that_holds_no_authority_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "nothing").unwrap();
        let mut settings = settings("smtps://host");
        settings.ca_file = file.path().display().to_string();
        assert!(Mailer::new(&settings, Path::new("unused")).unwrap_err().to_string().starts_with("mail.ca_file"));
    }

    #[test]
    fn messages_a_minute_become_a_time_between_two() {
        let mut settings = settings("smtp://mail.example.com:2525");
        settings.messages_per_minute = 30;
        let mailer = Mailer::new(&settings, Path::new("unused")).unwrap();
        assert_eq!(mailer.pace(), Some(("mail.example.com:2525", time::Duration::seconds(2))));
        settings.messages_per_minute = 0;
        assert_eq!(Mailer::new(&settings, Path::new("unused")).unwrap().pace(), None);
    }
}
