//! One export job: what was ordered, how far it is, what came of it.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::sandbox::moment::iso;

/// The state shown is refreshed no more often.
const REFRESH_SECONDS: i64 = 60;

/// Which people a job exports. Both ends belong to the window; Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    CreatedAt(i64, i64),
    UpdatedAt(i64, i64),
}

/// The resources whose records are exported; each has addresses of its own, and all share places, queue and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportKind {
    Leads,
    Activities,
}

impl ExportKind {
    /// As in the address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Leads => "leads",
            Self::Activities => "activities",
        }
    }
}

/// Which records a job exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    Leads(Filter),
    /// Activities of a time, both ends included, and of some types; of every type that can be exported when none are named.
    Activities {
        from: i64,
        to: i64,
        types: Vec<u32>,
    },
}

impl Selection {
    /// What is exported.
    pub fn kind(&self) -> ExportKind {
        match self {
            Self::Leads(_) => ExportKind::Leads,
            Self::Activities { .. } => ExportKind::Activities,
        }
    }
}

/// What separates the fields of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    Tsv,
    Ssv,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Tsv => "TSV",
            Self::Ssv => "SSV",
        }
    }

    /// The separating byte.
    pub fn delimiter(self) -> u8 {
        match self {
            Self::Csv => b',',
            Self::Tsv => b'\t',
            Self::Ssv => b';',
        }
    }
}

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Order {
    /// REST names, in column order.
    pub fields: Vec<String>,
    /// Column headers, in the same order.
    pub headers: Vec<String>,
    pub format: Format,
    pub selection: Selection,
}

/// A finished file.
#[derive(Debug, Clone)]
pub struct Product {
    pub path: PathBuf,
    pub bytes: u64,
    pub records: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Whether the file outlives its job.
    pub kept: bool,
}

impl Product {
    pub(super) fn remove(&self) {
        if !self.kept {
            // It may be gone already; there is nothing more to do about it either way.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Created,
    Queued,
    Processing,
    Canceled,
    Completed,
    Failed,
}

impl State {
    /// The spelling of status answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Queued => "Queued",
            Self::Processing => "Processing",
            Self::Canceled => "Canceled",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
        }
    }
}

/// One export job. Times are Unix seconds.
#[derive(Debug, Clone)]
pub struct Job {
    pub id: String,
    pub order: Order,
    pub state: State,
    pub created_at: i64,
    pub queued_at: Option<i64>,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    pub product: Option<Product>,
    /// Why it failed.
    pub error: Option<String>,
    pub(super) shown: Option<(i64, Value)>,
    /// Which of the working places it has, once started.
    pub(super) place: usize,
}

impl Job {
    /// The status as it is now.
    pub fn status(&self) -> Value {
        let mut shown = Map::new();
        shown.insert("exportId".into(), json!(self.id));
        shown.insert("status".into(), json!(self.state.name()));
        shown.insert("createdAt".into(), json!(iso(self.created_at)));
        for (name, at) in [("queuedAt", self.queued_at), ("startedAt", self.started_at), ("finishedAt", self.finished_at)] {
            if let Some(at) = at {
                shown.insert(name.into(), json!(iso(at)));
            }
        }
        shown.insert("format".into(), json!(self.order.format.name()));
        if let Some(product) = self.product.as_ref().filter(|_| self.state == State::Completed) {
            shown.insert("numberOfRecords".into(), json!(product.records));
            shown.insert("fileSize".into(), json!(product.bytes));
            shown.insert("fileChecksum".into(), json!(format!("sha256:{}", product.sha256)));
        }
        if let Some(error) = &self.error {
            shown.insert("errorMsg".into(), json!(error));
        }
        Value::Object(shown)
    }

    /// The status as a caller gets to see it: with `lagging`, at most refreshed every 60 seconds.
    pub fn status_shown(&mut self, now: i64, lagging: bool) -> Value {
        if let Some((_, shown)) = self.shown.as_ref().filter(|(at, _)| lagging && now < at + REFRESH_SECONDS) {
            return shown.clone();
        }
        let status = self.status();
        self.shown = Some((now, status.clone()));
        status
    }

    pub(super) fn forget_shown(&mut self) {
        self.shown = None;
    }
}
