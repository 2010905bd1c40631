//! What exports and queries gave, kept to be given again as long as nobody has changed: a benchmark's second run doesn't measure how
//! fast the sandbox makes up people. Only with [`SandboxSettings::keep_results`](super::SandboxSettings::keep_results).

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::marketo::export_job::Product;
use super::salesforce::bulk::{Locator, Page};

/// A page of a query's results, compressed.
#[derive(Debug, Clone)]
pub struct KeptPage {
    pub path: PathBuf,
    pub rows: usize,
    pub next: Option<Locator>,
}

/// Results by what was asked for; the question includes how often people were changed.
#[derive(Debug, Default)]
pub struct Kept {
    exports: Mutex<HashMap<String, Product>>,
    pages: Mutex<HashMap<String, KeptPage>>,
    counts: Mutex<HashMap<String, u64>>,
}

fn find<T: Clone>(kept: &Mutex<HashMap<String, T>>, question: &str) -> Option<T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner).get(question).cloned()
}

fn keep<T>(kept: &Mutex<HashMap<String, T>>, question: String, result: T) {
    kept.lock().unwrap_or_else(PoisonError::into_inner).insert(question, result);
}

impl Kept {
    /// The file of an export.
    pub fn export(&self, question: &str) -> Option<Product> {
        find(&self.exports, question)
    }

    /// Keeps the file of an export; it outlives its job.
    pub fn keep_export(&self, question: String, product: Product) {
        keep(&self.exports, question, product);
    }

    /// A page of a query's results.
    pub fn page(&self, question: &str) -> Option<KeptPage> {
        find(&self.pages, question)
    }

    /// Compresses a page and keeps it in `directory`. Blocks.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn keep_page(&self, question: String, page: &Page, directory: &Path, name: &str) -> io::Result<()> {
        let path = directory.join(format!("{name}.csv.gz"));
        let mut file = GzEncoder::new(std::fs::File::create(&path)?, Compression::default());
        file.write_all(&page.csv)?;
        file.finish()?;
        keep(&self.pages, question, KeptPage { path, rows: page.rows, next: page.next });
        Ok(())
    }

    /// How many records a query gives.
    pub fn count(&self, question: &str) -> Option<u64> {
        find(&self.counts, question)
    }

    /// Keeps how many records a query gives.
    pub fn keep_count(&self, question: String, count: u64) {
        keep(&self.counts, question, count);
    }
}
