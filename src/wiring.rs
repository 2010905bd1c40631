//! What a feature adds to the running service. Each one says it in its own `wire`; `app` puts them together.

use std::fmt;
use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};

use crate::clock::Clock;
use crate::db::{Db, DbError};
use crate::jobs::{JobHandler, JobKind, enqueue_cleanup};

/// The handlers of a feature's jobs, its periodic cleanups, and the state that its routes are given as `Data`.
#[derive(Default)]
pub struct Wiring {
    job_handlers: Vec<Arc<dyn JobHandler>>,
    cleanups: Vec<JobKind>,
    states: Vec<AddState>,
}

/// Gives one state to the server's routes; each of its threads calls it.
type AddState = Box<dyn Fn(&mut ServiceConfig) + Send + Sync>;

impl fmt::Debug for Wiring {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = self.job_handlers.iter().map(|handler| handler.kind().name).collect();
        out.debug_struct("Wiring").field("jobs", &kinds).field("states", &self.states.len()).finish_non_exhaustive()
    }
}

impl Wiring {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the handler of a kind of job.
    #[must_use]
    pub fn with_job(mut self, handler: impl JobHandler + 'static) -> Self {
        self.job_handlers.push(Arc::new(handler));
        self
    }

    /// Adds the handler of a periodic job whose first round is queued when the service starts.
    #[must_use]
    pub fn with_cleanup(mut self, handler: impl JobHandler + 'static) -> Self {
        self.cleanups.push(handler.kind());
        self.with_job(handler)
    }

    /// Adds what handlers of routes get as `Data<T>`.
    #[must_use]
    pub fn with_state<T: Send + Sync + 'static>(mut self, state: T) -> Self {
        let state = Data::new(state);
        self.states.push(Box::new(move |config| {
            config.app_data(state.clone());
        }));
        self
    }

    /// Adds everything of another feature.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.job_handlers.extend(other.job_handlers);
        self.cleanups.extend(other.cleanups);
        self.states.extend(other.states);
        self
    }

    /// The handlers of all jobs.
    #[must_use]
    pub fn job_handlers(&self) -> &[Arc<dyn JobHandler>] {
        &self.job_handlers
    }

    /// Queues the first round of each cleanup that is not queued already.
    ///
    /// # Errors
    /// [`DbError`] when the queue can't be written.
    pub async fn enqueue_cleanups(&self, db: &Db, clock: &dyn Clock) -> Result<(), DbError> {
        for kind in &self.cleanups {
            enqueue_cleanup(db, clock, *kind).await?;
        }
        Ok(())
    }

    /// Gives the server's routes their state.
    pub fn add_states(&self, config: &mut ServiceConfig) {
        for add in &self.states {
            add(config);
        }
    }
}
