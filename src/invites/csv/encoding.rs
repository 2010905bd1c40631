use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::Unreadable;

/// A file's text.
#[derive(Debug)]
pub struct Decoded<'a> {
    /// The text, without a byte order mark.
    pub text: Cow<'a, str>,
    /// The encoding's name in the WHATWG Encoding Standard.
    pub encoding: &'static str,
}

/// Beginnings of files that people send instead of CSV.
const SIGNATURES: [(&[u8], &str); 8] = [
    (b"PK\x03\x04", "a spreadsheet (.xlsx) or another ZIP archive"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet (.xls)"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"{\\rtf", "a text document (.rtf)"),
];

/// Decodes a file. A byte order mark decides; else the `charset` that was sent along; else zero bytes that only UTF-16 has;
/// else UTF-8 if the bytes are UTF-8; else a guess from the bytes, in which Windows-1252 is what Western files come out as.
///
/// # Errors
/// [`Unreadable::Empty`], [`Unreadable::Binary`].
pub fn decode<'a>(bytes: &'a [u8], charset: Option<&str>) -> Result<Decoded<'a>, Unreadable> {
    if let Some((_, what)) = SIGNATURES.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Err(Unreadable::Binary(what));
    }
    let encoding = encoding_of(bytes, charset);
    let (text, _) = encoding.decode_with_bom_removal(bytes);
    if text.trim().is_empty() {
        return Err(Unreadable::Empty);
    }
    if looks_binary(&text) {
        return Err(Unreadable::Binary("a file of another kind"));
    }
    Ok(Decoded { text, encoding: encoding.name() })
}

fn encoding_of(bytes: &[u8], charset: Option<&str>) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding;
    }
    if let Some(named) = charset.and_then(|label| Encoding::for_label(label.as_bytes())) {
        return named;
    }
    if let Some(wide) = wide_encoding(bytes) {
        return wide;
    }
    if std::str::from_utf8(bytes).is_ok() {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Deny)
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

/// A text has no NUL, and next to no other control characters than white space.
fn looks_binary(text: &str) -> bool {
    let mut odd = 0_usize;
    for one in text.chars() {
        match one {
            '\0' => return true,
            '\t' | '\n' | '\r' | '\x0b' | '\x0c' | '\u{85}' => {}
            char::REPLACEMENT_CHARACTER => odd += 1,
            one if one.is_control() => odd += 1,
            _ => {}
        }
    }
    odd > 16 && odd > text.len() / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "E-Mail,Name\r\nkäthe@example.com,Käthe Müller\r\n";

    fn decoded(bytes: &[u8]) -> (String, &'static str) {
        let decoded = decode(bytes, None).unwrap();
        (decoded.text.into_owned(), decoded.encoding)
    }

    #[test]
    fn each_encoding_that_spreadsheets_write_is_recognised() {
        let with_bom = [b"\xef\xbb\xbf", TEXT.as_bytes()].concat();
        let little: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let windows = encoding_rs::WINDOWS_1252.encode(TEXT).0.into_owned();
        for (bytes, name) in [
            (TEXT.as_bytes().to_vec(), "UTF-8"),
            (with_bom, "UTF-8"),
            (little.clone(), "UTF-16LE"),
            (big.clone(), "UTF-16BE"),
            ([b"\xff\xfe".as_slice(), &little].concat(), "UTF-16LE"),
            ([b"\xfe\xff".as_slice(), &big].concat(), "UTF-16BE"),
            (windows, "windows-1252"),
        ] {
            assert_eq!(decoded(&bytes), (TEXT.to_owned(), name));
        }
    }

    #[test]
    fn the_charset_sent_along_decides_when_there_is_no_byte_order_mark() {
        let bytes = encoding_rs::SHIFT_JIS.encode("メール\na@example.jp\n").0.into_owned();
        assert_eq!(decode(&bytes, Some("shift_jis")).unwrap().text, "メール\na@example.jp\n");
        assert_eq!(decode(b"\xef\xbb\xbfa@example.com", Some("utf-16le")).unwrap().encoding, "UTF-8");
    }

    #[test]
    fn other_kinds_of_files_are_named() {
        let noise: Vec<u8> = (0..2000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for (bytes, want) in [
            (b"".as_slice(), Unreadable::Empty),
            (b"\xef\xbb\xbf \r\n", Unreadable::Empty),
            (b"PK\x03\x04rest", Unreadable::Binary("a spreadsheet (.xlsx) or another ZIP archive")),
            (b"%PDF-1.7", Unreadable::Binary("a PDF document")),
            (b"a@example.com,x\0y", Unreadable::Binary("a file of another kind")),
            (&noise, Unreadable::Binary("a file of another kind")),
        ] {
            assert_eq!(decode(bytes, None).unwrap_err(), want);
        }
    }
}
