//! One bulk export job: what was ordered, its state, its file.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::sandbox::timestamps::format_iso;

/// Marketo refreshes the status it shows no more often than this.
const STATUS_REFRESH_SECONDS: i64 = 60;

/// Which people a job exports: those of a time window in Unix seconds, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadExportFilter {
    CreatedAt(i64, i64),
    UpdatedAt(i64, i64),
}

/// What is exported. Each kind has its own addresses; all share the running jobs, the queue and the daily bytes.
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
pub enum ExportSelection {
    Leads(LeadExportFilter),
    /// Activities of a time window in Unix seconds, both ends included, and of some types, or of every type when `types` is empty.
    Activities {
        from: i64,
        to: i64,
        types: Vec<u32>,
    },
}

impl ExportSelection {
    /// What is exported.
    pub fn kind(&self) -> ExportKind {
        match self {
            Self::Leads(_) => ExportKind::Leads,
            Self::Activities { .. } => ExportKind::Activities,
        }
    }
}

/// The format of an export file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFileFormat {
    Csv,
    Tsv,
    Ssv,
}

impl ExportFileFormat {
    fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Tsv => "TSV",
            Self::Ssv => "SSV",
        }
    }

    /// The byte that separates fields.
    pub fn delimiter(self) -> u8 {
        match self {
            Self::Csv => b',',
            Self::Tsv => b'\t',
            Self::Ssv => b';',
        }
    }
}

/// What a job exports, and how its file is written.
#[derive(Debug, Clone)]
pub struct ExportOrder {
    /// REST names, in column order.
    pub fields: Vec<String>,
    /// Column headers, in the same order.
    pub headers: Vec<String>,
    pub format: ExportFileFormat,
    pub selection: ExportSelection,
}

/// A finished file.
#[derive(Debug, Clone)]
pub struct ExportFile {
    pub path: PathBuf,
    pub bytes: u64,
    pub records: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Whether the result cache uses the file too, so that it stays when its job is removed.
    pub outlives_job: bool,
}

impl ExportFile {
    /// Removes the file, unless it outlives its job.
    pub(super) fn remove(&self) {
        if !self.outlives_job {
            // The file may be gone already, which is as good.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportJobState {
    Created,
    Queued,
    Processing,
    Canceled,
    Completed,
    Failed,
}

impl ExportJobState {
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
pub struct SandboxExportJob {
    pub id: String,
    pub order: ExportOrder,
    pub state: ExportJobState,
    pub created_at: i64,
    pub queued_at: Option<i64>,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    pub file: Option<ExportFile>,
    /// Why it failed.
    pub error: Option<String>,
    /// The status shown last, and when.
    pub(super) shown_status: Option<(i64, Value)>,
    /// The slot it runs in, once started.
    pub(super) slot: usize,
}

impl SandboxExportJob {
    /// The status as it is now.
    pub fn status(&self) -> Value {
        let mut status = Map::new();
        status.insert("exportId".into(), json!(self.id));
        status.insert("status".into(), json!(self.state.name()));
        status.insert("createdAt".into(), json!(format_iso(self.created_at)));
        for (name, at) in [("queuedAt", self.queued_at), ("startedAt", self.started_at), ("finishedAt", self.finished_at)] {
            if let Some(at) = at {
                status.insert(name.into(), json!(format_iso(at)));
            }
        }
        status.insert("format".into(), json!(self.order.format.name()));
        if let Some(file) = self.file.as_ref().filter(|_| self.state == ExportJobState::Completed) {
            status.insert("numberOfRecords".into(), json!(file.records));
            status.insert("fileSize".into(), json!(file.bytes));
            status.insert("fileChecksum".into(), json!(format!("sha256:{}", file.sha256)));
        }
        if let Some(error) = &self.error {
            status.insert("errorMsg".into(), json!(error));
        }
        Value::Object(status)
    }

    /// The status as Marketo shows it: when it lags, refreshed at most every 60 seconds.
    pub fn show_status(&mut self, now: i64, is_lagging: bool) -> Value {
        if let Some((_, status)) = self.shown_status.as_ref().filter(|(at, _)| is_lagging && now < at + STATUS_REFRESH_SECONDS) {
            return status.clone();
        }
        let status = self.status();
        self.shown_status = Some((now, status.clone()));
        status
    }

    /// Lets the next status be shown at once.
    pub(super) fn forget_shown_status(&mut self) {
        self.shown_status = None;
    }
}
