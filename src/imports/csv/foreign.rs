//! Files that are no list of people, told by what is in them and not by their names, so that whoever sends one hears what it is and
//! what to send instead.

use std::io::{self, Read, Seek, SeekFrom};

use zip::ZipArchive;

/// A kind of file that people send in place of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignFileKind {
    OldWorkbook,
    /// Excel puts a workbook with a password into a container of its own.
    Locked,
    /// One of the two above, or something else in the same container.
    OldOffice,
    BinaryWorkbook,
    /// Of Numbers, Pages or Keynote: they differ inside of parts that we don't read.
    AppleDocument,
    OpenDocument,
    TextDocument,
    Archive,
    HalfArchive,
    Compressed,
    Pdf,
    Image,
    WebPage,
    Xml,
    Contacts,
    Json,
    /// An export of a directory (RFC 2849).
    Ldif,
    Unknown,
}

impl ForeignFileKind {
    /// What it is.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::OldWorkbook => "an Excel workbook of the old form (.xls)",
            Self::Locked => "an Office document with a password",
            Self::OldOffice => "an Office document of the old form (.xls), or one with a password",
            Self::BinaryWorkbook => "a binary Excel workbook (.xlsb)",
            Self::AppleDocument => "an Apple document, such as a Numbers spreadsheet (.numbers)",
            Self::OpenDocument => "an OpenDocument spreadsheet (.ods)",
            Self::TextDocument => "a text document, such as .docx, .odt or .rtf",
            Self::Archive => "a ZIP archive",
            Self::HalfArchive => "a ZIP archive or an Excel workbook (.xlsx) of which a part is missing",
            Self::Compressed => "a compressed file",
            Self::Pdf => "a PDF document",
            Self::Image => "an image",
            Self::WebPage => "a web page (HTML), which some programs call .xls",
            Self::Xml => "an XML document",
            Self::Contacts => "a file of contacts (vCard)",
            Self::Json => "a JSON document",
            Self::Ldif => "a directory's export in LDIF",
            Self::Unknown => "neither a text nor a spreadsheet that can be read",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn instead(self) -> &'static str {
        match self {
            Self::Locked => "take the password away in Excel, or save the sheet as CSV (comma separated values), and send that",
            Self::AppleDocument => "in Numbers choose File > Export To > CSV or Excel, and send what comes out",
            Self::OpenDocument => "save it as Text CSV (.csv) or Excel workbook (.xlsx), and send that",
            Self::TextDocument => "put the people into a spreadsheet and save it as CSV, or paste the addresses into POST /v1/invites",
            Self::Archive | Self::Compressed => "unpack it, and send the CSV file or the Excel workbook (.xlsx) that is in it",
            Self::HalfArchive => "send the whole file again",
            Self::Pdf | Self::Image => "export the list as CSV or Excel workbook (.xlsx) where it comes from, and send that",
            Self::Json => "export the list as CSV (comma separated values), or send the addresses to POST /v1/invites",
            Self::Ldif => "export the list as CSV (comma separated values), and send that",
            Self::Contacts => "export the contacts as CSV (comma separated values), and send that",
            Self::OldWorkbook | Self::OldOffice | Self::BinaryWorkbook | Self::WebPage | Self::Xml | Self::Unknown => {
                "open it in a spreadsheet program, save it as CSV (comma separated values) or Excel workbook (.xlsx), and send that"
            }
        }
    }
}

/// The first bytes of kinds that are told by them. Archives and Office's containers need a closer look. A library such as `infer` asks for
/// less, `GIF` or `BM` at the beginning, `%PDF` anywhere near it, and would take lists of people for pictures and documents.
const SIGNATURES: [(&[u8], ForeignFileKind); 15] = [
    (b"PK\x03\x04", ForeignFileKind::HalfArchive),
    (b"PK\x05\x06", ForeignFileKind::Archive),
    (b"%PDF", ForeignFileKind::Pdf),
    (b"\x89PNG", ForeignFileKind::Image),
    (b"\xff\xd8\xff", ForeignFileKind::Image),
    (b"GIF8", ForeignFileKind::Image),
    (b"II*\0", ForeignFileKind::Image),
    (b"MM\0*", ForeignFileKind::Image),
    (b"{\\rtf", ForeignFileKind::TextDocument),
    (b"\x1f\x8b", ForeignFileKind::Compressed),
    (b"BZh", ForeignFileKind::Compressed),
    (b"7z\xbc\xaf\x27\x1c", ForeignFileKind::Compressed),
    (b"\xfd7zXZ", ForeignFileKind::Compressed),
    (b"Rar!\x1a\x07", ForeignFileKind::Compressed),
    (b"\x28\xb5\x2f\xfd", ForeignFileKind::Compressed),
];
/// How a compound file begins, the container of the old Office ([MS-CFB], section 2.2).
const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
/// Bytes of a compound file's directory that are looked at; an entry has 128.
const DIRECTORY: u64 = 4096;

/// The kind that a file with this beginning is of, when its bytes say so.
pub(super) fn by_bytes<R: Read + Seek>(head: &[u8], source: &mut R) -> Option<ForeignFileKind> {
    if head.starts_with(&COMPOUND[..4]) {
        return Some(in_compound(head, source).unwrap_or(ForeignFileKind::OldOffice));
    }
    // Pictures of phones (HEIC) and of the web (WebP) name themselves behind a length.
    if head.get(4..8) == Some(b"ftyp") || (head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP")) {
        return Some(ForeignFileKind::Image);
    }
    SIGNATURES.iter().find(|(start, _)| head.starts_with(start)).map(|(_, kind)| *kind)
}

/// The kind that a text with this beginning is of, when it is of none of ours.
pub(super) fn by_text(head: &str) -> Option<ForeignFileKind> {
    let start: String = head.trim_start().chars().take(20).collect::<String>().to_ascii_lowercase();
    let begins = |starts: &[&str]| starts.iter().any(|one| start.starts_with(one));
    match () {
        () if begins(&["<!doctype html", "<html", "<head", "<meta", "<style", "<table"]) => Some(ForeignFileKind::WebPage),
        () if begins(&["<?xml"]) => Some(ForeignFileKind::Xml),
        () if begins(&["begin:vcard"]) => Some(ForeignFileKind::Contacts),
        () if is_json(head) => Some(ForeignFileKind::Json),
        () if is_ldif(head) => Some(ForeignFileKind::Ldif),
        () => None,
    }
}

/// Whether a text begins like an object or an array of JSON (RFC 8259), of which no list of people does.
fn is_json(head: &str) -> bool {
    let mut signs = head.chars().filter(|one| !one.is_whitespace());
    match (signs.next(), signs.next()) {
        (Some('{'), Some(next)) => matches!(next, '"' | '}'),
        (Some('['), Some(next)) => matches!(next, '"' | '{' | '[' | ']'),
        _ => false,
    }
}

/// Whether a text begins like LDIF (RFC 2849): perhaps with comments and a version, then with a distinguished name.
fn is_ldif(head: &str) -> bool {
    let is_line_of = |line: &str, name: &str| {
        line.split_once(':').is_some_and(|(attribute, value)| attribute.eq_ignore_ascii_case(name) && !value.trim().is_empty())
    };
    let mut lines = head.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).peekable();
    let _version = lines.next_if(|line| is_line_of(line, "version"));
    lines.next().is_some_and(|line| is_line_of(line, "dn") && (line.contains('=') || line.contains("::")))
}

/// The kind that an archive without an Excel workbook in it is of.
pub(super) fn by_archive<R: Read + Seek>(archive: &mut ZipArchive<R>) -> ForeignFileKind {
    let names: Vec<Vec<u8>> =
        (0..archive.len()).filter_map(|at| archive.by_index_raw(at).ok().map(|file| file.name_raw().to_vec())).collect();
    let has = |is: &dyn Fn(&[u8]) -> bool| names.iter().any(|name| is(name));
    if has(&|name| name == b"xl/workbook.bin") {
        return ForeignFileKind::BinaryWorkbook;
    }
    if has(&|name| name == b"Index.zip" || (name.starts_with(b"Index/") && name.ends_with(b".iwa"))) {
        return ForeignFileKind::AppleDocument;
    }
    if has(&|name| name == b"word/document.xml") {
        return ForeignFileKind::TextDocument;
    }
    // OpenDocument, part 2, section 3.3: the type is in a file of this name.
    let mut kind = String::new();
    if let Ok(file) = archive.by_name("mimetype") {
        // What can't be read names no type.
        let _ = file.take(100).read_to_string(&mut kind);
    }
    match kind.trim().strip_prefix("application/vnd.oasis.opendocument.") {
        Some(rest) if rest.starts_with("spreadsheet") => ForeignFileKind::OpenDocument,
        Some(_) => ForeignFileKind::TextDocument,
        None => ForeignFileKind::Archive,
    }
}

/// The kind of a compound file, by the names in its directory ([MS-CFB], section 2.6).
fn in_compound<R: Read + Seek>(head: &[u8], source: &mut R) -> io::Result<ForeignFileKind> {
    let header = head.get(..512).filter(|_| head.starts_with(COMPOUND)).ok_or(io::ErrorKind::UnexpectedEof)?;
    let shift = u32::from(u16::from_le_bytes([header[30], header[31]])).clamp(7, 20);
    let sector = u32::from_le_bytes([header[48], header[49], header[50], header[51]]);
    source.seek(SeekFrom::Start((u64::from(sector) + 1) << shift))?;
    let mut directory = Vec::new();
    source.take(DIRECTORY).read_to_end(&mut directory)?;
    let names: Vec<String> = directory.chunks_exact(128).map(entry_name).collect();
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    Ok(match () {
        () if has("EncryptedPackage") => ForeignFileKind::Locked,
        () if has("Workbook") || has("Book") => ForeignFileKind::OldWorkbook,
        () if has("WordDocument") => ForeignFileKind::TextDocument,
        () => ForeignFileKind::OldOffice,
    })
}

/// The name of a directory entry: UTF-16 up to the first zero.
fn entry_name(entry: &[u8]) -> String {
    let units = entry[..64].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units.take_while(|unit| *unit != 0)).map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    /// A compound file with these entries in its directory.
    fn compound(names: &[&str]) -> Vec<u8> {
        let mut bytes = vec![0; 1024];
        bytes[..8].copy_from_slice(COMPOUND);
        bytes[30] = 9;
        bytes[48] = 1;
        for name in names {
            let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
            entry.resize(128, 0);
            bytes.extend(entry);
        }
        bytes
    }

    #[test]
    fn what_is_in_an_office_container_is_told_by_its_directory() {
        for (names, want) in [
            (["Root Entry", "Workbook"], ForeignFileKind::OldWorkbook),
            (["Root Entry", "Book"], ForeignFileKind::OldWorkbook),
            (["\u{6}DataSpaces", "EncryptedPackage"], ForeignFileKind::Locked),
            (["Root Entry", "WordDocument"], ForeignFileKind::TextDocument),
            (["Root Entry", "VisioDocument"], ForeignFileKind::OldOffice),
        ] {
            let bytes = compound(&names);
            assert_eq!(by_bytes(&bytes, &mut Cursor::new(&bytes)), Some(want), "{names:?}");
            let cut = &bytes[..600];
            assert_eq!(by_bytes(cut, &mut Cursor::new(cut)), Some(ForeignFileKind::OldOffice));
        }
        let mut far = compound(&["Workbook"]);
        far[48..52].fill(0xff);
        assert_eq!(by_bytes(&far, &mut Cursor::new(&far)), Some(ForeignFileKind::OldOffice));
    }

    #[test]
    fn what_an_archive_is_its_files_say() {
        let spreadsheet = b"application/vnd.oasis.opendocument.spreadsheet".as_slice();
        for (name, content, want) in [
            ("Index/Document.iwa", b"".as_slice(), ForeignFileKind::AppleDocument),
            ("Index.zip", b"", ForeignFileKind::AppleDocument),
            ("mimetype", spreadsheet, ForeignFileKind::OpenDocument),
            ("mimetype", b"application/vnd.oasis.opendocument.text", ForeignFileKind::TextDocument),
            ("mimetype", b"\xff\xfe", ForeignFileKind::Archive),
            ("word/document.xml", b"<a/>", ForeignFileKind::TextDocument),
            ("xl/workbook.bin", b"", ForeignFileKind::BinaryWorkbook),
            ("people.csv", b"a@example.com", ForeignFileKind::Archive),
        ] {
            let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
            writer.start_file(name, SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
            let mut archive = ZipArchive::new(writer.finish().unwrap()).unwrap();
            assert_eq!(by_archive(&mut archive), want, "{name}");
        }
    }

    #[test]
    fn a_text_of_another_kind_is_told_by_how_it_begins() {
        for (text, want) in [
            ("\r\n<!DOCTYPE HTML PUBLIC", Some(ForeignFileKind::WebPage)),
            ("<TABLE border=1><tr>", Some(ForeignFileKind::WebPage)),
            ("<?xml version=\"1.0\"?>", Some(ForeignFileKind::Xml)),
            ("BEGIN:VCARD\r\nVERSION:3.0", Some(ForeignFileKind::Contacts)),
            ("{\"people\": [{\"email\": \"a@example.com\"}]}", Some(ForeignFileKind::Json)),
            ("[\n  {\"email\": \"a@example.com\"}\n]", Some(ForeignFileKind::Json)),
            ("{\"email\":\"a@example.com\"}\n{\"email\":\"b@example.com\"}\n", Some(ForeignFileKind::Json)),
            ("[\"a@example.com\"]", Some(ForeignFileKind::Json)),
            ("dn: cn=Ann,dc=example,dc=com\nmail: a@example.com\n", Some(ForeignFileKind::Ldif)),
            ("version: 1\n\n# people\ndn:: Y249QW5uLGRjPWV4YW1wbGU=\n", Some(ForeignFileKind::Ldif)),
            ("[email],[name]\na@example.com,Ann", None),
            ("dn,email\n1,a@example.com", None),
            ("version: 1\na@example.com", None),
            ("<ann@example.com>,Ann", None),
            ("email,name", None),
        ] {
            assert_eq!(by_text(text), want, "{text}");
        }
    }

    #[test]
    fn pictures_and_compressed_files_are_told_by_their_first_bytes() {
        for (bytes, want) in [
            (b"\0\0\0\x18ftypheic".as_slice(), Some(ForeignFileKind::Image)),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some(ForeignFileKind::Image)),
            (b"GIF89a", Some(ForeignFileKind::Image)),
            (b"\x1f\x8b\x08", Some(ForeignFileKind::Compressed)),
            (b"email,name\n", None),
            (b"GIFT,email\n1,a@example.com\n", None),
            (b"BMI,email\n21,a@example.com\n", None),
            (b"id,name,WEBP\n", None),
            (b"email,form\na@example.com,letter.%PDF\n", None),
            (b"", None),
        ] {
            assert_eq!(by_bytes(bytes, &mut Cursor::new(bytes)), want);
        }
    }
}
