use futures_util::future::BoxFuture;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;

use super::passwords::{RESET_LIFETIME, begin_reset, may_ask_for_reset};
use super::{EmailAddress, LoginError, MemberState, store};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::clock::Clock;
use crate::context::Context;
use crate::db::claim::ClaimedJob;
use crate::db::{Db, Tx};
use crate::instances::{self, LoginManagement};
use crate::jobs::{DeadLetter, JobHandler, JobKind, JobOutcome, JobSubject, Lane, NewJob, RequeueError, enqueue};
use crate::mail::{self, MailTemplate, NewMail, PasswordResetMail, QueueError};

/// The kind of job that answers a request for a new password.
const KIND: JobKind = JobKind::new("password_reset", Lane::Interactive);

/// Has a link for a new password written to whoever has the address, unless too many were asked for. Who that is, the job finds out: what
/// is done here takes the same for everybody.
///
/// # Errors
/// [`LoginError::Db`].
pub(super) async fn request_reset(db: &Db, clock: &dyn Clock, email: &EmailAddress, origin: &ChangeOrigin) -> Result<(), LoginError> {
    if !may_ask_for_reset(db, clock, email, origin).await? {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    let job = NewJob { kind: KIND, instance: None, payload: json!({ "email_key": email.key() }) };
    enqueue(&mut tx, clock, job).await?;
    Ok(tx.commit().await?)
}

/// Answers requests for a new password: writes to those whom one could help. Whoever asked does not wait for it, so that the
/// answer tells nothing of who is there.
#[derive(Debug)]
pub struct AnswerPasswordResets(pub Context);

#[derive(Deserialize)]
struct PasswordResetPayload {
    email_key: String,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
enum ResetError {
    #[error(transparent)]
    Login(#[from] LoginError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Instance(#[from] instances::InstanceError),
    #[error(transparent)]
    Db(#[from] crate::db::DbError),
}

impl AnswerPasswordResets {
    /// Makes a link and queues its message, together; does nothing when it would not help.
    async fn answer(&self, email_key: &str) -> Result<(), ResetError> {
        let Context { db, clock, vault, public_url, .. } = &self.0;
        let found = store::find_for_login(db, email_key).await?.filter(|row| row.state == MemberState::Active);
        let Some(row) = found else { return Ok(()) };
        let settings = instances::find(db, row.instance).await?;
        let settings = settings.filter(|found| found.login_management == LoginManagement::AllLoginMethods);
        let (Some(settings), Some(member)) = (settings, store::find(db, row.instance, row.member).await?) else { return Ok(()) };
        let expires_at = clock.timestamp() + RESET_LIFETIME;
        let mut tx = db.begin().await?;
        let token = begin_reset(&mut tx, clock.as_ref(), row.instance, row.member).await?;
        let template = MailTemplate::PasswordReset(PasswordResetMail {
            instance: settings.name,
            link: public_url.join(&format!("/reset-password/{}", token.expose_secret())),
            expires_at: expires_at.instant(),
        });
        let mail = NewMail {
            instance: row.instance,
            to: member.email.as_str(),
            language: settings.language,
            template: &template,
            about: row.member.0,
            useful_until: expires_at,
        };
        mail::queue(&mut tx, clock.as_ref(), vault, mail).await?;
        let entry = Entry::new("member.password_reset_requested", "member", row.member);
        audit::record(&mut tx, clock.as_ref(), row.instance, &ChangeOrigin::job(KIND.name), entry).await?;
        Ok(tx.commit().await?)
    }
}

impl JobHandler for AnswerPasswordResets {
    fn kind(&self) -> JobKind {
        KIND
    }

    fn run<'a>(&'a self, job: &'a ClaimedJob) -> BoxFuture<'a, JobOutcome> {
        Box::pin(async move {
            let Ok(PasswordResetPayload { email_key }) = serde_json::from_value::<PasswordResetPayload>(job.payload.0.clone()) else {
                return JobOutcome::GiveUp("the job names no address".into());
            };
            match self.answer(&email_key).await {
                Ok(()) => JobOutcome::Done,
                Err(error) => JobOutcome::retry(&error),
            }
        })
    }
}

/// The request of a dead letter that is tried again.
#[derive(Debug)]
pub struct PasswordResetSubject;

impl JobSubject for PasswordResetSubject {
    fn kind(&self) -> JobKind {
        KIND
    }

    fn prepare_requeue<'a>(
        &'a self,
        _tx: &'a mut Tx,
        clock: &'a dyn Clock,
        letter: &'a DeadLetter,
    ) -> BoxFuture<'a, Result<(), RequeueError>> {
        let fresh = clock.timestamp() < letter.created_at + RESET_LIFETIME;
        let why = "whoever asked for a new password does not wait for it any more, and can ask again; discard it";
        Box::pin(std::future::ready(if fresh { Ok(()) } else { Err(RequeueError::Obsolete(why.to_owned())) }))
    }
}
