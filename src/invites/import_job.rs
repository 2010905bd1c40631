use futures_util::future::BoxFuture;
use serde::Deserialize;

use super::csv::{RowFault, Rows, read_row};
use super::imports::{Confirmation, Import, ImportState, LISTED_RESULTS, RowResult};
use super::invite::{Desk, Outcome, ResultStatus, invite, merge_teams};
use super::{InviteError, import_store};
use crate::db::claim::ClaimedJob;
use crate::http::Context;
use crate::ids::{ImportId, InstanceId};
use crate::jobs::{JobHandler, JobOutcome, back_off};
use crate::members::{self, NewMember, Teams};

/// The kind of job that invites the people of one file.
pub(super) const KIND: &str = "invite_import";
/// Rows that one transaction invites.
const CHUNK: usize = 100;

/// Invites the people of confirmed files, a chunk a transaction. The same transaction moves the count of rows done, so that
/// after a crash, or with two workers at once, each row is done once.
#[derive(Debug)]
pub struct ImportInvites {
    context: Context,
}

#[derive(Deserialize)]
struct Payload {
    import_id: ImportId,
}

/// A row read: the person, or why there is none.
struct Read {
    number: u64,
    person: Result<NewMember, Vec<RowFault>>,
}

impl ImportInvites {
    /// A handler over the service's database.
    #[must_use]
    pub fn new(context: Context) -> Self {
        Self { context }
    }

    async fn work(&self, instance: InstanceId, id: ImportId) -> Result<(), InviteError> {
        let db = &self.context.db;
        let Some(mut import) = import_store::find(db, instance, id).await? else { return Ok(()) };
        let Some(confirmation) = import.confirmation.clone().filter(|_| import.state == ImportState::Confirmed) else { return Ok(()) };
        let Some(file) = import_store::file(db, instance, id).await? else { return Ok(()) };
        let mut rows = match open(file, &import).await {
            Ok(rows) => rows,
            Err(InviteError::Unreadable(why)) => return self.finish(&import, Some(&why.to_string())).await,
            Err(error) => return Err(error),
        };
        let teams = members::teams(db, instance).await?;
        loop {
            let chunk = read_chunk(&mut rows, &import, &confirmation, &teams);
            if chunk.is_empty() {
                return self.finish(&import, None).await;
            }
            if !self.invite_chunk(&mut import, chunk).await? {
                tracing::info!(import = %id, "another worker goes on with the import");
                return Ok(());
            }
        }
    }

    /// Invites one chunk; `false` when another worker has done so.
    async fn invite_chunk(&self, import: &mut Import, chunk: Vec<Read>) -> Result<bool, InviteError> {
        let desk = Desk {
            clock: self.context.clock.as_ref(),
            vault: &self.context.vault,
            instance: import.instance,
            invited_by: &import.invited_by,
            import: Some(import.id),
        };
        let people: Vec<NewMember> = chunk.iter().filter_map(|read| read.person.as_ref().ok().cloned()).collect();
        let (from, to) = (import.rows_done, import.rows_done + chunk.len() as u64);
        let listed = import.results.len();

        let mut tx = self.context.db.begin().await?;
        let mut outcomes = invite(&mut tx, &desk, &people).await?.into_iter();
        for read in chunk {
            let result = match read.person {
                Err(faults) => faulty(read.number, &faults),
                Ok(person) => match outcomes.next() {
                    Some(outcome) => settled(read.number, &person, outcome),
                    None => continue,
                },
            };
            import.counts.add(result.status);
            if import.results.len() < LISTED_RESULTS {
                import.results.push(result);
            }
        }
        let results = (import.results.len() > listed).then_some(import.results.as_slice());
        if !import_store::advance(&mut tx, import.instance, import.id, (from, to), &import.counts, results).await? {
            return Ok(false);
        }
        tx.commit().await?;
        import.rows_done = to;
        Ok(true)
    }

    async fn finish(&self, import: &Import, error: Option<&str>) -> Result<(), InviteError> {
        let mut tx = self.context.db.begin().await?;
        import_store::finish(&mut tx, import.instance, import.id, error, self.context.clock.timestamp()).await?;
        Ok(tx.commit().await?)
    }
}

/// Opens the file at the first row that has no result yet.
async fn open(file: Vec<u8>, import: &Import) -> Result<Rows, InviteError> {
    let (dialect, done) = (import.analysis.dialect.clone(), import.rows_done);
    let opened = tokio::task::spawn_blocking(move || {
        let mut rows = Rows::open(&file, &dialect)?;
        for _ in 0..done {
            rows.next_row();
        }
        Ok(rows)
    });
    // The task only fails by a panic, which reading does not do, or when the runtime shuts down: then the job runs again.
    opened.await.map_err(|_| InviteError::Interrupted)?
}

fn read_chunk(rows: &mut Rows, import: &Import, confirmation: &Confirmation, teams: &Teams) -> Vec<Read> {
    let mut chunk = Vec::with_capacity(CHUNK);
    while chunk.len() < CHUNK {
        let Some((number, record)) = rows.next_row() else { break };
        let read = read_row(number, record, &confirmation.mapping, import.analysis.columns.len(), teams);
        let person = read.map(|row| {
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
        });
        chunk.push(Read { number, person });
    }
    chunk
}

fn faulty(row: u64, faults: &[RowFault]) -> RowResult {
    let reasons: Vec<_> = faults.iter().map(|fault| fault.detail.as_str()).collect();
    RowResult { row, email: None, status: ResultStatus::Invalid, reason: Some(reasons.join("; ")), invite_id: None }
}

fn settled(row: u64, person: &NewMember, outcome: Outcome) -> RowResult {
    let status = outcome.status();
    let invite_id = outcome.into_invite().map(|invite| invite.id);
    RowResult { row, email: Some(person.email.as_str().to_owned()), status, reason: None, invite_id }
}

impl JobHandler for ImportInvites {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run<'a>(&'a self, job: &'a ClaimedJob) -> BoxFuture<'a, JobOutcome> {
        Box::pin(async move {
            let payload = serde_json::from_value::<Payload>(job.payload.0.clone());
            let (Some(instance), Ok(Payload { import_id })) = (job.instance_id, payload) else {
                return JobOutcome::Failed("the job names no import".into());
            };
            match self.work(instance, import_id).await {
                Ok(()) => JobOutcome::Done,
                Err(error) => {
                    tracing::warn!(import = %import_id, error = %error, "an import was interrupted and goes on later");
                    JobOutcome::Again(back_off(job.attempts))
                }
            }
        })
    }
}
