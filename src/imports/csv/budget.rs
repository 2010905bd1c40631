//! What one uploaded file may make us do. A small archive can unpack to a thousand times its size, and a text of 32 kB that every
//! cell refers to can fill a disk, so everything that is made of a file is counted while it is made, and reading ends at the limit
//! that is met first, or when nobody waits for the answer any more.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use time::{Duration, OffsetDateTime};
use tokio_util::sync::CancellationToken;

use super::{MAX_FILE, MAX_ROWS};
use crate::clock::SharedClock;

const MB: u64 = 1024 * 1024;
/// Rows that a sheet of a spreadsheet program has at most, empty ones included.
const SHEET_ROWS: u64 = 1_048_576;
/// Cells looked at between two looks at the clock.
const CELLS_BETWEEN_CHECKS: u64 = 4096;

/// The limits of one file.
#[derive(Debug, Clone, Copy)]
pub struct AnalysisLimits {
    /// Bytes unpacked, however often a part of the archive is read.
    pub unpacked_bytes: u64,
    /// Bytes of a sheet's text, which is then read as a CSV file is.
    pub text_bytes: u64,
    /// Bytes of temporary files, that of the upload included.
    pub written_bytes: u64,
    /// Cells of sheets, empty ones included.
    pub cells: u64,
    /// Rows of sheets, empty ones included.
    pub rows: u64,
    /// Sheets opened to find one with something in it.
    pub sheets: u64,
    /// Time for all of it.
    pub time: Duration,
}

impl AnalysisLimits {
    /// The limits of a file of this size. What grows with the size is generous to files as programs write them: those unpack to ten or
    /// twenty times their size, and are read in a second or two.
    #[must_use]
    pub fn for_file(file_bytes: u64) -> Self {
        let file_mb = file_bytes.div_ceil(MB);
        Self {
            unpacked_bytes: (160 * MB + 16 * file_mb * MB).min(800 * MB),
            text_bytes: MAX_FILE,
            written_bytes: 4 * MAX_FILE,
            cells: 10_000_000,
            rows: SHEET_ROWS.max(MAX_ROWS),
            sheets: 200,
            time: Duration::milliseconds(4_000 + i64::try_from(file_mb).unwrap_or(i64::MAX).saturating_mul(500)),
        }
    }
}

/// The limit that a file met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitMet {
    #[error("unpacked, the spreadsheet has more than {} MB; remove the sheets and the formatting that aren't needed, or save it as CSV and send that", .0 / MB)]
    UnpackedBytes(u64),
    #[error("the text of the sheet has more than {} MB; split it, and leave out the columns that aren't needed", .0 / MB)]
    TextBytes(u64),
    #[error("reading the file takes more than {} MB of temporary files; split it, and leave out the columns that aren't needed", .0 / MB)]
    WrittenBytes(u64),
    #[error("the sheet has more than {0} cells; split it, and leave out the columns that aren't needed")]
    Cells(u64),
    #[error("the sheet has more than {0} rows; split it")]
    CsvRows(u64),
    #[error("the first {0} sheets of the spreadsheet are empty; put the one with the people first")]
    Sheets(u64),
    #[error("reading the file takes longer than {0} s; split it, or save it as CSV and send that")]
    Seconds(i64),
}

impl LimitMet {
    /// The stable name of the limit.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UnpackedBytes(_) => "unpacked_bytes",
            Self::TextBytes(_) => "text_bytes",
            Self::WrittenBytes(_) => "written_bytes",
            Self::Cells(_) => "cells",
            Self::CsvRows(_) => "rows",
            Self::Sheets(_) => "sheets",
            Self::Seconds(_) => "seconds",
        }
    }
}

/// Why reading ends before the file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnalysisStop {
    #[error(transparent)]
    Limit(#[from] LimitMet),
    /// Nobody waits for the answer any more.
    #[error("the analysis was canceled")]
    Canceled,
}

impl From<AnalysisStop> for io::Error {
    fn from(stop: AnalysisStop) -> Self {
        Self::other(stop)
    }
}

/// What a file has made us do so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AnalysisWork {
    pub unpacked_bytes: u64,
    pub text_bytes: u64,
    pub written_bytes: u64,
    pub cells: u64,
    pub rows: u64,
    pub sheets: u64,
}

/// Counts what is made of one file, and says when to stop. Once it has said so it says nothing else, so that a library that swallows
/// an error is stopped at the next step.
#[derive(Debug)]
pub struct AnalysisBudget {
    limits: AnalysisLimits,
    work: Cell<AnalysisWork>,
    stopped: Cell<Option<AnalysisStop>>,
    began_at: OffsetDateTime,
    clock: SharedClock,
    canceled: CancellationToken,
}

impl AnalysisBudget {
    /// A budget whose time begins now; `canceled` ends the work. `upload_bytes` are in a temporary file already.
    #[must_use]
    pub fn new(limits: AnalysisLimits, upload_bytes: u64, clock: SharedClock, canceled: CancellationToken) -> Self {
        let work = AnalysisWork { written_bytes: upload_bytes, ..AnalysisWork::default() };
        Self { limits, work: Cell::new(work), stopped: Cell::new(None), began_at: clock.now(), clock, canceled }
    }

    /// What was done so far.
    #[must_use]
    pub fn work(&self) -> AnalysisWork {
        self.work.get()
    }

    /// Why the work has to end, if it has to.
    pub(super) fn stopped(&self) -> Option<AnalysisStop> {
        self.stopped.get()
    }

    /// Whether the work may go on: asks for the time and whether somebody waits.
    ///
    /// # Errors
    /// [`AnalysisStop`].
    pub(super) fn check(&self) -> Result<(), AnalysisStop> {
        if let Some(stop) = self.stopped.get() {
            return Err(stop);
        }
        if self.canceled.is_cancelled() {
            return self.stop(AnalysisStop::Canceled);
        }
        if self.clock.now() - self.began_at > self.limits.time {
            return self.stop(LimitMet::Seconds(self.limits.time.whole_seconds()).into());
        }
        Ok(())
    }

    fn stop(&self, stop: AnalysisStop) -> Result<(), AnalysisStop> {
        self.stopped.set(Some(stop));
        Err(stop)
    }

    fn spend(&self, spend: impl FnOnce(&mut AnalysisWork) -> u64, limit: u64, met: fn(u64) -> LimitMet) -> Result<(), AnalysisStop> {
        if let Some(stop) = self.stopped.get() {
            return Err(stop);
        }
        let mut work = self.work.get();
        let spent = spend(&mut work);
        self.work.set(work);
        if spent > limit { self.stop(met(limit).into()) } else { Ok(()) }
    }

    pub(super) fn spend_unpacked(&self, bytes: u64) -> Result<(), AnalysisStop> {
        self.check()?;
        let add = |work: &mut AnalysisWork| add_to(&mut work.unpacked_bytes, bytes);
        self.spend(add, self.limits.unpacked_bytes, LimitMet::UnpackedBytes)
    }

    /// Takes bytes of a sheet's text, which go into a temporary file.
    pub(super) fn spend_text(&self, bytes: u64) -> Result<(), AnalysisStop> {
        self.spend(|work| add_to(&mut work.text_bytes, bytes), self.limits.text_bytes, LimitMet::TextBytes)?;
        self.spend_written(bytes)
    }

    pub(super) fn spend_written(&self, bytes: u64) -> Result<(), AnalysisStop> {
        self.spend(|work| add_to(&mut work.written_bytes, bytes), self.limits.written_bytes, LimitMet::WrittenBytes)
    }

    pub(super) fn spend_cell(&self) -> Result<(), AnalysisStop> {
        if self.work.get().cells.is_multiple_of(CELLS_BETWEEN_CHECKS) {
            self.check()?;
        }
        self.spend(|work| add_to(&mut work.cells, 1), self.limits.cells, LimitMet::Cells)
    }

    pub(super) fn spend_rows(&self, rows: u64) -> Result<(), AnalysisStop> {
        self.spend(|work| add_to(&mut work.rows, rows), self.limits.rows, LimitMet::CsvRows)
    }

    pub(super) fn spend_sheet(&self) -> Result<(), AnalysisStop> {
        self.spend(|work| add_to(&mut work.sheets, 1), self.limits.sheets, LimitMet::Sheets)
    }
}

fn add_to(count: &mut u64, more: u64) -> u64 {
    *count = count.saturating_add(more);
    *count
}

/// A part of an archive, as it lies there packed.
#[derive(Debug, Clone)]
pub(super) struct PackedPart {
    pub(super) packed: Range<u64>,
    /// Bytes of it unpacked; none when nobody has looked at it, and then nobody reads it.
    pub(super) unpacked_bytes: Option<u64>,
}

impl PackedPart {
    /// What this many packed bytes of it unpack to, on average.
    fn unpacked_of(&self, packed_bytes: u64) -> Option<u64> {
        let packed_length = (self.packed.end - self.packed.start).max(1);
        let unpacked = u128::from(self.unpacked_bytes?) * u128::from(packed_bytes) / u128::from(packed_length);
        Some(u64::try_from(unpacked).unwrap_or(u64::MAX))
    }
}

/// A file whose reading is counted. Libraries that open an archive read its packed bytes here; what those unpack to is known from
/// the look that was taken at each part before.
pub(super) struct MeteredReader<'a, R> {
    source: &'a mut R,
    budget: &'a AnalysisBudget,
    parts: &'a [PackedPart],
    position: u64,
}

impl<'a, R: Read + Seek> MeteredReader<'a, R> {
    /// A file without parts, from its beginning.
    pub(super) fn plain(source: &'a mut R, budget: &'a AnalysisBudget) -> io::Result<Self> {
        Self::archive(source, budget, &[])
    }

    /// An archive with these parts, from its beginning.
    pub(super) fn archive(source: &'a mut R, budget: &'a AnalysisBudget, parts: &'a [PackedPart]) -> io::Result<Self> {
        source.rewind()?;
        Ok(Self { source, budget, parts, position: 0 })
    }
}

impl<R: Read> Read for MeteredReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.budget.check()?;
        let read = self.source.read(buffer)?;
        let bytes = self.position..self.position + read as u64;
        self.position = bytes.end;
        for part in self.parts {
            let within = part.packed.start.max(bytes.start)..part.packed.end.min(bytes.end);
            if within.is_empty() {
                continue;
            }
            let Some(unpacked) = part.unpacked_of(within.end - within.start) else {
                return Err(io::Error::other("a part that is no part of a spreadsheet"));
            };
            self.budget.spend_unpacked(unpacked)?;
        }
        Ok(read)
    }
}

impl<R: Seek> Seek for MeteredReader<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.source.seek(to)?;
        Ok(self.position)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Cursor;
    use std::sync::Arc;

    use time::macros::datetime;

    use super::*;
    use crate::clock::MovableClock;

    /// A budget for a file of this size, whose time stands still.
    pub(crate) fn budget(file_bytes: u64) -> AnalysisBudget {
        budget_within(AnalysisLimits::for_file(file_bytes), file_bytes)
    }

    /// The same with limits of the test's own.
    pub(crate) fn budget_within(limits: AnalysisLimits, file_bytes: u64) -> AnalysisBudget {
        let clock = Arc::new(MovableClock::starting_at(datetime!(2026-03-02 08:00 UTC)));
        AnalysisBudget::new(limits, file_bytes, clock, CancellationToken::new())
    }

    #[test]
    fn a_budget_that_has_stopped_the_work_says_so_again() {
        let budget = budget_within(AnalysisLimits { sheets: 1, ..AnalysisLimits::for_file(0) }, 0);
        assert_eq!(budget.spend_sheet(), Ok(()));
        let stop = Err(AnalysisStop::Limit(LimitMet::Sheets(1)));
        assert_eq!([budget.spend_sheet(), budget.spend_rows(1), budget.check()], [stop; 3]);
    }

    #[test]
    fn reading_ends_when_its_time_is_over() {
        let clock = Arc::new(MovableClock::starting_at(datetime!(2026-03-02 08:00 UTC)));
        let limits = AnalysisLimits::for_file(1024 * 1024);
        let budget = AnalysisBudget::new(limits, 0, clock.clone(), CancellationToken::new());
        let mut file = Cursor::new(b"a@example.com\n");
        let mut metered = MeteredReader::plain(&mut file, &budget).unwrap();
        clock.advance(limits.time);
        assert_eq!(metered.read(&mut [0; 2]).unwrap(), 2);
        clock.advance(Duration::milliseconds(1));
        let error = metered.read(&mut [0; 2]).unwrap_err();
        assert_eq!(error.to_string(), "reading the file takes longer than 4 s; split it, or save it as CSV and send that");
    }

    #[test]
    fn reading_ends_when_it_is_canceled() {
        let canceled = CancellationToken::new();
        let clock = Arc::new(MovableClock::starting_at(datetime!(2026-03-02 08:00 UTC)));
        let budget = AnalysisBudget::new(AnalysisLimits::for_file(0), 0, clock, canceled.clone());
        let mut file = Cursor::new(b"a@example.com\n");
        let mut metered = MeteredReader::plain(&mut file, &budget).unwrap();
        canceled.cancel();
        assert!(metered.read(&mut [0; 2]).is_err());
        assert_eq!(budget.stopped(), Some(AnalysisStop::Canceled));
    }

    #[test]
    fn a_part_read_twice_is_counted_twice_and_one_never_looked_at_is_not_read() {
        let budget = budget(0);
        let parts = [PackedPart { packed: 10..20, unpacked_bytes: Some(5_000) }, PackedPart { packed: 20..30, unpacked_bytes: None }];
        let mut file = Cursor::new(vec![0; 40]);
        let mut metered = MeteredReader::archive(&mut file, &budget, &parts).unwrap();
        for _ in 0..2 {
            metered.seek(SeekFrom::Start(5)).unwrap();
            metered.read_exact(&mut [0; 10]).unwrap();
            metered.read_exact(&mut [0; 5]).unwrap();
        }
        assert_eq!(budget.work().unpacked_bytes, 10_000);
        assert!(metered.read(&mut [0; 1]).is_err());
    }
}
