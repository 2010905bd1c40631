use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::{self, SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};
use percent_encoding::percent_decode_str;
use url::Url;

use super::MailError;
use crate::config::MailSettings;

/// Longest wait for the answer to the end of a message (RFC 5321, section 4.5.3.2.6): giving up sooner sends messages twice that the
/// server has taken.
const TAKING_TIMEOUT: Duration = Duration::from_secs(600);
/// Longest wait for a polite end. The message has been taken by then.
const QUIT_TIMEOUT: Duration = Duration::from_secs(1);

/// When the conversation is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    Never,
    /// By STARTTLS (RFC 3207) when the server offers it.
    Offered,
    /// By STARTTLS, or not at all.
    Required,
    /// From the first byte on (RFC 8314).
    FromTheStart,
}

/// A mail server and how to talk to it. The conversation is held step by step, because whether a step may be repeated depends on
/// which it is: until the end of the message nothing has been taken, and after it nobody knows until the answer is there.
pub(super) struct SmtpServer {
    host: String,
    port: u16,
    security: Security,
    tls: TlsParameters,
    credentials: Option<Credentials>,
    hello: ClientId,
    answer_timeout: Duration,
    /// `HOST:PORT`.
    pub(super) name: String,
}

fn unusable(problem: &str) -> MailError {
    MailError::Settings(format!("mail.smtp_url: {problem}"))
}

impl SmtpServer {
    /// The server of the settings.
    ///
    /// # Errors
    /// [`MailError::Settings`], naming the setting and never the address, which may hold a password.
    pub(super) fn new(settings: &MailSettings) -> Result<Self, MailError> {
        let url = Url::parse(&settings.smtp_url).map_err(|_| unusable("this is no address"))?;
        let host = url.host_str().ok_or_else(|| unusable("the host is missing"))?.to_owned();
        let wanted = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
        let (security, usual_port) = match (url.scheme(), wanted.as_deref()) {
            ("smtps", None | Some("wrapper")) => (Security::FromTheStart, SUBMISSIONS_PORT),
            ("smtp", None) => (Security::Never, SMTP_PORT),
            ("smtp", Some("opportunistic")) => (Security::Offered, SUBMISSION_PORT),
            ("smtp", Some("required")) => (Security::Required, SUBMISSION_PORT),
            _ => return Err(unusable("use smtp:// with tls=required, tls=opportunistic or no tls parameter, or smtps://")),
        };
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned);
        let user = decoded(url.username()).map_err(|_| unusable("the user is no UTF-8"))?;
        let password = decoded(url.password().unwrap_or_default()).map_err(|_| unusable("the password is no UTF-8"))?;
        let credentials = (!user.is_empty()).then(|| Credentials::new(user, password));
        if credentials.is_some() && security == Security::Never {
            tracing::warn!("mail.smtp_url: the password goes to the mail server unencrypted; add ?tls=required");
        }
        let hello = match url.path().trim_matches('/') {
            "" => ClientId::default(),
            name => ClientId::Domain(name.to_owned()),
        };
        let port = url.port().unwrap_or(usual_port);
        let tls = trust(&host, settings)?;
        let answer_timeout = Duration::from_secs(settings.answer_timeout_seconds);
        let name = format!("{host}:{port}");
        Ok(Self { host, port, security, tls, credentials, hello, answer_timeout, name })
    }

    /// Hands one message over; returns once the server has taken it.
    ///
    /// # Errors
    /// [`MailError::Permanent`] when the server refuses the recipient or the message for good; [`MailError::InDoubt`] when the answer
    /// to the end of the message did not arrive; else [`MailError::Temporary`].
    pub(super) async fn send(&self, envelope: &Envelope, bytes: &[u8]) -> Result<(), MailError> {
        // What goes wrong before the recipient is named has to do with us and our settings, and not with the message.
        let mut connection = self.open().await.map_err(MailError::about_us)?;
        let options = options(&connection, envelope, bytes)?;
        self.wait(connection.command(Mail::new(envelope.from().cloned(), options))).await.map_err(MailError::about_us)?;
        for recipient in envelope.to() {
            self.wait(connection.command(Rcpt::new(recipient.clone(), Vec::new()))).await?;
        }
        self.wait(connection.command(Data)).await?;
        match tokio::time::timeout(TAKING_TIMEOUT, connection.message(bytes)).await {
            Ok(Ok(_taken)) => {}
            Ok(Err(error)) if error.status().is_some() => return Err(MailError::from_smtp(&error)),
            Ok(Err(error)) => return Err(MailError::in_doubt("the connection broke before the server's answer", error)),
            Err(_elapsed) => return Err(MailError::in_doubt("the server's answer did not come in time", "")),
        }
        let _ = tokio::time::timeout(QUIT_TIMEOUT, connection.quit()).await;
        Ok(())
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, MailError> {
        let from_the_start = (self.security == Security::FromTheStart).then(|| self.tls.clone());
        let address = (self.host.as_str(), self.port);
        let opening = AsyncSmtpConnection::connect_tokio1(address, Some(self.answer_timeout), &self.hello, from_the_start, None);
        let mut connection = self.wait(opening).await?;
        let upgrade = match self.security {
            Security::Required => true,
            Security::Offered => connection.can_starttls(),
            Security::Never | Security::FromTheStart => false,
        };
        if upgrade {
            if !connection.can_starttls() {
                return Err(MailError::temporary("the server offers no STARTTLS, which mail.smtp_url requires", ""));
            }
            self.wait(connection.starttls(self.tls.clone(), &self.hello)).await?;
        }
        if let Some(credentials) = &self.credentials {
            self.wait(connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials)).await?;
        }
        Ok(connection)
    }

    async fn wait<T>(&self, step: impl Future<Output = Result<T, smtp::Error>>) -> Result<T, MailError> {
        match tokio::time::timeout(self.answer_timeout, step).await {
            Ok(done) => done.map_err(|error| MailError::from_smtp(&error)),
            Err(_elapsed) => Err(MailError::temporary("timed out", "")),
        }
    }
}

/// Whom to trust: the usual authorities, and those of `mail.ca_file`.
fn trust(host: &str, settings: &MailSettings) -> Result<TlsParameters, MailError> {
    let mut tls = TlsParameters::builder(host.to_owned());
    if !settings.ca_file.is_empty() {
        let unfit = |why: &dyn std::fmt::Display| MailError::Settings(format!("mail.ca_file: {}: {why}", settings.ca_file));
        let text = std::fs::read(&settings.ca_file).map_err(|error| unfit(&error))?;
        let is_pem = text.windows(b"BEGIN CERTIFICATE".len()).any(|part| part == b"BEGIN CERTIFICATE");
        let authorities = Certificate::from_pem(&text).ok().filter(|_| is_pem);
        let authorities = authorities.ok_or_else(|| unfit(&"this is no certificate in PEM form"))?;
        tls = tls.add_root_certificate(authorities);
    }
    tls.build_rustls().map_err(|_| unusable("TLS can't be set up for this host"))
}

/// What the message needs of the server: other than ASCII addresses (RFC 6531), other than ASCII content (RFC 6152).
fn options(connection: &AsyncSmtpConnection, envelope: &Envelope, bytes: &[u8]) -> Result<Vec<MailParameter>, MailError> {
    let mut options = Vec::new();
    let server = connection.server_info();
    let addresses = envelope.to().iter().chain(envelope.from());
    if addresses.map(AsRef::<str>::as_ref).any(|text| !text.is_ascii()) {
        if !server.supports_feature(Extension::SmtpUtfEight) {
            return Err(MailError::permanent("the server takes ASCII addresses only"));
        }
        options.push(MailParameter::SmtpUtfEight);
    }
    if !bytes.is_ascii() {
        if !server.supports_feature(Extension::EightBitMime) {
            return Err(MailError::permanent("the server takes ASCII messages only"));
        }
        options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(options)
}
