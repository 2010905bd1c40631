//! Writes the log. A thread gathers lines and writes many at once: a request waits for no reader of the log, and does not pay for a
//! system call of its own.
//!
//! The non-blocking writer of tracing-appender would lose some of this: it bounds the lines that wait and not their bytes, wakes its thread
//! for a line as soon as it waits for one, tells nobody in the log how many lines were left out, and at the end of the process waits a
//! second at most and then drops what is logged.

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Lines are gathered for so long.
const GATHER_TIME: Duration = Duration::from_millis(20);
/// Bytes that may wait. When the reader of the log is slower for longer, lines are left out, and a line says how many.
const MAX_PENDING_BYTES: usize = 4 * 1024 * 1024;
/// Longest wait for the reader when the process ends.
const MAX_FLUSH_WAIT: Duration = Duration::from_secs(5);

/// Takes lines for the log. Cheap to clone.
#[derive(Clone)]
pub(super) struct LogWriter(Arc<LogBuffer>);

#[derive(Default)]
struct LogBuffer {
    pending: Mutex<PendingLines>,
    /// Something waits to be written.
    filled: Condvar,
    /// Everything has been written.
    emptied: Condvar,
}

#[derive(Default)]
struct PendingLines {
    bytes: Vec<u8>,
    /// Lines left out that no line has told of yet.
    left_out: u64,
    /// The thread has taken bytes that it hasn't written yet.
    is_writing: bool,
    /// Nothing is gathered any more: each line is written at once.
    is_flushing: bool,
}

static STARTED: OnceLock<LogWriter> = OnceLock::new();

thread_local! {
    /// Whether this thread is the one that writes out. The line in which it tells of those left out is never left out itself.
    static IS_WRITER_THREAD: Cell<bool> = const { Cell::new(false) };
}

impl LogWriter {
    /// The process's writer to `to`, with its thread; the one there is already when it was started before.
    ///
    /// # Errors
    /// When no thread can be made.
    pub(super) fn start(mut to: impl Write + Send + 'static) -> Result<Self, String> {
        if let Some(started) = STARTED.get() {
            return Ok(started.clone());
        }
        let writer = Self(Arc::default());
        if STARTED.set(writer.clone()).is_ok() {
            let shared = writer.0.clone();
            let thread = std::thread::Builder::new().name("log".into());
            let report = |lines| tracing::warn!(lines, "the log was not read fast enough; lines were left out");
            thread.spawn(move || shared.write_out(&mut to, report)).map_err(|error| format!("no thread for the log: {error}"))?;
        }
        Ok(writer)
    }
}

/// Writes out what was logged so far and waits for it, a few seconds at most. Lines logged later are written at once. Call it before
/// the process ends.
pub fn flush_log() {
    if let Some(LogWriter(shared)) = STARTED.get() {
        shared.flush(MAX_FLUSH_WAIT);
    }
}

impl LogBuffer {
    fn lock(&self) -> std::sync::MutexGuard<'_, PendingLines> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &[u8]) {
        let mut pending = self.lock();
        if pending.bytes.len() + line.len() > MAX_PENDING_BYTES && !IS_WRITER_THREAD.get() {
            pending.left_out += 1;
            return;
        }
        let wake = pending.bytes.is_empty();
        pending.bytes.extend_from_slice(line);
        drop(pending);
        if wake {
            self.filled.notify_one();
        }
    }

    fn flush(&self, max_wait: Duration) {
        let mut pending = self.lock();
        pending.is_flushing = true;
        self.filled.notify_one();
        let is_busy = |pending: &mut PendingLines| pending.is_writing || !pending.bytes.is_empty();
        drop(self.emptied.wait_timeout_while(pending, max_wait, is_busy));
    }

    /// Writes what is added to `to`, for good; `report_lost` logs how many lines were left out.
    fn write_out(&self, to: &mut impl Write, report_lost: impl Fn(u64)) {
        IS_WRITER_THREAD.set(true);
        let mut bytes = Vec::new();
        loop {
            let mut pending = self.lock();
            pending.is_writing = false;
            if pending.bytes.is_empty() {
                self.emptied.notify_all();
            }
            pending = self.filled.wait_while(pending, |pending| pending.bytes.is_empty()).unwrap_or_else(PoisonError::into_inner);
            let gathering = |pending: &mut PendingLines| !pending.is_flushing && pending.bytes.len() < MAX_PENDING_BYTES / 2;
            (pending, _) = self.filled.wait_timeout_while(pending, GATHER_TIME, gathering).unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut bytes, &mut pending.bytes);
            pending.is_writing = true;
            drop(pending);
            // There is nobody left to tell when it fails.
            let _ = to.write_all(&bytes);
            bytes.clear();
            // Not before: as long as the reader doesn't read, more are left out.
            let left_out = std::mem::take(&mut self.lock().left_out);
            if left_out > 0 {
                report_lost(left_out);
            }
        }
    }
}

/// Takes one line.
pub(super) struct LineWriter<'a>(&'a LogBuffer);

impl Write for LineWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.add(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> LineWriter<'a> {
        LineWriter(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Hands on what is written, one write at a time; the reader decides when the next may be.
    struct ChannelWriter(mpsc::SyncSender<Vec<u8>>);

    impl Write for ChannelWriter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A writer, what it writes, and how many lines it says were left out.
    fn log_writer() -> (Arc<LogBuffer>, mpsc::Receiver<Vec<u8>>, mpsc::Receiver<u64>) {
        let (sender, receiver) = mpsc::sync_channel(0);
        let (tell, reported) = mpsc::channel();
        let shared = Arc::<LogBuffer>::default();
        let thread = shared.clone();
        std::thread::spawn(move || {
            thread.write_out(&mut ChannelWriter(sender), |lines| {
                thread.add(b"some were left out\n");
                tell.send(lines).unwrap();
            });
        });
        (shared, receiver, reported)
    }

    #[test]
    fn lines_are_written_in_order_and_many_at_once() {
        let (shared, written, _) = log_writer();
        for number in 0..1000 {
            shared.add(format!("{number}\n").as_bytes());
        }
        let (mut text, mut writes) = (String::new(), 0);
        while text.lines().count() < 1000 {
            text.push_str(&String::from_utf8(written.recv().unwrap()).unwrap());
            writes += 1;
        }
        assert!(text.lines().enumerate().all(|(at, line)| line == at.to_string()));
        // Nobody reads before all are added: the thread has taken some at most once, and waits to be rid of them.
        assert!(writes <= 2, "{writes}");
    }

    #[test]
    fn a_stalled_reader_blocks_nobody_and_memory_stays_bounded() {
        const LINES: usize = 16 * 1024;
        const LINE: usize = 1024;
        let (shared, written, reported) = log_writer();
        let mut line = [b'x'; LINE];
        line[LINE - 1] = b'\n';
        for _ in 0..LINES {
            shared.add(&line);
        }
        let (pending, left_out) = {
            let pending = shared.lock();
            (pending.bytes.len(), usize::try_from(pending.left_out).unwrap())
        };
        assert!(pending <= MAX_PENDING_BYTES);
        // As much as may wait can have been taken to be written before, and nobody reads that.
        assert!(LINES - left_out <= 2 * MAX_PENDING_BYTES / LINE, "{left_out}");

        // Once somebody reads, each line is read or told of.
        let (mut read, mut unreported) = (0, left_out);
        while read < LINES - left_out || unreported > 0 {
            let bytes = written.recv().unwrap();
            read += bytes.split(|byte| *byte == b'\n').filter(|line| line.len() == LINE - 1).count();
            unreported -= reported.try_iter().map(|lines| usize::try_from(lines).unwrap()).sum::<usize>();
        }
        assert_eq!((read, unreported), (LINES - left_out, 0));
    }

    #[test]
    fn the_line_that_reports_lost_lines_is_never_lost() {
        let (sender, written) = mpsc::sync_channel(0);
        let shared = Arc::<LogBuffer>::default();
        let line = [b'x'; 1024];
        let fill = move |shared: &LogBuffer| {
            while shared.lock().bytes.len() + line.len() <= MAX_PENDING_BYTES {
                shared.add(&line);
            }
        };
        fill(&shared);
        shared.add(&line);
        let thread = shared.clone();
        std::thread::spawn(move || {
            thread.write_out(&mut ChannelWriter(sender), |lines| {
                fill(&thread);
                thread.add(format!("{lines} left out\n").as_bytes());
            });
        });
        assert_eq!(written.recv().unwrap().len(), MAX_PENDING_BYTES);
        assert!(written.recv().unwrap().ends_with(b"1 left out\n"));
    }

    #[test]
    fn flushing_waits_until_everything_is_written() {
        let (shared, written, _) = log_writer();
        shared.add(b"the last words\n");
        let reader = std::thread::spawn(move || written.recv().unwrap());
        // Longer than any machine is busy.
        shared.flush(Duration::from_secs(600));
        let pending = shared.lock();
        assert!(pending.bytes.is_empty() && !pending.is_writing);
        assert_eq!(reader.join().unwrap(), b"the last words\n");
    }
}
