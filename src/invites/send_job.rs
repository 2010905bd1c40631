use futures_util::future::BoxFuture;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::{Invite, InviteError, InviteStatus, inviting_member, store};
use crate::db::claim::ClaimedJob;
use crate::http::Context;
use crate::ids::{InstanceId, InviteId};
use crate::instances;
use crate::jobs::{JobHandler, JobOutcome, back_off};
use crate::mail::{Invitation, MailError, Mailer};
use crate::members;

/// The kind of job that sends one invitation.
pub(super) const KIND: &str = "send_invitation";

/// Sends invitations. What is promised: a message leaves at least once while its invitation holds; it leaves twice only when
/// the process dies between the server's answer and its recording, or the answer is lost, and then both have the same link and
/// the same `Message-ID`.
#[derive(Debug)]
pub struct SendInvitation {
    context: Context,
    mailer: Mailer,
}

#[derive(Deserialize)]
struct Payload {
    invite_id: InviteId,
}

/// How a try ended.
enum Try {
    /// Nothing is left to do.
    Settled,
    Failed {
        /// For those who invited; may quote the address.
        told: String,
        /// For the log.
        logged: String,
    },
    Later {
        told: String,
    },
}

impl SendInvitation {
    /// A handler that sends through `mailer`.
    #[must_use]
    pub fn new(context: Context, mailer: Mailer) -> Self {
        Self { context, mailer }
    }

    async fn attempt(&self, instance: InstanceId, id: InviteId) -> Result<Try, InviteError> {
        let db = &self.context.db;
        let Some(invite) = store::find(db, instance, id).await? else { return Ok(Try::Settled) };
        match invite.status_at(self.context.clock.timestamp()) {
            InviteStatus::Pending => {}
            InviteStatus::Expired => return Ok(never("the invitation ran out before the message could be sent")),
            InviteStatus::Sent | InviteStatus::Failed | InviteStatus::Accepted => return Ok(Try::Settled),
        }
        let Some(sealed) = store::sealed_token(db, instance, id).await? else { return Ok(never("the link is gone")) };
        let token = match super::invite::open_token(&self.context.vault, instance, id, &sealed) {
            Ok(token) => token,
            Err(error) => return Ok(never(&format!("the stored link can't be used: {error}"))),
        };
        let invitation = Invitation {
            id: id.0,
            to: invite.email.clone(),
            instance: self.instance_name(instance).await?,
            invited_by: self.inviter(&invite).await?,
            link: self.context.public_url.of(&format!("/activate/{}", token.expose_secret())),
            expires_at: invite.expires_at.instant(),
        };
        Ok(self.deliver(&invitation).await)
    }

    async fn deliver(&self, invitation: &Invitation) -> Try {
        let sent = match invitation.message(self.context.clock.now()) {
            Ok(message) => self.mailer.send(&message).await,
            Err(error) => Err(error),
        };
        match sent {
            Ok(()) => Try::Settled,
            Err(error) if error.is_temporary() => {
                tracing::warn!(invite = %invitation.id, error = %error, "an invitation could not be sent and will be tried again");
                Try::Later { told: told(&error) }
            }
            Err(error) => Try::Failed { told: told(&error), logged: error.to_string() },
        }
    }

    async fn instance_name(&self, instance: InstanceId) -> Result<String, InviteError> {
        let found = instances::find(&self.context.db, instance).await?;
        Ok(found.ok_or(instances::InstanceError::Unknown)?.name)
    }

    /// What the message calls the one who invited.
    async fn inviter(&self, invite: &Invite) -> Result<String, InviteError> {
        let member = match inviting_member(&invite.invited_by) {
            Some(member) => members::find(&self.context.db, invite.instance, member).await?,
            None => None,
        };
        let somebody = if invite.is_first { "Your Marketo administrator" } else { "An administrator" };
        Ok(member.map_or_else(|| somebody.to_owned(), |member| member.display_name()))
    }

    async fn record(&self, instance: InstanceId, id: InviteId, end: &Try) -> Result<(), InviteError> {
        let mut tx = self.context.db.begin().await?;
        match end {
            Try::Settled => store::mark_sent(&mut tx, instance, id, self.context.clock.timestamp()).await?,
            Try::Failed { told, .. } => store::mark_failed(&mut tx, instance, id, told).await?,
            Try::Later { told } => store::note_delay(&mut tx, instance, id, told).await?,
        }
        Ok(tx.commit().await?)
    }
}

fn never(why: &str) -> Try {
    Try::Failed { told: why.to_owned(), logged: why.to_owned() }
}

fn told(error: &MailError) -> String {
    // A server may answer with an essay.
    error.answer().chars().filter(|one| !one.is_control()).take(500).collect()
}

impl JobHandler for SendInvitation {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run<'a>(&'a self, job: &'a ClaimedJob) -> BoxFuture<'a, JobOutcome> {
        Box::pin(async move {
            let payload = serde_json::from_value::<Payload>(job.payload.0.clone());
            let (Some(instance), Ok(Payload { invite_id })) = (job.instance_id, payload) else {
                return JobOutcome::Failed("the job names no invitation".into());
            };
            let end = match self.attempt(instance, invite_id).await {
                Ok(end) => end,
                Err(error) => {
                    tracing::warn!(invite = %invite_id, error = %error, "an invitation could not be prepared");
                    return JobOutcome::Again(back_off(job.attempts));
                }
            };
            if let Err(error) = self.record(instance, invite_id, &end).await {
                tracing::warn!(invite = %invite_id, error = %error, "the end of an invitation's message could not be recorded");
                return JobOutcome::Again(back_off(job.attempts));
            }
            match end {
                Try::Settled => JobOutcome::Done,
                Try::Failed { logged, .. } => JobOutcome::Failed(logged),
                Try::Later { .. } => JobOutcome::Again(back_off(job.attempts)),
            }
        })
    }
}
