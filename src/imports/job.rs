use futures_util::future::BoxFuture;
use serde::Deserialize;

use super::csv::{RowError, StoredRows, read_row};
use super::import::{Confirmation, Import, ImportState, RowOutcome};
use super::{ImportError, store};
use crate::audit::ChangeOrigin;
use crate::clock::Clock;
use crate::context::Context;
use crate::db::Tx;
use crate::db::claim::ClaimedJob;
use crate::ids::{ImportId, InstanceId, TeamId};
use crate::invites::{InviteContext, InviteOutcome, InviteOutcomeKind, invite};
use crate::jobs::{DeadLetter, GiveUpError, JobHandler, JobKind, JobOutcome, JobSubject, Lane, RequeueError};
use crate::members::{self, NewMember, Teams};

/// The kind of job that invites the people of one file.
pub(super) const KIND: JobKind = JobKind::new("invite_import", Lane::Imports);

/// The error of an import whose job is a dead letter.
const GIVEN_UP: &str = "this service failed to go on with the file, several times; whoever runs it finds out why and can have it go on, or \
     send the file again: nobody is invited twice";

/// Invites the people of confirmed files, a chunk a transaction. The same transaction moves the count of rows done, so that
/// after a crash, or with two workers at once, each row is done once.
#[derive(Debug)]
pub struct ImportInvites {
    context: Context,
}

#[derive(Deserialize)]
struct ImportInvitesPayload {
    import_id: ImportId,
}

/// A row read: the person, or why there is none.
type ImportedPerson = Result<NewMember, Vec<RowError>>;

/// The rows that one transaction takes on.
struct RowBatch {
    /// Where their chunk begins.
    first: u64,
    people: Vec<ImportedPerson>,
}

impl ImportInvites {
    /// A handler over the service's database.
    #[must_use]
    pub fn new(context: Context) -> Self {
        Self { context }
    }

    async fn work(&self, instance: InstanceId, id: ImportId) -> Result<(), ImportError> {
        let db = &self.context.db;
        let Some(mut import) = store::find(db, instance, id).await? else { return Ok(()) };
        let Some(confirmation) = import.confirmation.clone().filter(|_| import.state == ImportState::Confirmed) else { return Ok(()) };
        let teams = members::teams(db, instance).await?;
        while import.rows_done < import.analysis.rows {
            let Some(portion) = self.next_portion(&import, &confirmation, &teams).await? else {
                return self.finish(&import, Some("the rows of the file are not there any more; send it again")).await;
            };
            if !self.invite_portion(&mut import, portion).await? {
                tracing::info!(import = %id, "another worker goes on with the import");
                return Ok(());
            }
        }
        self.finish(&import, None).await
    }

    /// The rows of the chunk that is next. A transaction takes a chunk as a whole, so the next one is never half done.
    async fn next_portion(&self, import: &Import, confirmation: &Confirmation, teams: &Teams) -> Result<Option<RowBatch>, ImportError> {
        let Some(stored) = store::chunk_from(&self.context.db, import.instance, import.id, import.rows_done, 0).await? else {
            return Ok(None);
        };
        let (chunk, columns) = (stored.chunk, import.analysis.columns.len());
        let of_table = import.analysis.rows.saturating_sub(chunk.first);
        let mut rows = StoredRows::new(&chunk.body);
        let mut people = Vec::new();
        while (people.len() as u64) < of_table
            && let Some((number, cells)) = rows.next_row()
        {
            let read = read_row(number, cells, &confirmation.mapping, columns, teams);
            people.push(read.map(|row| {
                let mut own = row.teams;
                merge_teams(&mut own, &confirmation.teams);
                NewMember {
                    email: row.email,
                    first_name: row.first_name,
                    last_name: row.last_name,
                    role: row.role.unwrap_or(confirmation.role),
                    is_original: false,
                    teams: own,
                }
            }));
        }
        Ok((!people.is_empty()).then_some(RowBatch { first: chunk.first, people }))
    }

    /// Invites the people of one portion; `false` when another worker has done so.
    async fn invite_portion(&self, import: &mut Import, portion: RowBatch) -> Result<bool, ImportError> {
        let (origin, by) = (ChangeOrigin::job(KIND.name), import.invited_by.clone());
        let cx = InviteContext { import: Some(import.id), ..InviteContext::new(&self.context, import.instance, &by, &origin) };
        let people: Vec<NewMember> = portion.people.iter().flatten().cloned().collect();
        let (from, to) = (import.rows_done, portion.first + portion.people.len() as u64);

        let mut tx = self.context.db.begin().await?;
        if !store::take_rows(&mut tx, import.instance, import.id, (from, to)).await? {
            return Ok(false);
        }
        let mut invited = invite(&mut tx, &cx, &people).await?.into_iter();
        let mut outcomes = Vec::with_capacity(portion.people.len());
        let mut counts = import.counts;
        for person in portion.people {
            let outcome = match person {
                Err(errors) => faulty(&errors),
                Ok(_) => match invited.next() {
                    Some(outcome) => settled(outcome),
                    None => continue,
                },
            };
            counts.add(outcome.kind);
            outcomes.push(outcome);
        }
        store::record(&mut tx, import.instance, import.id, portion.first, &outcomes, &counts).await?;
        tx.commit().await?;
        (import.rows_done, import.counts) = (to, counts);
        Ok(true)
    }

    async fn finish(&self, import: &Import, error: Option<&str>) -> Result<(), ImportError> {
        let mut tx = self.context.db.begin().await?;
        store::finish(&mut tx, import.instance, import.id, error, self.context.clock.timestamp()).await?;
        Ok(tx.commit().await?)
    }
}

/// Adds `teams` to those of a person, each once.
fn merge_teams(own: &mut Vec<TeamId>, teams: &[TeamId]) {
    for team in teams {
        if !own.contains(team) {
            own.push(*team);
        }
    }
}

fn faulty(errors: &[RowError]) -> RowOutcome {
    let reasons: Vec<_> = errors.iter().map(|error| error.detail.as_str()).collect();
    RowOutcome { kind: InviteOutcomeKind::Invalid, reason: Some(reasons.join("; ")), invite_id: None }
}

fn settled(outcome: InviteOutcome) -> RowOutcome {
    let kind = outcome.kind();
    RowOutcome { kind, reason: None, invite_id: outcome.into_invite().map(|invite| invite.id) }
}

impl JobHandler for ImportInvites {
    fn kind(&self) -> JobKind {
        KIND
    }

    fn run<'a>(&'a self, job: &'a ClaimedJob) -> BoxFuture<'a, JobOutcome> {
        Box::pin(async move {
            let payload = serde_json::from_value::<ImportInvitesPayload>(job.payload.0.clone());
            let (Some(instance), Ok(ImportInvitesPayload { import_id })) = (job.instance_id, payload) else {
                return JobOutcome::GiveUp("the job names no import".into());
            };
            match self.work(instance, import_id).await {
                Ok(()) => JobOutcome::Done,
                Err(error) => JobOutcome::retry(&error),
            }
        })
    }

    fn give_up<'a>(&'a self, job: &'a ClaimedJob, _reason: &'a str) -> BoxFuture<'a, Result<(), GiveUpError>> {
        Box::pin(async move {
            let payload = serde_json::from_value::<ImportInvitesPayload>(job.payload.0.clone());
            let (Some(instance), Ok(ImportInvitesPayload { import_id })) = (job.instance_id, payload) else { return Ok(()) };
            let mut tx = self.context.db.begin().await?;
            store::finish(&mut tx, instance, import_id, Some(GIVEN_UP), self.context.clock.timestamp()).await?;
            Ok(tx.commit().await?)
        })
    }
}

/// The import of a dead letter that is tried again.
#[derive(Debug)]
pub struct ImportSubject;

impl JobSubject for ImportSubject {
    fn kind(&self) -> JobKind {
        KIND
    }

    fn prepare_requeue<'a>(
        &'a self,
        tx: &'a mut Tx,
        _clock: &'a dyn Clock,
        letter: &'a DeadLetter,
    ) -> BoxFuture<'a, Result<(), RequeueError>> {
        Box::pin(async move {
            let Some((instance, payload)) = letter.subject::<ImportInvitesPayload>() else {
                return Err(RequeueError::Obsolete("the job names no import; discard it".into()));
            };
            if store::revive(tx, instance, payload.import_id).await? {
                return Ok(());
            }
            Err(RequeueError::Obsolete(
                "the import is complete, or its rows are deleted; discard this, and have the file sent again".into(),
            ))
        })
    }
}
