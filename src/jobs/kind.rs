use crate::db::text_enum;

text_enum! {
    /// Where jobs wait and run: each lane has its own dispatcher and its own limit in a process, so that no lane holds up another.
    #[derive(Hash)]
    pub enum Lane {
        /// Somebody waits for it at the screen.
        Interactive = "interactive",
        /// Messages of the outbox.
        Mail = "mail",
        /// Files of people to be invited.
        Imports = "imports",
        /// Runs of the people sync.
        Sync = "sync",
        /// What begins other work at its time.
        Schedule = "schedule",
        /// Tidying up, and whatever else nobody waits for.
        Maintenance = "maintenance",
    }
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 6] = [Self::Interactive, Self::Mail, Self::Imports, Self::Sync, Self::Schedule, Self::Maintenance];
}

/// Failures in a row after which a job is a dead letter, unless its kind says otherwise. With the back-off, that is over half an hour
/// after the first one.
const MAX_FAILURES: i64 = 10;

/// A kind of job: its name, the lane it waits in, and how often it may fail in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobKind {
    /// The name as stored and shown.
    pub name: &'static str,
    /// Where it waits.
    pub lane: Lane,
    /// Failures in a row after which it is a dead letter.
    pub max_failures: i64,
}

impl JobKind {
    /// A kind that may fail ten times in a row.
    #[must_use]
    pub const fn new(name: &'static str, lane: Lane) -> Self {
        Self { name, lane, max_failures: MAX_FAILURES }
    }

    /// The same with another limit of failures in a row.
    #[must_use]
    pub const fn with_max_failures(self, max_failures: i64) -> Self {
        Self { max_failures, ..self }
    }
}
