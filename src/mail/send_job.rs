use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::ExposeSecret;
use serde::Deserialize;
use time::Duration;

use super::outbox::{SEND_MAIL, content_context};
use super::store::MailRetryOutcome;
use super::store::Outgoing;
use super::{MailError, MailProgress, MailState, MailTemplate, MailWatcher, Mailer, Message, store};
use crate::clock::{Clock, Timestamp};
use crate::context::Context;
use crate::db::claim::ClaimedJob;
use crate::db::{DbError, Tx};
use crate::ids::{InstanceId, MailId};
use crate::jobs::{DeadLetter, GiveUpError, JobHandler, JobKind, JobOutcome, JobSubject, RequeueError, back_off};

/// How often a message is handed over again when it is not known whether the server has taken it.
const MAX_DOUBTS: i64 = 1;

/// Sends the messages of the outbox; see the module for what is promised.
pub struct SendMail {
    context: Context,
    mailer: Mailer,
    watchers: HashMap<&'static str, Arc<dyn MailWatcher>>,
}

#[derive(Deserialize)]
struct SendMailPayload {
    mail_id: MailId,
}

/// How a try ended.
enum End {
    Finished {
        state: MailState,
        /// For the outbox and the log: no address.
        error: Option<String>,
        progress: MailProgress,
    },
    Again {
        doubts: i64,
        error: String,
        why: String,
    },
}

impl SendMail {
    /// A handler that sends through `mailer` and tells the watchers.
    #[must_use]
    pub fn new(context: Context, mailer: Mailer, watchers: Vec<Arc<dyn MailWatcher>>) -> Self {
        let watchers = watchers.into_iter().map(|watcher| (watcher.kind(), watcher)).collect();
        Self { context, mailer, watchers }
    }

    async fn attempt(&self, instance: InstanceId, id: MailId) -> Result<JobOutcome, DbError> {
        let Some(mut mail) = store::outgoing(&self.context.db, instance, id).await? else { return Ok(JobOutcome::Done) };
        match mail.mail.state {
            MailState::Queued => {}
            // Whoever wrote this mark died, or lost its lease, before it could record what came of it.
            MailState::Sending if mail.doubts < MAX_DOUBTS => {
                self.doubt(&mail).await?;
                mail.doubts += 1;
            }
            MailState::Sending => return self.record(&mail, unconfirmed("the process ended while it was sent")).await,
            _ => return Ok(JobOutcome::Done),
        }
        let now = self.context.clock.timestamp();
        if now >= mail.useful_until {
            let error = Some("it could not be delivered in time".to_owned());
            return self.record(&mail, End::Finished { state: MailState::RanOut, error, progress: MailProgress::RanOut }).await;
        }
        if let Some(wait) = self.pace(&mail, now).await? {
            return Ok(JobOutcome::RunAgain(wait));
        }
        let message = match self.compose(&mail) {
            Ok(message) => message,
            Err(error) => return self.record(&mail, end_of(&mail, error)).await,
        };
        if !self.mark(&mail).await? {
            return Ok(JobOutcome::Done);
        }
        mail.tries += 1;
        let end = match self.mailer.send(&message).await {
            Ok(()) => End::Finished { state: MailState::Sent, error: None, progress: MailProgress::Sent },
            Err(error) => end_of(&mail, error),
        };
        self.record(&mail, end).await
    }

    /// How long to wait until the server may be handed this message.
    async fn pace(&self, mail: &Outgoing, now: Timestamp) -> Result<Option<Duration>, DbError> {
        let Some((server, apart)) = self.mailer.pace() else { return Ok(None) };
        let slot = match mail.slot_at {
            Some(slot) => slot,
            None => {
                let mut tx = self.context.db.begin().await?;
                let slot = store::reserve_slot(&mut tx, server, now, apart).await?;
                store::keep_slot(&mut tx, mail.mail.instance, mail.mail.id, slot).await?;
                tx.commit().await?;
                slot
            }
        };
        Ok((slot > now).then(|| slot - now))
    }

    fn compose(&self, mail: &Outgoing) -> Result<Message, MailError> {
        let sealed = mail.sealed_content.as_deref().ok_or_else(|| MailError::permanent("what it said is gone"))?;
        let context = content_context(mail.mail.instance, mail.mail.id);
        let written = self.context.vault.open_text(&context, sealed).map_err(|error| MailError::permanent(&error.to_string()))?;
        let template: MailTemplate =
            serde_json::from_str(written.expose_secret()).map_err(|_| MailError::permanent("what it said can't be read"))?;
        template.message(mail.mail.id.0, &mail.recipient, mail.language, mail.created_at.instant())
    }

    async fn mark(&self, mail: &Outgoing) -> Result<bool, DbError> {
        let mut tx = self.context.db.begin().await?;
        let ours = store::begin(&mut tx, mail.mail.instance, mail.mail.id).await?;
        tx.commit().await?;
        Ok(ours)
    }

    async fn doubt(&self, mail: &Outgoing) -> Result<(), DbError> {
        tracing::warn!(mail = %mail.mail.id, "it is not known whether a message left before its process ended; it is sent once more");
        let now = self.context.clock.timestamp();
        let mut tx = self.context.db.begin().await?;
        store::postpone(&mut tx, mail.mail.instance, mail.mail.id, 1, None, now).await?;
        tx.commit().await
    }

    /// Shows that nobody tries it again by itself. Of one that was being handed over it is not known whether the server has taken it.
    async fn give_up(&self, instance: InstanceId, id: MailId) -> Result<(), DbError> {
        let Some(mail) = store::outgoing(&self.context.db, instance, id).await? else { return Ok(()) };
        let end = match mail.mail.state {
            MailState::Queued => {
                let error = Some("this service failed to send it, several times".to_owned());
                End::Finished { state: MailState::Failed, error, progress: MailProgress::Failed }
            }
            MailState::Sending => unconfirmed("this service failed to send it, several times"),
            _ => return Ok(()),
        };
        self.record(&mail, end).await.map(drop)
    }

    /// Records the end of a try in the outbox and with the watcher, together.
    async fn record(&self, mail: &Outgoing, end: End) -> Result<JobOutcome, DbError> {
        let (instance, id) = (mail.mail.instance, mail.mail.id);
        let now = self.context.clock.timestamp();
        let mut tx = self.context.db.begin().await?;
        let (progress, outcome) = match end {
            End::Finished { state, error, progress } => {
                store::finish(&mut tx, instance, id, state, error.as_deref(), now).await?;
                // The outbox has it, whatever it is.
                (progress, JobOutcome::Done)
            }
            End::Again { doubts, error, why } => {
                // Not later than it would be given up, so that whoever waits for it learns that in time.
                let wait = back_off(mail.tries).min(mail.useful_until - now);
                store::postpone(&mut tx, instance, id, doubts, Some(&error), now + wait).await?;
                tracing::warn!(mail = %id, error, "a message could not be sent and will be tried again");
                (MailProgress::Delayed { why }, JobOutcome::RunAgain(wait))
            }
        };
        if let Some(watcher) = self.watchers.get(mail.mail.kind.as_str()) {
            watcher.record(&mut tx, &mail.mail, &progress).await?;
        }
        tx.commit().await?;
        Ok(outcome)
    }
}

fn end_of(mail: &Outgoing, error: MailError) -> End {
    let why: String = error.answer().chars().filter(|one| !one.is_control()).take(500).collect();
    match &error {
        MailError::Permanent { .. } => {
            End::Finished { state: MailState::Refused, error: Some(error.to_string()), progress: MailProgress::Refused { why } }
        }
        MailError::InDoubt { .. } if mail.doubts >= MAX_DOUBTS => unconfirmed(&error.to_string()),
        MailError::InDoubt { .. } => End::Again { doubts: 1, error: error.to_string(), why },
        MailError::Temporary { .. } | MailError::Settings(_) => End::Again { doubts: 0, error: error.to_string(), why },
    }
}

/// The message that a job is about.
fn subject(job: &ClaimedJob) -> Option<(InstanceId, MailId)> {
    Some((job.instance_id?, SendMailPayload::deserialize(&job.payload.0).ok()?.mail_id))
}

fn unconfirmed(error: &str) -> End {
    End::Finished { state: MailState::Unconfirmed, error: Some(error.to_owned()), progress: MailProgress::Unconfirmed }
}

impl JobHandler for SendMail {
    fn kind(&self) -> JobKind {
        SEND_MAIL
    }

    fn run<'a>(&'a self, job: &'a ClaimedJob) -> BoxFuture<'a, JobOutcome> {
        Box::pin(async move {
            let Some((instance, mail)) = subject(job) else { return JobOutcome::GiveUp("the job names no message".into()) };
            self.attempt(instance, mail).await.unwrap_or_else(|error| JobOutcome::retry(&error))
        })
    }

    fn give_up<'a>(&'a self, job: &'a ClaimedJob, _reason: &'a str) -> BoxFuture<'a, Result<(), GiveUpError>> {
        Box::pin(async move {
            let Some((instance, mail)) = subject(job) else { return Ok(()) };
            Ok(self.give_up(instance, mail).await?)
        })
    }
}

/// The message of a dead letter that is tried again.
#[derive(Debug)]
pub struct MailSubject;

impl JobSubject for MailSubject {
    fn kind(&self) -> JobKind {
        SEND_MAIL
    }

    fn prepare_requeue<'a>(
        &'a self,
        tx: &'a mut Tx,
        clock: &'a dyn Clock,
        letter: &'a DeadLetter,
    ) -> BoxFuture<'a, Result<(), RequeueError>> {
        Box::pin(async move {
            let obsolete = |why: &str| Err(RequeueError::Obsolete(why.to_owned()));
            let Some((instance, payload)) = letter.subject::<SendMailPayload>() else {
                return obsolete("the job names no message; discard it");
            };
            match store::revive(tx, instance, payload.mail_id, clock.timestamp()).await? {
                MailRetryOutcome::Queued => Ok(()),
                MailRetryOutcome::Pointless => {
                    obsolete("the message has left, was canceled or deleted, or the time in which it is useful is over; discard it")
                }
            }
        })
    }
}
