use std::sync::Arc;

use super::error::MailError;
use super::forget::ForgetMail;
use super::mailer::Mailer;
use super::outbox::MailWatcher;
use super::send_job::SendMail;
use crate::config::Settings;
use crate::context::Context;
use crate::wiring::Wiring;

/// What mail adds to the service: the jobs that send messages, tell `watchers` what came of them, and forget them.
///
/// # Errors
/// [`MailError::Settings`].
pub fn wire(settings: &Settings, context: &Context, watchers: Vec<Arc<dyn MailWatcher>>) -> Result<Wiring, MailError> {
    let mailer = Mailer::new(&settings.mail, &settings.data_dir)?;
    Ok(Wiring::new().with_job(SendMail::new(context.clone(), mailer, watchers)).with_cleanup(ForgetMail::new(
        context.db.clone(),
        context.clock.clone(),
        settings.retention.mail(),
    )))
}
