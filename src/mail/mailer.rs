use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentTransferEncoding, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MultiPart};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::{MailError, Message};
use crate::config::MailSettings;

/// Longest wait for one answer of the server; RFC 5321 section 4.5.3.2 would allow minutes, but the message is kept and tried
/// again, so nothing is lost by giving up sooner.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest time for one message altogether.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// Sends messages. Cheap to clone.
#[derive(Clone)]
pub struct Mailer(Arc<Inner>);

struct Inner {
    from: Mailbox,
    way: Way,
}

enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Directory(PathBuf),
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let way = match &self.0.way {
            Way::Smtp(_) => "SMTP".to_owned(),
            Way::Directory(directory) => directory.display().to_string(),
        };
        out.debug_tuple("Mailer").field(&way).finish()
    }
}

impl Mailer {
    /// A mailer for the SMTP server of the settings or, without one, for a directory, which is made.
    ///
    /// # Errors
    /// [`MailError::Settings`], naming the setting.
    pub fn new(settings: &MailSettings, data_dir: &Path) -> Result<Self, MailError> {
        let from = settings.from.parse().map_err(|_| MailError::Settings(format!("mail.from: {:?} is no mailbox", settings.from)))?;
        let way = if settings.smtp_url.is_empty() { directory(settings, data_dir)? } else { smtp(&settings.smtp_url)? };
        Ok(Self(Arc::new(Inner { from, way })))
    }

    /// Sends one message; returns once the server has taken it or the file is in its place.
    ///
    /// # Errors
    /// [`MailError::Temporary`] and [`MailError::Permanent`].
    pub async fn send(&self, message: &Message) -> Result<(), MailError> {
        let (envelope, ascii) = self.compose(message)?;
        match &self.0.way {
            Way::Smtp(server) => match tokio::time::timeout(SEND_TIMEOUT, server.send(envelope)).await {
                Ok(Ok(_taken)) => Ok(()),
                Ok(Err(error)) => Err(MailError::from_smtp(&error, ascii)),
                Err(_elapsed) => Err(MailError::temporary("timed out", "")),
            },
            Way::Directory(directory) => write(directory, message, &envelope.formatted()).await,
        }
    }

    fn compose(&self, message: &Message) -> Result<(lettre::Message, bool), MailError> {
        let to: Address = message.to.parse().map_err(|_| MailError::permanent("the address can't be written in a message"))?;
        let ascii = message.to.is_ascii();
        let subject: String = message.subject.chars().filter(|one| !one.is_control()).collect();
        let id = format!("<{}@{}>", message.id, self.0.from.email.domain());
        // RFC 3834, section 5: keeps automatic responders quiet.
        let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        lettre::Message::builder()
            .from(self.0.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .date(SystemTime::from(message.date))
            .message_id(Some(id))
            .raw_header(automatic)
            .multipart(self.0.alternatives(message))
            .map(|composed| (composed, ascii))
            .map_err(|_| MailError::permanent("the message can't be composed"))
    }
}

impl Inner {
    /// Both alternatives, encoded so that any server carries them; in a file they stay as they are, so that the link can be
    /// read and copied with any tool.
    fn alternatives(&self, message: &Message) -> MultiPart {
        let (text, html) = (message.text.clone(), message.html.clone());
        match self.way {
            Way::Smtp(_) => MultiPart::alternative_plain_html(text, html),
            Way::Directory(_) => {
                let lines = |text: String| text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes();
                let plain = |text| Body::dangerous_pre_encoded(lines(text), ContentTransferEncoding::EightBit);
                MultiPart::alternative_plain_html(plain(text), plain(html))
            }
        }
    }
}

fn smtp(url: &str) -> Result<Way, MailError> {
    // The cause is left out: it may quote the address with its password.
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
        .map_err(|_| MailError::Settings("mail.smtp_url: the address can't be used, for example because of its tls parameter".into()))?;
    Ok(Way::Smtp(builder.timeout(Some(ANSWER_TIMEOUT)).build()))
}

fn directory(settings: &MailSettings, data_dir: &Path) -> Result<Way, MailError> {
    let directory = if settings.directory.is_empty() { data_dir.join("mail") } else { PathBuf::from(&settings.directory) };
    std::fs::create_dir_all(&directory)
        .map_err(|error| MailError::Settings(format!("mail.directory: {} can't be made: {error}", directory.display())))?;
    tracing::warn!(directory = %directory.display(), "no SMTP server is set (mail.smtp_url): messages are written as .eml files");
    Ok(Way::Directory(directory))
}

/// Writes beside and renames, so that whoever watches the directory never reads half a message. The same message written
/// again takes the place of the first.
async fn write(directory: &Path, message: &Message, bytes: &[u8]) -> Result<(), MailError> {
    let half = directory.join(format!(".{}.part", message.id));
    let whole = directory.join(format!("{}.eml", message.id));
    let written = async {
        tokio::fs::write(&half, bytes).await?;
        tokio::fs::rename(&half, &whole).await
    };
    written.await.map_err(|error| MailError::temporary("the directory can't be written", error))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::mail::Invitation;

    fn settings(smtp_url: &str) -> MailSettings {
        MailSettings { from: "MSI Actions <no-reply@example.com>".into(), smtp_url: smtp_url.into(), directory: String::new() }
    }

    fn invitation() -> Invitation {
        Invitation {
            id: Uuid::from_u128(7),
            to: "ann@example.org".into(),
            instance: "Acme <b>& Söhne".into(),
            invited_by: "An administrator".into(),
            link: "https://actions.example.com/activate/abcDEF-_123".into(),
            expires_at: datetime!(2026-03-09 08:05 UTC),
        }
    }

    async fn sent(invitation: &Invitation) -> String {
        let data_dir = tempfile::tempdir().unwrap();
        let mailer = Mailer::new(&settings(""), data_dir.path()).unwrap();
        let message = invitation.message(datetime!(2026-03-02 08:05 UTC)).unwrap();
        mailer.send(&message).await.unwrap();
        mailer.send(&message).await.unwrap();
        let files: Vec<_> = std::fs::read_dir(data_dir.path().join("mail")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "a message sent again takes the first one's place: {files:?}");
        assert_eq!(files[0].extension().unwrap(), "eml");
        std::fs::read_to_string(&files[0]).unwrap()
    }

    #[tokio::test]
    async fn without_a_server_a_message_becomes_a_file_with_both_alternatives() {
        let mut plain = invitation();
        plain.instance = "Acme".into();
        let eml = sent(&plain).await;
        for part in [
            "From: \"MSI Actions\" <no-reply@example.com>\r\n",
            "To: ann@example.org\r\n",
            "Subject: You are invited to Acme in Sales Insight Actions\r\n",
            "Date: Mon, 02 Mar 2026 08:05:00 +0000\r\n",
            "Message-ID: <00000000-0000-0000-0000-000000000007@example.com>\r\n",
            "Auto-Submitted: auto-generated\r\n",
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

    #[test]
    fn a_name_is_escaped_in_html_and_plain_in_text() {
        let message = invitation().message(datetime!(2026-03-02 08:05 UTC)).unwrap();
        assert!(!message.html.contains("<b>&"), "{}", message.html);
        assert!(message.text.contains("Acme <b>& Söhne"), "{}", message.text);
    }

    #[tokio::test]
    async fn an_address_that_no_message_can_carry_is_refused_for_good() {
        let data_dir = tempfile::tempdir().unwrap();
        let mailer = Mailer::new(&settings(""), data_dir.path()).unwrap();
        let mut message = invitation().message(datetime!(2026-03-02 08:05 UTC)).unwrap();
        message.to = "no address".into();
        assert!(!mailer.send(&message).await.unwrap_err().is_temporary());
    }

    /// A server that answers `RCPT TO` with `reply` and takes everything else; gives its address.
    fn server_that_answers(reply: &'static str) -> String {
        use std::io::{BufRead, BufReader, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("smtp://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut answers = stream.try_clone().unwrap();
            let mut in_data = false;
            answers.write_all(b"220 stub\r\n").unwrap();
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let answer = match line.split([' ', ':']).next().unwrap_or_default() {
                    "." => "250 taken",
                    _ if in_data => continue,
                    "RCPT" => reply,
                    "DATA" => "354 go on",
                    "QUIT" => "221 bye",
                    _ => "250 fine",
                };
                in_data = answer == "354 go on";
                write!(answers, "{answer}\r\n").unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn what_the_server_answers_decides_whether_it_is_worth_trying_again() {
        let message = invitation().message(datetime!(2026-03-02 08:05 UTC)).unwrap();
        for (reply, temporary) in [
            ("250 fine", None),
            ("451 4.7.1 <ann@example.org> greylisted", Some(true)),
            ("550 5.1.1 <ann@example.org> unknown", Some(false)),
            ("530 5.7.0 authenticate first", Some(true)),
        ] {
            let mailer = Mailer::new(&settings(&server_that_answers(reply)), Path::new("unused")).unwrap();
            let sent = mailer.send(&message).await;
            assert_eq!(sent.as_ref().err().map(MailError::is_temporary), temporary, "{reply}: {sent:?}");
            if let Err(error) = sent {
                assert!(error.answer().contains(&reply[4..]), "{:?}", error.answer());
                assert!(error.to_string().contains(&reply[..3]) && !error.to_string().contains("ann@"), "{error}");
            }
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_a_temporary_failure_without_the_address() {
        let mailer = Mailer::new(&settings("smtp://127.0.0.1:1"), Path::new("unused")).unwrap();
        let error = mailer.send(&invitation().message(datetime!(2026-03-02 08:05 UTC)).unwrap()).await.unwrap_err();
        assert!(error.is_temporary(), "{error}");
        assert!(!error.to_string().contains("ann@"), "{error}");
    }

    #[test]
    fn a_password_in_the_servers_address_is_not_repeated() {
        let error = Mailer::new(&settings("smtp://u:hunter2@host?tls=perhaps"), Path::new("unused")).unwrap_err();
        assert!(error.to_string().starts_with("mail.smtp_url"), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
