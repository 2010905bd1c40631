use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use reqwest::header::CONTENT_RANGE;
use reqwest::{Response, StatusCode};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::client::{MarketoApiCall, MarketoAttempts, MarketoClient, check_refusal, read};
use super::error::MarketoError;
use super::export::ExportJob;
use crate::private_files;
use crate::upstream::{CallPermit, causes, shortened};

/// Chunks that may wait for the disk; a chunk is what one read from the connection brings.
const WAITING_CHUNKS: usize = 16;

impl MarketoClient {
    /// Downloads the file of a completed job to `path`, replacing what is there, and checks size and SHA-256 against `job`.
    /// A cut download goes on where it ended, as often as the retry policy allows attempts. `progress` gets the bytes
    /// received so far. On an error the file at `path` is of no use and left for the caller to remove.
    ///
    /// # Errors
    /// [`MarketoError::FileNotReady`], [`MarketoError::Interrupted`], [`MarketoError::SizeMismatch`],
    /// [`MarketoError::ChecksumMismatch`], [`MarketoError::File`]; see [`MarketoError`] for the rest.
    pub async fn download_export(&self, job: &ExportJob, path: &Path, progress: impl Fn(u64)) -> Result<(), MarketoError> {
        let mut spool = SpoolWriter::open(path.to_owned());
        let mut received = 0;
        let mut delays = self.retry.delays();
        let arrived = |so_far, bytes| {
            self.tracker.exported(bytes);
            progress(so_far);
        };
        loop {
            let cut = match self.open_file(job, received).await? {
                Some(part) => copy(part, job, &mut received, &mut spool, &arrived).await?,
                None => None,
            };
            let Some(message) = cut else { break };
            let cut = MarketoError::Interrupted { received, message };
            self.report(&cut);
            let Some(delay) = delays.next() else { return Err(cut) };
            tracing::info!(received, "the download of an export was cut and will be resumed");
            tokio::time::sleep(delay).await;
        }
        let hash = spool.close().await?;
        verify(job, received, &hash).inspect_err(|error| self.report(error))
    }

    /// Asks for the file from byte `from` on; nothing if that is its end.
    async fn open_file(&self, job: &ExportJob, from: u64) -> Result<Option<OpenDownload>, MarketoError> {
        if job.file_size == Some(from) && from > 0 {
            return Ok(None);
        }
        let mut call = MarketoApiCall::get(self.job_address(&job.export_id, "file.json")?);
        if from > 0 {
            let last = job.file_size.map(|size| size.saturating_sub(1).to_string()).unwrap_or_default();
            call = call.with_range(format!("bytes={from}-{last}"));
        }
        let mut course = MarketoAttempts::start(self).await?;
        loop {
            let permit = self.permit().await?;
            let outcome = match self.send(&call, &course.token, None).await {
                Ok(response) => OpenDownload::begin(response, from, permit).await,
                Err(MarketoError::Rejected(refusal)) if refusal.code == "404" => {
                    Err(MarketoError::FileNotReady { message: refusal.message })
                }
                Err(error) => Err(error),
            };
            match outcome {
                Ok(part) => return Ok(Some(part)),
                Err(error) => course.recover(error).await?,
            }
        }
    }
}

/// An open answer with (the rest of) the file.
struct OpenDownload {
    response: Response,
    /// What was read to see that it is a file.
    first: Bytes,
    /// Bytes to pass over, since we have them.
    skip: u64,
    /// The call counts as under way for as long as it brings bytes.
    _permit: CallPermit,
}

impl OpenDownload {
    async fn begin(mut response: Response, from: u64, permit: CallPermit) -> Result<Self, MarketoError> {
        if response.status() == StatusCode::PARTIAL_CONTENT {
            let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            if !range.starts_with(&format!("bytes {from}-")) {
                return Err(MarketoError::UnexpectedAnswer { message: format!("range {:?} for byte {from}", shortened(range)) });
            }
            return Ok(Self { response, first: Bytes::new(), skip: 0, _permit: permit });
        }
        let first = response.chunk().await.map_err(MarketoError::unreachable)?.unwrap_or_default();
        // A refusal comes with status 200 too. A file begins with its first column's name, which can't hold a brace.
        if first.first() == Some(&b'{') {
            let headers = response.headers().clone();
            check_refusal(&read(&mut response, BytesMut::from(first)).await?, &headers)?;
            return Err(MarketoError::UnexpectedAnswer { message: "a JSON object instead of the file".into() });
        }
        // Status 200 to a question for a range is the whole file again (RFC 9110, 14.2).
        Ok(Self { response, first, skip: from, _permit: permit })
    }
}

/// Copies `part` to `spool`; if it ends too early, says why.
async fn copy(
    mut part: OpenDownload,
    job: &ExportJob,
    received: &mut u64,
    spool: &mut SpoolWriter,
    arrived: &impl Fn(u64, u64),
) -> Result<Option<String>, MarketoError> {
    let mut next = Some(std::mem::take(&mut part.first));
    while let Some(mut chunk) = next {
        let passed = part.skip.min(chunk.len() as u64);
        part.skip -= passed;
        // `passed` is no more than the length of the chunk, so it fits.
        let chunk = chunk.split_off(passed as usize);
        if !chunk.is_empty() {
            let so_far = *received + chunk.len() as u64;
            if let Some(expected) = job.file_size.filter(|size| so_far > *size) {
                return Err(MarketoError::SizeMismatch { expected, received: so_far });
            }
            let bytes = chunk.len() as u64;
            spool.write(chunk).await?;
            *received = so_far;
            arrived(so_far, bytes);
        }
        next = match part.response.chunk().await {
            Ok(next) => next,
            Err(error) => return Ok(Some(causes(&error.without_url()))),
        };
    }
    let short = job.file_size.is_some_and(|size| *received < size) || part.skip > 0;
    Ok(short.then(|| "the answer ended early".to_owned()))
}

fn verify(job: &ExportJob, received: u64, hash: &str) -> Result<(), MarketoError> {
    if let Some(expected) = job.file_size.filter(|size| *size != received) {
        return Err(MarketoError::SizeMismatch { expected, received });
    }
    match &job.file_checksum {
        Some(expected) if !expected.eq_ignore_ascii_case(hash) => {
            Err(MarketoError::ChecksumMismatch { expected: shortened(expected), received: hash.to_owned() })
        }
        _ => Ok(()),
    }
}

/// A file being written and hashed by a thread that may block. One hash runs over all parts of a resumed download.
struct SpoolWriter {
    chunks: Option<mpsc::Sender<Bytes>>,
    writer: Option<JoinHandle<io::Result<String>>>,
}

impl SpoolWriter {
    fn open(path: PathBuf) -> Self {
        let (chunks, mut arriving) = mpsc::channel::<Bytes>(WAITING_CHUNKS);
        let writer = tokio::task::spawn_blocking(move || {
            let mut file = BufWriter::new(private_files::create(&path)?);
            let mut hash = Sha256::new();
            while let Some(chunk) = arriving.blocking_recv() {
                hash.update(&chunk);
                file.write_all(&chunk)?;
            }
            file.flush()?;
            let digits: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            Ok(format!("sha256:{digits}"))
        });
        Self { chunks: Some(chunks), writer: Some(writer) }
    }

    async fn write(&mut self, chunk: Bytes) -> Result<(), MarketoError> {
        match &self.chunks {
            Some(chunks) if chunks.send(chunk).await.is_ok() => Ok(()),
            // The writer only stops early on an error, which `close` reports.
            _ => Err(self.close().await.err().unwrap_or_else(|| file_error("the writer has stopped"))),
        }
    }

    /// Ends the file; answers `sha256:` and its hash.
    async fn close(&mut self) -> Result<String, MarketoError> {
        self.chunks = None;
        let Some(writer) = self.writer.take() else { return Err(file_error("the file is closed already")) };
        match writer.await {
            Ok(outcome) => outcome.map_err(|error| file_error(&error.to_string())),
            Err(_) => Err(file_error("the writer has stopped")),
        }
    }
}

fn file_error(message: &str) -> MarketoError {
    MarketoError::File { message: message.to_owned() }
}
