//! Messages to the admins about runs that have ended, queued in the transaction that ends the run: each admin gets exactly one, or none
//! when the run does not end after all. For scheduled runs only the first success or failure after the opposite is worth a message.

use super::progress::RunProgress;
use super::run::{RunKind, RunState};
use super::{SyncError, SyncService, store};
use crate::audit::ChangeOrigin;
use crate::auth::Role;
use crate::db::Tx;
use crate::ids::{InstanceId, RunId};
use crate::instances::{self, Instance};
use crate::mail::{self, MailTemplate, NewMail, SyncCounts, SyncFailureText, SyncNoticeMail};
use crate::members::{self, Member, MemberFilter, MemberState};

/// The origin of scheduled runs.
pub(super) fn schedule_origin() -> ChangeOrigin {
    ChangeOrigin::job("schedule")
}

/// The most admins who get a message; an instance has 100 seats.
const MAX_ADMINS: i64 = 100;

/// How long a message is worth sending.
const MESSAGE_LIFETIME: time::Duration = time::Duration::days(2);

/// The message about the end of a run, and what decides whether it is sent.
pub(super) struct RunNotice {
    instance: Option<Instance>,
    run: RunId,
    kind: RunKind,
    is_scheduled: bool,
    /// The state of the previous run of the same kind.
    before: Option<RunState>,
    admins: Vec<Member>,
}

impl RunNotice {
    /// Reads what the message needs. Call this before the run's last transaction, which holds a connection and, on SQLite, the only
    /// writer.
    pub(super) async fn prepare(service: &SyncService, instance: InstanceId, run: RunId) -> Result<Self, SyncError> {
        let db = &service.db;
        let row = store::find_run(db, instance, run).await?.ok_or(SyncError::RunNotFound)?;
        let before = store::find_previous_run(db, instance, run, row.kind).await?.map(|before| before.state);
        let filter = MemberFilter { state: Some(MemberState::Active), role: Some(Role::Admin), ..MemberFilter::default() };
        Ok(Self {
            instance: instances::find(db, instance).await?,
            run,
            kind: row.kind,
            is_scheduled: row.started_by == schedule_origin().actor,
            before,
            admins: members::list(db, instance, &filter, None, MAX_ADMINS).await?,
        })
    }

    /// Queues the messages, if they are worth sending, in the transaction that ends the run in `state`.
    pub(super) async fn queue(&self, tx: &mut Tx, service: &SyncService, state: RunState, progress: &RunProgress) -> Result<(), SyncError> {
        let Some(instance) = self.instance.as_ref().filter(|_| self.is_news(state)) else { return Ok(()) };
        let report = &progress.report;
        let failure = progress.failure.as_ref().filter(|_| state == RunState::Failed);
        let template = MailTemplate::SyncNotice(SyncNoticeMail {
            instance: instance.name.clone(),
            run: self.run.to_string(),
            failure: failure.map(|one| SyncFailureText { what: one.detail.clone(), remedy: one.remedy.clone() }),
            counts: SyncCounts {
                read: report.read,
                qualified: report.qualified,
                added: report.inserted,
                changed: report.updated,
                unchanged: report.unchanged,
                removed: report.removed,
                rejected: report.rejected,
            },
        });
        let clock = service.clock.as_ref();
        for admin in &self.admins {
            let mail = NewMail {
                instance: instance.id,
                to: admin.email.as_str(),
                language: instance.language,
                template: &template,
                about: self.run.0,
                useful_until: clock.timestamp() + MESSAGE_LIFETIME,
            };
            mail::queue(tx, clock, &service.vault, mail).await?;
        }
        Ok(())
    }

    /// Whether the end of the run is worth a message.
    fn is_news(&self, state: RunState) -> bool {
        !self.is_scheduled
            || match (state, self.before) {
                // The first incremental run follows a full one, which had its message.
                (RunState::Completed, None) => self.kind == RunKind::Full,
                (RunState::Completed, Some(before)) => before != RunState::Completed,
                (_, before) => before != Some(RunState::Failed),
            }
    }
}
