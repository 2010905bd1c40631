//! What a spreadsheet may be before it is opened: archives can be made to unpack to a thousand times their size, or to name sizes
//! that aren't theirs, and whoever opens them believes it.

use std::io::{Read, Seek};

use zip::ZipArchive;

use super::Unreadable;
use super::budget::{AnalysisBudget, MeteredReader, PackedPart};
use super::encoding::lost;
use super::foreign::{ForeignFileKind, by_archive};

/// Most files in the archive.
const MAX_FILES: usize = 2000;
/// Most bytes of a part that is kept in memory while the spreadsheet is open, unpacked: the texts of cells are one.
const MAX_IN_MEMORY: u64 = 24 * 1024 * 1024;
/// Most bytes between two tags.
const MAX_RUN: usize = 1024 * 1024;
/// Most tags of such a part that is not the texts: a style is some hundred bytes in memory, and no program writes so many.
const MAX_TAGS_IN_MEMORY: u64 = 500_000;
/// Most different texts that a spreadsheet may announce.
const MAX_TEXTS: u64 = 1_000_000;

const TOO_LARGE: Unreadable = Unreadable::Workbook("unpacked it is too large");
const ODD: Unreadable = Unreadable::Workbook("it holds what spreadsheet programs don't write");

/// Unpacks everything that will be read later, a block at a time, and checks it. Gives where its parts are, and what they unpack to.
///
/// # Errors
/// [`Unreadable::Foreign`] for another kind of archive, [`Unreadable::Workbook`] for what is beyond the bounds,
/// [`Unreadable::LimitMet`] for what is beyond the budget.
pub(super) fn check_bounds<R: Read + Seek>(source: &mut R, budget: &AnalysisBudget) -> Result<Vec<PackedPart>, Unreadable> {
    let damaged = || budget.stopped().map_or(Unreadable::Foreign(ForeignFileKind::HalfArchive), Unreadable::from);
    let metered = MeteredReader::plain(source, budget).map_err(lost)?;
    let mut archive = ZipArchive::new(metered).map_err(|_| damaged())?;
    if archive.len() > MAX_FILES {
        return Err(ODD);
    }
    let is_workbook = (0..archive.len()).any(|at| archive.by_index_raw(at).is_ok_and(|file| file.name_raw().ends_with(b"/workbook.xml")));
    if !is_workbook {
        return Err(Unreadable::Foreign(by_archive(&mut archive)));
    }
    let (mut parts, mut block) = (Vec::with_capacity(archive.len()), vec![0; 64 * 1024]);
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).map_err(|_| damaged())?;
        let name = String::from_utf8_lossy(file.name_raw()).to_ascii_lowercase();
        let start = file.data_start().ok_or_else(damaged)?;
        let packed = start..start.saturating_add(file.compressed_size());
        if !name.ends_with(".xml") && !name.ends_with(".rels") {
            // Pictures and the like are never unpacked.
            parts.push(PackedPart { packed, unpacked_bytes: None });
            continue;
        }
        let is_texts = name.contains("sharedstrings");
        let streamed = name.contains("worksheets/") && !is_texts;
        let (mut look, mut bytes) = (PartScan::new(is_texts), 0);
        loop {
            let read = file.read(&mut block).map_err(|_| damaged())?;
            if read == 0 {
                break;
            }
            bytes += read as u64;
            budget.spend_unpacked(read as u64)?;
            look.check(&block[..read])?;
            if !streamed && (bytes > MAX_IN_MEMORY || (!is_texts && look.tags > MAX_TAGS_IN_MEMORY)) {
                return Err(TOO_LARGE);
            }
        }
        parts.push(PackedPart { packed, unpacked_bytes: Some(bytes) });
    }
    Ok(parts)
}

/// Looks through a part for what would make its reader take much memory.
struct PartScan {
    /// Bytes since the last tag began.
    run: usize,
    /// The beginning of the tag under way, as far as it is looked at.
    tag: Vec<u8>,
    in_tag: bool,
    tags: u64,
    is_texts: bool,
    begun: bool,
}

impl PartScan {
    fn new(is_texts: bool) -> Self {
        Self { run: 0, tag: Vec::with_capacity(TAG), in_tag: false, tags: 0, is_texts, begun: false }
    }

    fn check(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        // A text in UTF-16 would hide its tags from us.
        if memchr::memchr(0, bytes).is_some() || (!self.begun && bytes.starts_with(&[0xfe, 0xff])) {
            return Err(ODD);
        }
        let mut from = 0;
        for at in memchr::memchr_iter(b'<', bytes) {
            self.pass(&bytes[from..at])?;
            self.end_tag()?;
            (self.in_tag, self.run, from) = (true, 0, at + 1);
            self.tags += 1;
        }
        self.pass(&bytes[from..])
    }

    /// Goes over bytes without the beginning of a tag.
    fn pass(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        self.run += bytes.len();
        if self.run > MAX_RUN {
            return Err(TOO_LARGE);
        }
        if self.in_tag {
            let room = TAG.saturating_sub(self.tag.len());
            self.tag.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        Ok(())
    }

    /// Judges the tag before the one that begins now. Comments and their like can hold anything, so there may be none but the
    /// declaration at the very beginning.
    fn end_tag(&mut self) -> Result<(), Unreadable> {
        let odd = match self.tag.first() {
            Some(b'!') => true,
            Some(b'?') => self.begun,
            _ => self.is_texts && announces_too_much(&self.tag),
        };
        self.begun |= self.in_tag;
        self.tag.clear();
        if odd { Err(ODD) } else { Ok(()) }
    }
}

/// Bytes of a tag that are looked at.
const TAG: usize = 1024;

/// Whether a tag says that there are more different texts than we would take: room for them would be made at once.
fn announces_too_much(tag: &[u8]) -> bool {
    if !tag.starts_with(b"sst") && !tag.windows(4).any(|part| part == b":sst") {
        return false;
    }
    const NAME: &[u8] = b"uniqueCount";
    let Some(at) = tag.windows(NAME.len()).position(|part| part == NAME) else { return tag.len() >= TAG };
    let after = tag[at + NAME.len()..].iter().skip_while(|byte| !byte.is_ascii_digit());
    let digits: String = after.take_while(|byte| byte.is_ascii_digit()).map(|byte| char::from(*byte)).collect();
    tag.len() >= TAG || (!digits.is_empty() && digits.parse().map_or(true, |count: u64| count > MAX_TEXTS))
}
