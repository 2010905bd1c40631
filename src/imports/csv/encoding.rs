use std::io::{self, Read, Seek};
use std::ops::Range;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{CoderResult, Decoder, Encoding, MACINTOSH, UTF_8, UTF_16BE, UTF_16LE};

use super::foreign::{ForeignFileKind, by_bytes, by_text};
use super::{AnalysisStop, Unreadable};

/// Bytes read at once.
const BLOCK: usize = 64 * 1024;

/// How the bytes of a file are to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct RecognizedEncoding {
    pub(super) encoding: &'static Encoding,
    /// Whether it begins with a byte order mark.
    pub(super) marked: bool,
}

/// Finds out the encoding. A byte order mark decides; else the `charset` that was sent along; else zero bytes that only UTF-16
/// has; else UTF-8 if the bytes are UTF-8; else the Macintosh's, when lines end as they did there or its letters are in the words;
/// else a guess from the bytes, in which Windows-1252 is what Western files come out as.
///
/// # Errors
/// [`Unreadable::Empty`], [`Unreadable::Foreign`], [`Unreadable::Lost`].
pub(super) fn recognize<R: Read + Seek>(source: &mut R, charset: Option<&str>) -> Result<RecognizedEncoding, Unreadable> {
    let mut block = vec![0; BLOCK];
    source.rewind().map_err(lost)?;
    let length = fill(source, &mut block).map_err(lost)?;
    let head = &block[..length];
    if let Some(kind) = by_bytes(head, source) {
        return Err(Unreadable::Foreign(kind));
    }
    let recognized = match Encoding::for_bom(head) {
        Some((encoding, _)) => RecognizedEncoding { encoding, marked: true },
        None => {
            let named = charset.and_then(|label| Encoding::for_label(label.as_bytes())).or_else(|| wide_encoding(head));
            let encoding = match named {
                Some(encoding) => encoding,
                None => guess(source, &mut block)?,
            };
            RecognizedEncoding { encoding, marked: false }
        }
    };
    check_head(source, recognized)?;
    Ok(recognized)
}

/// What an error of a file that is read or written means.
pub(super) fn lost(error: io::Error) -> Unreadable {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<AnalysisStop>()) {
        Some(stop) => (*stop).into(),
        None => Unreadable::Lost,
    }
}

/// Reads until the buffer is full or the file ends.
fn fill(source: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < block.len() {
        match source.read(&mut block[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

fn guess<R: Read + Seek>(source: &mut R, block: &mut [u8]) -> Result<&'static Encoding, Unreadable> {
    if is_utf8(source, block).map_err(lost)? {
        return Ok(UTF_8);
    }
    source.rewind().map_err(lost)?;
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let (mut returns, mut feeds, mut letters) = (false, false, WesternLetters::default());
    loop {
        let length = fill(source, block).map_err(lost)?;
        let bytes = &block[..length];
        returns |= memchr::memchr(b'\r', bytes).is_some();
        feeds |= memchr::memchr(b'\n', bytes).is_some();
        detector.feed(bytes, length == 0);
        letters.look_at(bytes);
        if length == 0 {
            break;
        }
    }
    let guessed = detector.guess(None, Utf8Detection::Deny);
    let of_macintosh = (returns && !feeds) || (guessed.is_single_byte() && letters.macintosh > letters.windows);
    Ok(if of_macintosh { MACINTOSH } else { guessed })
}

/// Counts letters in the middle of words that only one of two encodings has there: Excel on a Mac writes the Macintosh's, which the
/// detector doesn't know, today with line ends like everybody's.
#[derive(Default)]
struct WesternLetters {
    macintosh: usize,
    windows: usize,
    /// The last two bytes.
    before: [u8; 2],
}

impl WesternLetters {
    fn look_at(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let [left, middle] = self.before;
            if middle >= 0x80 && left.is_ascii_alphabetic() && byte.is_ascii_lowercase() {
                match middle {
                    // Quotes, dashes, signs and small letters of Windows-1252 and 1250: O\u{2019}Neil is no Macintosh's.
                    0x85 | 0x91..=0x97 | 0x99 | 0x9a | 0x9c..=0x9f => {}
                    // Capitals, signs and nothing at all there; small letters with an accent here.
                    0x80..=0x9f => self.macintosh += 1,
                    0xdf..=0xff => self.windows += 1,
                    _ => {}
                }
            }
            self.before = [middle, *byte];
        }
    }
}

/// Whether the whole file is UTF-8; a character may lie across two blocks.
fn is_utf8<R: Read + Seek>(source: &mut R, block: &mut [u8]) -> io::Result<bool> {
    source.rewind()?;
    let mut carried = 0;
    loop {
        let read = fill(source, &mut block[carried..])?;
        let length = carried + read;
        let valid = match std::str::from_utf8(&block[..length]) {
            Ok(_) => length,
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return Ok(false),
        };
        if read == 0 {
            return Ok(valid == length);
        }
        block.copy_within(valid..length, 0);
        carried = length - valid;
    }
}

/// UTF-16 without a byte order mark: delimiters, line ends and most letters have one zero byte each, always on the same side.
fn wide_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let start = &bytes[..bytes.len().min(4096)];
    let zeros = |offset: usize| start.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let many = start.len() / 5;
    match () {
        () if start.len() < 2 => None,
        () if odd > many && even == 0 => Some(UTF_16LE),
        () if even > many && odd == 0 => Some(UTF_16BE),
        () => None,
    }
}

/// Looks at the beginning: is there a text at all?
fn check_head<R: Read + Seek>(source: &mut R, recognized: RecognizedEncoding) -> Result<(), Unreadable> {
    source.rewind().map_err(lost)?;
    let mut head = Vec::new();
    let mut decoded = DecodedText::new(&mut *source, recognized);
    (&mut decoded).take(BLOCK as u64).read_to_end(&mut head).map_err(|error| unreadable(&error, 1))?;
    let text = String::from_utf8_lossy(&head);
    if looks_binary(&text) {
        return Err(Unreadable::Foreign(ForeignFileKind::Unknown));
    }
    if let Some(kind) = by_text(&text) {
        return Err(Unreadable::Foreign(kind));
    }
    let mut blank = text.trim().is_empty();
    while blank {
        head.clear();
        let read = (&mut decoded).take(BLOCK as u64).read_to_end(&mut head).map_err(|error| unreadable(&error, 1))?;
        if read == 0 {
            return Err(Unreadable::Empty);
        }
        blank = String::from_utf8_lossy(&head).trim().is_empty();
    }
    Ok(())
}

/// A text has next to no control characters other than white space.
fn looks_binary(text: &str) -> bool {
    let mut odd = 0_usize;
    for one in text.chars() {
        match one {
            '\t' | '\n' | '\r' | '\x0b' | '\x0c' | '\u{85}' => {}
            char::REPLACEMENT_CHARACTER => odd += 1,
            one if one.is_control() => odd += 1,
            _ => {}
        }
    }
    odd > 16 && odd > text.len() / 100
}

/// A NUL where a text has none.
#[derive(Debug, thiserror::Error)]
#[error("a text has no NUL")]
struct NulFound;

/// More bytes without the end of a row than a row may have.
#[derive(Debug, thiserror::Error)]
#[error("the row is too long")]
pub(super) struct RowEndless;

/// What an error met while reading rows means; the row began at `line`.
pub(super) fn unreadable(error: &io::Error, line: u64) -> Unreadable {
    match error.get_ref() {
        Some(inner) if inner.is::<NulFound>() => Unreadable::Foreign(ForeignFileKind::Unknown),
        Some(inner) if inner.is::<RowEndless>() => Unreadable::RowTooLong { line },
        Some(inner) => inner.downcast_ref::<AnalysisStop>().map_or(Unreadable::Lost, |stop| (*stop).into()),
        None => Unreadable::Lost,
    }
}

/// The text of a file in UTF-8, without a byte order mark.
pub(super) struct DecodedText<R> {
    source: R,
    decoder: Decoder,
    bytes: Vec<u8>,
    /// Where in `bytes` those are that wait to be decoded.
    waiting: Range<usize>,
    text: Vec<u8>,
    /// Where in `text` that is which was decoded and not yet read.
    ready: Range<usize>,
    /// The source has been read to its end.
    ended: bool,
    /// All of it has been decoded.
    finished: bool,
}

impl<R: Read> DecodedText<R> {
    /// Reads from a source that stands at its beginning.
    pub(super) fn new(source: R, recognized: RecognizedEncoding) -> Self {
        let decoder = recognized.encoding.new_decoder_with_bom_removal();
        let (bytes, text) = (vec![0; BLOCK], vec![0; BLOCK]);
        Self { source, decoder, bytes, waiting: 0..0, text, ready: 0..0, ended: false, finished: false }
    }

    fn decode_more(&mut self) -> io::Result<()> {
        while self.ready.is_empty() && !self.finished {
            if self.waiting.is_empty() && !self.ended {
                let read = fill(&mut self.source, &mut self.bytes)?;
                self.waiting = 0..read;
                self.ended = read < self.bytes.len();
            }
            let bytes = &self.bytes[self.waiting.clone()];
            let (result, read, written, _) = self.decoder.decode_to_utf8(bytes, &mut self.text, self.ended);
            self.waiting.start += read;
            self.ready = 0..written;
            self.finished = self.ended && result == CoderResult::InputEmpty;
            if memchr::memchr(0, &self.text[..written]).is_some() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, NulFound));
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for DecodedText<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.decode_more()?;
        let length = buffer.len().min(self.ready.len());
        buffer[..length].copy_from_slice(&self.text[self.ready.start..self.ready.start + length]);
        self.ready.start += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const TEXT: &str = "E-Mail,Name\r\nkäthe@example.com,Käthe Müller\r\n";

    fn decoded(bytes: &[u8], charset: Option<&str>) -> Result<(String, &'static str, bool), Unreadable> {
        let mut source = Cursor::new(bytes);
        let recognized = recognize(&mut source, charset)?;
        source.set_position(0);
        let mut text = String::new();
        DecodedText::new(source, recognized).read_to_string(&mut text).map_err(|error| unreadable(&error, 1))?;
        Ok((text, recognized.encoding.name(), recognized.marked))
    }

    #[test]
    fn each_encoding_that_spreadsheets_write_is_recognized() {
        let with_bom = [b"\xef\xbb\xbf", TEXT.as_bytes()].concat();
        let little: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let windows = encoding_rs::WINDOWS_1252.encode(TEXT).0.into_owned();
        for (bytes, name, marked) in [
            (TEXT.as_bytes().to_vec(), "UTF-8", false),
            (with_bom, "UTF-8", true),
            (little.clone(), "UTF-16LE", false),
            (big.clone(), "UTF-16BE", false),
            ([b"\xff\xfe".as_slice(), &little].concat(), "UTF-16LE", true),
            ([b"\xfe\xff".as_slice(), &big].concat(), "UTF-16BE", true),
            (windows, "windows-1252", false),
        ] {
            assert_eq!(decoded(&bytes, None).unwrap(), (TEXT.to_owned(), name, marked));
        }
    }

    #[test]
    fn a_file_of_the_old_macintosh_is_told_by_its_line_ends() {
        // "Käthe" in Mac Roman; with line feeds the same bytes would be Windows-1252.
        let (text, name, _) = decoded(b"E-Mail,Name\rkaethe@example.com,K\x8athe\r", None).unwrap();
        assert_eq!((text.as_str(), name), ("E-Mail,Name\rkaethe@example.com,Käthe\r", "macintosh"));
    }

    #[test]
    fn a_file_of_todays_mac_is_told_by_the_letters_in_its_words() {
        for line in
            ["Käthe,kaethe@example.com", "René,rene@example.com\nCéline Ångström,c@example.com", "Zoë;Käthe;François;zoe@example.com"]
        {
            for end in ["\n", "\r\n", "\r"] {
                let text = format!("Name,E-Mail{end}{}{end}", line.replace('\n', end));
                // encoding_rs only reads this encoding.
                let bytes: Vec<u8> = text.chars().map(|one| macintosh_byte(one).unwrap_or(one as u8)).collect();
                assert_eq!(decoded(&bytes, None).unwrap(), (text.clone(), "macintosh", false), "{text:?}");
                if end != "\r" {
                    let windows = encoding_rs::WINDOWS_1252.encode(&text).0.into_owned();
                    assert_eq!(decoded(&windows, None).unwrap(), (text.clone(), "windows-1252", false), "{text:?}");
                }
            }
        }
        // A line feed within a cell of a file of the old Macintosh.
        let (text, name, _) = decoded(b"Name,Note,E-Mail\rK\x8athe,\"a\nb\",k@example.com\r", None).unwrap();
        assert_eq!((text.contains("Käthe"), name), (true, "macintosh"));
        // Typographic quotes and dashes in words, as Windows writes them.
        let windows = encoding_rs::WINDOWS_1252.encode("Name,E-Mail\nPat O’Neil–Smith,pat@example.com\n").0.into_owned();
        assert_eq!(decoded(&windows, None).unwrap().1, "windows-1252");
    }

    fn macintosh_byte(letter: char) -> Option<u8> {
        (0x80..=0xff_u8).find(|byte| MACINTOSH.decode_without_bom_handling(&[*byte]).0.starts_with(letter))
    }

    #[test]
    fn a_character_that_lies_across_two_blocks_stays_whole() {
        for shift in 0..4 {
            let text = format!("{}{}", "x".repeat(shift), "é€𝄞\n".repeat(20_000));
            assert_eq!(decoded(text.as_bytes(), None).unwrap(), (text.clone(), "UTF-8", false));
        }
    }

    #[test]
    fn the_charset_sent_along_decides_when_there_is_no_byte_order_mark() {
        let bytes = encoding_rs::SHIFT_JIS.encode("メール\na@example.jp\n").0.into_owned();
        assert_eq!(decoded(&bytes, Some("shift_jis")).unwrap().0, "メール\na@example.jp\n");
        assert_eq!(decoded(b"\xef\xbb\xbfa@example.com", Some("utf-16le")).unwrap().1, "UTF-8");
    }

    #[test]
    fn other_kinds_of_files_are_named() {
        let noise: Vec<u8> = (0..2000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let late = [b"a@example.com\n".repeat(10_000), b"a@example.com\0\n".to_vec()].concat();
        for (bytes, want) in [
            (b"".as_slice(), Unreadable::Empty),
            (b"\xef\xbb\xbf \r\n", Unreadable::Empty),
            (b"PK\x03\x04rest", Unreadable::Foreign(ForeignFileKind::HalfArchive)),
            (b"%PDF-1.7", Unreadable::Foreign(ForeignFileKind::Pdf)),
            (b"a@example.com,x\0y", Unreadable::Foreign(ForeignFileKind::Unknown)),
            (&noise, Unreadable::Foreign(ForeignFileKind::Unknown)),
            (&late, Unreadable::Foreign(ForeignFileKind::Unknown)),
        ] {
            assert_eq!(decoded(bytes, None).unwrap_err(), want);
        }
    }
}
