//! Results of exports and queries, served again as long as nobody changes, so that a benchmark's second run doesn't measure how fast the
//! sandbox computes people. Used only with [`SandboxSettings::keep_results`](super::SandboxSettings::keep_results).

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::marketo::export_job::ExportFile;
use super::salesforce::query_jobs::{CsvPage, ResultLocator};

/// A page of a query's results, compressed.
#[derive(Debug, Clone)]
pub struct CachedPage {
    pub path: PathBuf,
    pub rows: usize,
    pub next: Option<ResultLocator>,
}

/// Results by a key that says what was asked for and at which revision of the people.
#[derive(Debug, Default)]
pub struct ResultCache {
    exports: Mutex<HashMap<String, ExportFile>>,
    pages: Mutex<HashMap<String, CachedPage>>,
    counts: Mutex<HashMap<String, u64>>,
}

fn find<T: Clone>(cache: &Mutex<HashMap<String, T>>, key: &str) -> Option<T> {
    cache.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
}

fn store<T>(cache: &Mutex<HashMap<String, T>>, key: String, result: T) {
    cache.lock().unwrap_or_else(PoisonError::into_inner).insert(key, result);
}

impl ResultCache {
    /// The file of an export that was written before.
    pub fn find_export(&self, key: &str) -> Option<ExportFile> {
        find(&self.exports, key)
    }

    /// Remembers the file of an export, which then outlives its job.
    pub fn store_export(&self, key: String, file: ExportFile) {
        store(&self.exports, key, file);
    }

    /// A page of a query's results that was written before.
    pub fn find_page(&self, key: &str) -> Option<CachedPage> {
        find(&self.pages, key)
    }

    /// Compresses a page into a file in `directory` and remembers it. Blocks.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn store_page(&self, key: String, page: &CsvPage, directory: &Path, name: &str) -> io::Result<()> {
        let path = directory.join(format!("{name}.csv.gz"));
        let mut file = GzEncoder::new(std::fs::File::create(&path)?, Compression::default());
        file.write_all(&page.csv)?;
        file.finish()?;
        store(&self.pages, key, CachedPage { path, rows: page.rows, next: page.next });
        Ok(())
    }

    /// How many records a query has, if it was counted before.
    pub fn find_count(&self, key: &str) -> Option<u64> {
        find(&self.counts, key)
    }

    /// Remembers how many records a query has.
    pub fn store_count(&self, key: String, count: u64) {
        store(&self.counts, key, count);
    }
}
