use super::csv::{Analysis, Chunk, Mapping, MappingMismatch, RowCheck, StoredRows};
use super::import::{Import, ImportState};
use super::{ImportError, store};
use crate::context::Context;
use crate::db::Tx;
use crate::members;

/// How often a file is checked when others map it at the same time.
const TRIES: u32 = 5;

/// Checks that a mapping fits the file.
///
/// # Errors
/// [`ImportError::MappingMismatch`], [`ImportError::MappingShared`].
pub(super) fn check_fit(import: &Import, mapping: &Mapping) -> Result<(), ImportError> {
    let columns = import.analysis.columns.len();
    match mapping.unfit(columns) {
        None => Ok(()),
        Some(MappingMismatch::NoSuchColumn { field, column }) => {
            Err(ImportError::MappingMismatch { field: field.as_str(), column, last: columns.saturating_sub(1) })
        }
        Some(MappingMismatch::Shared { field, other, column }) => {
            Err(ImportError::MappingShared { field: field.as_str(), other: other.as_str(), column })
        }
    }
}

/// Checks the whole file anew under another mapping. Gives the transaction in which what was found is recorded, so that the caller
/// records in it what else belongs to the change.
///
/// # Errors
/// [`ImportError::Confirmed`], [`ImportError::Unknown`], [`ImportError::Interrupted`], [`ImportError::Db`].
pub(super) async fn map_anew(context: &Context, import: &mut Import, mapping: Mapping) -> Result<Tx, ImportError> {
    for _ in 0..TRIES {
        if import.state != ImportState::Analyzed {
            return Err(ImportError::Confirmed(import.id));
        }
        // A large file takes a while: nobody waits for it to write.
        let (analysis, changed) = check_file(context, import, mapping).await?;
        let mut tx = context.db.begin().await?;
        let now = store::find_and_lock(&mut tx, import.instance, import.id).await?.ok_or(ImportError::Unknown)?;
        if now.state != import.state || now.analysis != import.analysis {
            // Somebody has mapped or confirmed it meanwhile, so what the chunks held before may hold no more.
            *import = now;
            continue;
        }
        store::set_analysis(&mut tx, import.instance, import.id, &analysis).await?;
        for chunk in &changed {
            store::set_errors(&mut tx, import.instance, import.id, chunk).await?;
        }
        import.analysis = analysis;
        return Ok(tx);
    }
    Err(ImportError::Interrupted)
}

/// Locks an import that has the mapping wanted, or the one it has when none is: what somebody else chose since it was read counts.
///
/// # Errors
/// As [`map_anew`].
pub(super) async fn lock_mapped(context: &Context, mut import: Import, wanted: Option<Mapping>) -> Result<(Tx, Mapping), ImportError> {
    let mut tx = context.db.begin().await?;
    let now = store::find_and_lock(&mut tx, import.instance, import.id).await?.ok_or(ImportError::Unknown)?;
    let mapping = wanted.unwrap_or_else(|| now.mapping());
    if mapping == now.mapping() {
        return Ok((tx, mapping));
    }
    drop(tx);
    import = now;
    Ok((map_anew(context, &mut import, mapping).await?, mapping))
}

/// What is found under another mapping, and the chunks whose errors are others than before.
async fn check_file(context: &Context, import: &Import, mapping: Mapping) -> Result<(Analysis, Vec<Chunk>), ImportError> {
    let teams = members::teams(&context.db, import.instance).await?;
    let table_rows = import.analysis.rows;
    let mut check = RowCheck::new(mapping, import.analysis.columns.len(), teams);
    let (mut position, mut changed) = (0, Vec::new());
    while let Some(stored) = store::chunk_from(&context.db, import.instance, import.id, position, 0).await? {
        let mut chunk = stored.chunk;
        position = chunk.first + u64::from(chunk.rows);
        let before = (chunk.errors, chunk.repeats.clone());
        let work = tokio::task::spawn_blocking(move || {
            check_chunk(&mut check, &mut chunk, table_rows);
            (check, chunk)
        });
        // The task only fails when the runtime shuts down.
        (check, chunk) = work.await.map_err(|_| ImportError::Interrupted)?;
        if before != (chunk.errors, chunk.repeats.clone()) {
            chunk.body = Vec::new();
            changed.push(chunk);
        }
    }
    let mut analysis = import.analysis.clone();
    analysis.mapping = mapping.into();
    (analysis.error_count, analysis.valid_rows) = (check.error_count, check.valid_rows);
    analysis.errors = check.errors;
    Ok((analysis, changed))
}

fn check_chunk(check: &mut RowCheck, chunk: &mut Chunk, table_rows: u64) {
    (chunk.errors, chunk.repeats) = (0, Vec::new());
    let mut position = chunk.first;
    let mut rows = StoredRows::new(&chunk.body);
    while let Some((number, cells)) = rows.next_row().filter(|_| position < table_rows) {
        let found = check.row(number, cells);
        chunk.errors = chunk.errors.saturating_add(found.errors);
        chunk.repeats.extend(found.repeats.map(|first| (number, first)));
        position += 1;
    }
}
