use clap::Subcommand;

use super::{CommandResult, SharedOptions, settings};
use crate::clock::{Clock, SystemClock};
use crate::language::Language;
use crate::mail::{MailError, MailTemplate, Mailer};

/// `msi-actions mail …`
#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// Send one test message at once, past the outbox, and tell what the mail server says.
    Test {
        /// Whom to.
        #[arg(long, value_name = "ADDRESS")]
        to: String,
    },
}

pub(super) async fn mail(shared: &SharedOptions, command: MailCommand) -> CommandResult {
    let MailCommand::Test { to } = command;
    let settings = settings(shared, &[("log.filter", "", "error".to_owned())])?;
    // Without a server the message becomes a file beside the service's, so those must be there.
    if settings.mail.smtp_url.is_empty() && settings.mail.directory.is_empty() && !settings.data_dir.is_dir() {
        let directory = settings.data_dir.display();
        return Err(format!(
            "data_dir: there is no directory {directory}, where messages go without mail.smtp_url.\n      \
             Check --data-dir and --config; `msi-actions serve` makes it"
        ));
    }
    let mailer = Mailer::new(&settings.mail, &settings.data_dir).map_err(|error| error.to_string())?;
    let clock = SystemClock;
    let message = MailTemplate::Test.message(clock.new_id(), &to, Language::En, clock.now()).map_err(|error| error.to_string())?;
    match mailer.send(&message).await {
        Ok(()) => println!("sent to {to} by {}", mailer.way()),
        // Whoever runs this gave the address, so what the server says of it is no secret.
        Err(error @ MailError::Settings(_)) => return Err(error.to_string()),
        Err(error) => return Err(format!("{error}: {}", error.answer())),
    }
    Ok(())
}
