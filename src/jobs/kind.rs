/// Where jobs wait and run: each lane has its own dispatcher and its own limit in a process, so that no lane holds up another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Somebody waits for it at the screen.
    Interactive,
    /// Messages of the outbox.
    Mail,
    /// Files of people to be invited.
    Imports,
    /// Runs of the people sync.
    Sync,
    /// What begins other work at its time.
    Schedule,
    /// Tidying up, and whatever else nobody waits for.
    Maintenance,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 6] = [Self::Interactive, Self::Mail, Self::Imports, Self::Sync, Self::Schedule, Self::Maintenance];

    /// The name as stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Mail => "mail",
            Self::Imports => "imports",
            Self::Sync => "sync",
            Self::Schedule => "schedule",
            Self::Maintenance => "maintenance",
        }
    }

    /// The lane of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.as_str() == name)
    }
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
