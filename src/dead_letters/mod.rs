//! The operator's view of dead letters, jobs that nobody tries again by itself: what failed and why; have it tried again, or
//! forget it.

pub mod http;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;

use crate::audit::{self, ChangeOrigin, Entry};
use crate::clock::SharedClock;
use crate::db::{Db, DbError, Tx};
use crate::ids::{InstanceId, JobId};
use crate::jobs::{
    DeadLetter, DeadLetterFilter, JobSubject, RequeueError, discard_dead_letter, find_dead_letter, list_dead_letters, lock_dead_letter,
    requeue_dead_letter,
};

/// Why something can't be done about a dead letter.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// There is none of this id.
    #[error("there is no dead letter {0}; it may have been tried again or discarded")]
    Unknown(JobId),
    /// Trying it again makes no sense; why, and what to do instead.
    #[error("{0}")]
    Pointless(String),
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<RequeueError> for DeadLetterError {
    fn from(error: RequeueError) -> Self {
        match error {
            RequeueError::Obsolete(why) => Self::Pointless(why),
            RequeueError::Db(error) => Self::Db(error),
        }
    }
}

/// The dead letters, wired. Cheap to clone.
#[derive(Clone)]
pub struct DeadLetters {
    db: Db,
    clock: SharedClock,
    subjects: Arc<HashMap<&'static str, Arc<dyn JobSubject>>>,
}

impl DeadLetters {
    /// Wires the feature; kinds without a subject are tried again as they are.
    #[must_use]
    pub fn new(db: Db, clock: SharedClock, subjects: Vec<Arc<dyn JobSubject>>) -> Self {
        let subjects = subjects.into_iter().map(|subject| (subject.kind().name, subject)).collect();
        Self { db, clock, subjects: Arc::new(subjects) }
    }

    /// A page, the newest first, from those older than `before`.
    ///
    /// # Errors
    /// [`DeadLetterError::Db`].
    pub async fn list(&self, filter: &DeadLetterFilter, before: Option<JobId>, rows: i64) -> Result<Vec<DeadLetter>, DeadLetterError> {
        Ok(list_dead_letters(&self.db, filter, before, rows).await?)
    }

    /// One of them. Whoever acts for one instance (`within`) sees that one's only.
    ///
    /// # Errors
    /// [`DeadLetterError::Unknown`], [`DeadLetterError::Db`].
    pub async fn find(&self, id: JobId, within: Option<InstanceId>) -> Result<DeadLetter, DeadLetterError> {
        visible(find_dead_letter(&self.db, id).await?, id, within)
    }

    /// Has one tried again at once, as if it had never failed, and what it is about wait for it again.
    ///
    /// # Errors
    /// Those of [`DeadLetters::find`]; [`DeadLetterError::Pointless`].
    pub async fn retry(&self, id: JobId, within: Option<InstanceId>, origin: &ChangeOrigin) -> Result<DeadLetter, DeadLetterError> {
        let (mut tx, letter) = self.lock(id, within).await?;
        if let Some(subject) = self.subjects.get(letter.kind.as_str()) {
            subject.prepare_requeue(&mut tx, &*self.clock, &letter).await?;
        }
        requeue_dead_letter(&mut tx, &*self.clock, &letter).await?;
        self.settle(tx, "dead_letter.retried", &letter, origin).await?;
        Ok(letter)
    }

    /// Discards one. What it was about stays as it is.
    ///
    /// # Errors
    /// Those of [`DeadLetters::find`].
    pub async fn discard(&self, id: JobId, within: Option<InstanceId>, origin: &ChangeOrigin) -> Result<DeadLetter, DeadLetterError> {
        let (mut tx, letter) = self.lock(id, within).await?;
        discard_dead_letter(&mut tx, id).await?;
        self.settle(tx, "dead_letter.discarded", &letter, origin).await?;
        Ok(letter)
    }

    async fn lock(&self, id: JobId, within: Option<InstanceId>) -> Result<(Tx, DeadLetter), DeadLetterError> {
        let mut tx = self.db.begin().await?;
        let letter = visible(lock_dead_letter(&mut tx, id).await?, id, within)?;
        Ok((tx, letter))
    }

    async fn settle(&self, mut tx: Tx, action: &'static str, letter: &DeadLetter, origin: &ChangeOrigin) -> Result<(), DbError> {
        let chain = letter.instance_id.unwrap_or(audit::GLOBAL);
        let before = json!({ "kind": letter.kind, "attempts": letter.attempts, "reason": letter.last_error });
        let entry = Entry::new(action, "job", letter.id).before(before);
        audit::record(&mut tx, &*self.clock, chain, origin, entry).await?;
        tx.commit().await
    }
}

fn visible(found: Option<DeadLetter>, id: JobId, within: Option<InstanceId>) -> Result<DeadLetter, DeadLetterError> {
    let found = found.filter(|letter| within.is_none() || letter.instance_id == within);
    found.ok_or(DeadLetterError::Unknown(id))
}

impl std::fmt::Debug for DeadLetters {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("DeadLetters")
    }
}
