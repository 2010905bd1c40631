//! Where log lines leave the process. They are gathered and written out by a thread, many at once: a request waits for no reader
//! of the log, and does not pay for a system call of its own.

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Lines are gathered for so long.
const GATHERED: Duration = Duration::from_millis(20);
/// Bytes that may wait. When the reader of the log is slower for longer, lines are left out, and a line says how many.
const MOST_WAITING: usize = 4 * 1024 * 1024;
/// Longest wait for the reader at the end.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The way out for lines. Cheap to clone.
#[derive(Clone)]
pub(super) struct Outlet(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Something waits to be written.
    filled: Condvar,
    /// Everything has been written.
    emptied: Condvar,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Lines left out that no line has told of yet.
    left_out: u64,
    /// The thread has taken bytes that it hasn't written yet.
    writing: bool,
    /// Nothing is gathered any more: what comes is written at once.
    hurried: bool,
}

static STARTED: OnceLock<Outlet> = OnceLock::new();

thread_local! {
    /// Whether this thread is the one that writes out. The line in which it tells of those left out is never left out itself.
    static WRITES_OUT: Cell<bool> = const { Cell::new(false) };
}

impl Outlet {
    /// The process's outlet to `to`, with its thread; the one there is already when it was started before.
    ///
    /// # Errors
    /// When no thread can be made.
    pub(super) fn start(mut to: impl Write + Send + 'static) -> Result<Self, String> {
        if let Some(started) = STARTED.get() {
            return Ok(started.clone());
        }
        let outlet = Self(Arc::default());
        if STARTED.set(outlet.clone()).is_ok() {
            let shared = outlet.0.clone();
            let thread = std::thread::Builder::new().name("log".into());
            let tell = |lines| tracing::warn!(lines, "the log was not read fast enough; lines were left out");
            thread.spawn(move || shared.write_out(&mut to, tell)).map_err(|error| format!("no thread for the log: {error}"))?;
        }
        Ok(outlet)
    }
}

/// Writes out what was logged so far and waits for it, a few seconds at most. Lines logged later are written at once. Call it before
/// the process ends.
pub fn flush_log() {
    if let Some(Outlet(shared)) = STARTED.get() {
        shared.flush();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &[u8]) {
        let mut waiting = self.lock();
        if waiting.bytes.len() + line.len() > MOST_WAITING && !WRITES_OUT.get() {
            waiting.left_out += 1;
            return;
        }
        let wake = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        drop(waiting);
        if wake {
            self.filled.notify_one();
        }
    }

    fn flush(&self) {
        let mut waiting = self.lock();
        waiting.hurried = true;
        self.filled.notify_one();
        let busy = |waiting: &mut Waiting| waiting.writing || !waiting.bytes.is_empty();
        drop(self.emptied.wait_timeout_while(waiting, LAST_WORDS, busy));
    }

    /// Writes what is added to `to`, for good; `tell` logs how many lines were left out.
    fn write_out(&self, to: &mut impl Write, tell: impl Fn(u64)) {
        WRITES_OUT.set(true);
        let mut bytes = Vec::new();
        loop {
            let mut waiting = self.lock();
            waiting.writing = false;
            if waiting.bytes.is_empty() {
                self.emptied.notify_all();
            }
            waiting = self.filled.wait_while(waiting, |waiting| waiting.bytes.is_empty()).unwrap_or_else(PoisonError::into_inner);
            let gathering = |waiting: &mut Waiting| !waiting.hurried && waiting.bytes.len() < MOST_WAITING / 2;
            (waiting, _) = self.filled.wait_timeout_while(waiting, GATHERED, gathering).unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut bytes, &mut waiting.bytes);
            waiting.writing = true;
            drop(waiting);
            // There is nobody left to tell when it fails.
            let _ = to.write_all(&bytes);
            bytes.clear();
            // Not before: as long as the reader doesn't read, more are left out.
            let left_out = std::mem::take(&mut self.lock().left_out);
            if left_out > 0 {
                tell(left_out);
            }
        }
    }
}

/// Takes one line.
pub(super) struct Line<'a>(&'a Shared);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.add(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Outlet {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Hands on what is written, one write at a time; the reader decides when the next may be.
    struct Handed(mpsc::SyncSender<Vec<u8>>);

    impl Write for Handed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// An outlet, what it writes, and how many lines it says were left out.
    fn outlet() -> (Arc<Shared>, mpsc::Receiver<Vec<u8>>, mpsc::Receiver<u64>) {
        let (sender, receiver) = mpsc::sync_channel(0);
        let (tell, told) = mpsc::channel();
        let shared = Arc::<Shared>::default();
        let thread = shared.clone();
        std::thread::spawn(move || {
            thread.write_out(&mut Handed(sender), |lines| {
                thread.add(b"some were left out\n");
                tell.send(lines).unwrap();
            });
        });
        (shared, receiver, told)
    }

    #[test]
    fn lines_leave_in_their_order_and_many_at_once() {
        let (shared, written, _) = outlet();
        for number in 0..1000 {
            shared.add(format!("{number}\n").as_bytes());
        }
        let (mut text, mut writes) = (String::new(), 0);
        while text.lines().count() < 1000 {
            text.push_str(&String::from_utf8(written.recv().unwrap()).unwrap());
            writes += 1;
        }
        assert!(text.lines().enumerate().all(|(at, line)| line == at.to_string()));
        assert!(writes < 100, "{writes}");
    }

    #[test]
    fn a_reader_who_does_not_read_makes_nobody_wait_and_memory_stays_bounded() {
        const LINES: usize = 16 * 1024;
        const LINE: usize = 1024;
        let (shared, written, told) = outlet();
        let mut line = [b'x'; LINE];
        line[LINE - 1] = b'\n';
        for _ in 0..LINES {
            shared.add(&line);
        }
        let (waiting, left_out) = {
            let waiting = shared.lock();
            (waiting.bytes.len(), usize::try_from(waiting.left_out).unwrap())
        };
        assert!(waiting <= MOST_WAITING);
        // As much as may wait can have been taken to be written before, and nobody reads that.
        assert!(LINES - left_out <= 2 * MOST_WAITING / LINE, "{left_out}");

        // Once somebody reads, each line is read or told of.
        let (mut read, mut untold) = (0, left_out);
        while read < LINES - left_out || untold > 0 {
            let bytes = written.recv().unwrap();
            read += bytes.split(|byte| *byte == b'\n').filter(|line| line.len() == LINE - 1).count();
            untold -= told.try_iter().map(|lines| usize::try_from(lines).unwrap()).sum::<usize>();
        }
        assert_eq!((read, untold), (LINES - left_out, 0));
    }

    #[test]
    fn the_line_that_tells_of_lines_left_out_is_not_left_out() {
        let (sender, written) = mpsc::sync_channel(0);
        let shared = Arc::<Shared>::default();
        let line = [b'x'; 1024];
        let fill = move |shared: &Shared| {
            while shared.lock().bytes.len() + line.len() <= MOST_WAITING {
                shared.add(&line);
            }
        };
        fill(&shared);
        shared.add(&line);
        let thread = shared.clone();
        std::thread::spawn(move || {
            thread.write_out(&mut Handed(sender), |lines| {
                fill(&thread);
                thread.add(format!("{lines} left out\n").as_bytes());
            });
        });
        assert_eq!(written.recv().unwrap().len(), MOST_WAITING);
        assert!(written.recv().unwrap().ends_with(b"1 left out\n"));
    }

    #[test]
    fn flushing_waits_until_everything_is_written() {
        let (shared, written, _) = outlet();
        shared.add(b"the last words\n");
        let reader = std::thread::spawn(move || written.recv().unwrap());
        shared.flush();
        assert!(reader.is_finished() || reader.join().unwrap() == b"the last words\n");
        assert!(shared.lock().bytes.is_empty());
    }
}
