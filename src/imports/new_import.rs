//! A file that has arrived becomes an import.

use std::fs::File;
use std::io::{self, Seek, Write};

use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::sync::CancellationToken;

use super::csv::{Analysis, AnalysisBudget, AnalysisLimits, Chunk, ChunkSink, Unreadable, analyze};
use super::import::{Import, ImportCounts, ImportState, MAX_UNCONFIRMED, UNCONFIRMED_FOR};
use super::{ImportError, store};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::clock::SharedClock;
use crate::context::Context;
use crate::db::Tx;
use crate::ids::{ImportId, InstanceId};
use crate::members::{self, Teams};

/// A file that has arrived: in a file of our own that goes away when it is closed.
#[derive(Debug)]
pub(super) struct ReceivedFile {
    pub(super) file: File,
    pub(super) bytes: u64,
    /// The character set that the sender names.
    pub(super) charset: Option<String>,
    /// As the sender calls the file.
    pub(super) name: Option<String>,
}

/// Checks that the instance may have another import that waits to be confirmed, before its file is taken in.
///
/// # Errors
/// [`ImportError::Limit`].
pub(super) async fn check_limit(context: &Context, instance: InstanceId) -> Result<(), ImportError> {
    let since = context.clock.timestamp() - UNCONFIRMED_FOR;
    let waiting = store::count_unconfirmed(&context.db, instance, since).await?;
    if waiting >= MAX_UNCONFIRMED { Err(ImportError::Limit(MAX_UNCONFIRMED)) } else { Ok(()) }
}

/// Reads a file, and keeps what is in it as an import that waits to be confirmed. `slot` is dropped when the reading has ended.
///
/// # Errors
/// [`ImportError::Unreadable`]; [`ImportError::Limit`]; [`ImportError::Interrupted`].
pub(super) async fn import_file(
    context: &Context,
    instance: InstanceId,
    origin: &ChangeOrigin,
    received: ReceivedFile,
    slot: impl Send + 'static,
) -> Result<Import, ImportError> {
    let since = context.clock.timestamp() - UNCONFIRMED_FOR;
    let teams = members::teams(&context.db, instance).await?;
    let file_name = received.name.clone();
    let (analysis, rows) = examine(received, teams, context.clock.clone(), slot).await?;
    let import = Import {
        id: ImportId(context.clock.new_id()),
        instance,
        state: ImportState::Analyzed,
        file_name,
        analysis,
        confirmation: None,
        invited_by: origin.actor.clone(),
        rows_done: 0,
        counts: ImportCounts::default(),
        error: None,
        created_at: context.clock.timestamp(),
        confirmed_at: None,
        completed_at: None,
        rows_deleted_at: None,
    };
    let mut tx = context.db.begin().await?;
    store::insert(&mut tx, instance, &import).await?;
    insert_rows(&mut tx, &import, rows).await?;
    // Others may have been sent since the look at the beginning. Those who are at this point wait for each other here, so that each
    // sees the one before.
    members::ensure_everyone(&mut tx, context.clock.as_ref(), instance).await?;
    if store::count_unconfirmed_in(&mut tx, instance, since).await? > MAX_UNCONFIRMED {
        return Err(ImportError::Limit(MAX_UNCONFIRMED));
    }
    audit::record(&mut tx, context.clock.as_ref(), instance, origin, Entry::new("import.created", "import", import.id)).await?;
    tx.commit().await?;
    Ok(import)
}

/// The rows of a file as they will be kept, in a file of our own, and how long each chunk is there.
struct ChunkSpool {
    bodies: File,
    chunks: Vec<(Chunk, usize)>,
}

impl ChunkSink for ChunkSpool {
    fn store(&mut self, mut chunk: Chunk) -> io::Result<()> {
        let body = std::mem::take(&mut chunk.body);
        self.bodies.write_all(&body)?;
        self.chunks.push((chunk, body.len()));
        Ok(())
    }
}

async fn examine(
    mut received: ReceivedFile,
    teams: Teams,
    clock: SharedClock,
    slot: impl Send + 'static,
) -> Result<(Analysis, ChunkSpool), ImportError> {
    let analysis = run_blocking(move |canceled| {
        // The place is free when the work has ended, not when its caller is gone.
        let _slot = slot;
        let budget = AnalysisBudget::new(AnalysisLimits::for_file(received.bytes), received.bytes, clock, canceled);
        let bodies = tempfile::tempfile().map_err(|_| Unreadable::Lost)?;
        let mut rows = ChunkSpool { bodies, chunks: Vec::new() };
        let analysis = analyze(&mut received.file, received.charset.as_deref(), &teams, Some(&mut rows), &budget)?;
        rows.bodies.rewind().map_err(|_| Unreadable::Lost)?;
        Ok((analysis, rows))
    });
    analysis.await?
}

/// Does work that blocks. Whoever waits for it no more, because the connection is gone or the time over, cancels it.
async fn run_blocking<T: Send + 'static>(work: impl FnOnce(CancellationToken) -> T + Send + 'static) -> Result<T, ImportError> {
    let canceled = CancellationToken::new();
    let _canceling = canceled.clone().drop_guard();
    tokio::task::spawn_blocking(move || work(canceled)).await.map_err(|_| ImportError::Interrupted)
}

async fn insert_rows(tx: &mut Tx, import: &Import, rows: ChunkSpool) -> Result<(), ImportError> {
    let lost = |_: io::Error| ImportError::Unreadable(Unreadable::Lost);
    let mut bodies = tokio::fs::File::from_std(rows.bodies);
    bodies.rewind().await.map_err(lost)?;
    for (mut chunk, length) in rows.chunks {
        chunk.body.resize(length, 0);
        bodies.read_exact(&mut chunk.body).await.map_err(lost)?;
        store::insert_chunk(tx, import.instance, import.id, &chunk).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn work_ends_when_nobody_waits_for_it_any_more() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (begun, has_begun) = mpsc::channel();
        let (ended, has_ended) = mpsc::channel();
        runtime.block_on(async {
            let mut waiting = Box::pin(run_blocking(move |canceled| {
                begun.send(()).unwrap();
                while !canceled.is_cancelled() {
                    std::thread::yield_now();
                }
                ended.send(()).unwrap();
            }));
            assert!(futures_util::poll!(waiting.as_mut()).is_pending());
            has_begun.recv().unwrap();
            assert!(has_ended.try_recv().is_err());
            drop(waiting);
            has_ended.recv().unwrap();
        });
    }
}
