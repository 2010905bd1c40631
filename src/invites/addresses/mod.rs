//! Reading e-mail addresses the way people paste them: from mail programs, spreadsheets, chats and web pages.
//!
//! Understood are lists separated by commas, semicolons and lines, full-width ones too; `Name <address>`, with the name quoted or
//! not and also as `Last, First`; comments in parentheses; `mailto:` links; brackets, quotes, bullets and a full stop around an
//! address. Nothing is dropped silently: what has letters and yields no address is an entry that says why.

use percent_encoding::percent_decode_str;

use crate::display_name::is_unreadable;
use crate::members::{EmailAddress, MAX_NAME_LENGTH, NoEmailAddress};

/// How far the end of a quote, a comment or an angle is looked for, in characters.
const LOOK_AHEAD: usize = 300;
/// Most characters of a text that is shown again.
const MAX_TEXT_LENGTH: usize = 320;
/// Most words of a name written `Last, First` before its address.
const LAST_NAME_WORDS: usize = 4;

/// One address, or what should be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AddressEntry {
    /// Where it was found, as it was typed.
    pub(super) text: String,
    /// The name beside it.
    pub(super) name: Option<String>,
    pub(super) read: Result<EmailAddress, NoEmailAddress>,
}

/// Reads every address of a text, in its order. There is at least one entry.
pub(super) fn read_addresses(text: &str) -> Vec<AddressEntry> {
    let chars: Vec<char> = text.chars().filter_map(plain).collect();
    let mut reader = AddressReader { chars: &chars, chunk: AddressChunk::default(), word: String::new(), held: None, entries: Vec::new() };
    reader.read();
    let mut entries = reader.entries;
    if entries.is_empty() {
        entries.push(AddressEntry { text: shorten(text), name: None, read: Err(NoEmailAddress::Empty) });
    }
    if let [only] = entries.as_mut_slice() {
        only.text = shorten(text);
    }
    entries
}

fn shorten(text: &str) -> String {
    text.trim().chars().take(MAX_TEXT_LENGTH).collect()
}

/// A character in its plain form, or nothing for one that nobody sees.
fn plain(one: char) -> Option<char> {
    Some(match one {
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => return None,
        // Full-width forms of ASCII, as East Asian keyboards type them.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(one) - 0xfee0).unwrap_or(one),
        '、' | '､' | '،' => ',',
        '؛' => ';',
        '。' | '｡' => '.',
        '“' | '”' | '„' | '‟' => '"',
        '‘' | '’' | '‚' => '\'',
        '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
        '\n' => '\n',
        one if one.is_whitespace() => ' ',
        one => one,
    })
}

/// A part of a chunk.
#[derive(Debug)]
enum AddressPart {
    Word(String),
    /// The inside of quotes.
    Quoted(String),
    /// The inside of angle brackets.
    Angle(String),
    /// The inside of parentheses.
    Comment(String),
}

impl AddressPart {
    fn as_str(&self) -> &str {
        match self {
            Self::Word(text) | Self::Quoted(text) | Self::Angle(text) | Self::Comment(text) => text,
        }
    }

    fn has_at(&self) -> bool {
        self.as_str().contains('@')
    }
}

/// What stands between two separators.
#[derive(Debug, Default)]
struct AddressChunk {
    parts: Vec<AddressPart>,
    /// Where it begins and ends in the text.
    start: usize,
    end: usize,
}

impl AddressChunk {
    /// Whether it may be the last name of `Last, First <address>`.
    fn may_be_last_name(&self) -> bool {
        let is_name = |part: &AddressPart| matches!(part, AddressPart::Word(_) | AddressPart::Quoted(_)) && !part.has_at();
        !self.parts.is_empty() && self.parts.len() <= LAST_NAME_WORDS && self.parts.iter().all(is_name)
    }

    /// Whether it may be the rest of it.
    fn may_follow_last_name(&self) -> bool {
        let bracketed = self.parts.iter().position(|part| matches!(part, AddressPart::Angle(_) | AddressPart::Comment(_)) && part.has_at());
        bracketed.is_some_and(|at| at > 0 && !self.parts[..at].iter().any(AddressPart::has_at))
    }
}

struct AddressReader<'a> {
    chars: &'a [char],
    chunk: AddressChunk,
    word: String,
    /// A chunk that may be the last name of what comes next.
    held: Option<AddressChunk>,
    entries: Vec<AddressEntry>,
}

impl AddressReader<'_> {
    fn read(&mut self) {
        let mut at = 0;
        // The closing quote of a pair that only surrounds addresses, as in a list with each in quotes.
        let mut ignored = None;
        while let Some(&one) = self.chars.get(at) {
            match one {
                ',' | ';' | '\n' => self.end_chunk(at, one == ','),
                ' ' | '>' | ')' => self.end_word(),
                '"' if ignored == Some(at) => self.end_word(),
                '"' => match self.closing(at, '"') {
                    Some(close) if self.word.is_empty() => {
                        let inside = self.inside(at, close);
                        let next = self.chars[close + 1..].iter().find(|next| **next != ' ');
                        if self.chars.get(close + 1) == Some(&'@') {
                            // A quoted part before the @ (RFC 5322, section 3.2.4).
                            self.word = format!("\"{inside}\"");
                            at = close;
                        } else if inside.contains('@') && next != Some(&'<') {
                            ignored = Some(close);
                        } else {
                            self.chunk.parts.push(AddressPart::Quoted(inside));
                            at = close;
                        }
                    }
                    _ => self.end_word(),
                },
                '<' => {
                    self.end_word();
                    if let Some(close) = self.closing(at, '>') {
                        let inside = self.inside(at, close);
                        self.chunk.parts.push(AddressPart::Angle(inside));
                        at = close;
                    }
                }
                '(' => {
                    self.end_word();
                    if let Some(close) = self.closing_parenthesis(at) {
                        let inside = self.inside(at, close);
                        self.chunk.parts.push(AddressPart::Comment(inside));
                        at = close;
                    }
                }
                one => self.word.push(one),
            }
            at += 1;
        }
        self.end_chunk(at, false);
        self.release();
    }

    fn inside(&self, open: usize, close: usize) -> String {
        self.chars[open + 1..close].iter().collect()
    }

    /// Where the quote or angle that opens at `open` closes, in the same line.
    fn closing(&self, open: usize, close: char) -> Option<usize> {
        let ahead = self.chars.iter().enumerate().skip(open + 1).take(LOOK_AHEAD);
        let stops = |one: char| one == '\n' || (close == '>' && matches!(one, '<' | ',' | ';'));
        ahead.take_while(|(_, one)| !stops(**one)).find(|(_, one)| **one == close).map(|(at, _)| at)
    }

    /// Where the comment that opens at `open` closes, in the same line; comments can hold comments.
    fn closing_parenthesis(&self, open: usize) -> Option<usize> {
        let mut depth = 0_usize;
        let ahead = self.chars.iter().enumerate().skip(open).take(LOOK_AHEAD);
        for (at, one) in ahead.take_while(|(_, one)| **one != '\n') {
            match one {
                '(' => depth += 1,
                ')' if depth == 1 => return Some(at),
                ')' => depth -= 1,
                _ => {}
            }
        }
        None
    }

    fn end_word(&mut self) {
        if !self.word.is_empty() {
            self.chunk.parts.push(AddressPart::Word(std::mem::take(&mut self.word)));
        }
    }

    fn end_chunk(&mut self, at: usize, by_comma: bool) {
        self.end_word();
        let mut chunk = std::mem::replace(&mut self.chunk, AddressChunk { start: at + 1, ..AddressChunk::default() });
        chunk.end = at;
        if chunk.parts.is_empty() {
            return;
        }
        if let Some(last) = self.held.take_if(|_| chunk.may_follow_last_name()) {
            chunk.start = last.start;
            let name: Vec<_> = last.parts.iter().map(AddressPart::as_str).collect();
            chunk.parts.insert(0, AddressPart::Quoted(format!("{},", name.join(" "))));
        }
        self.release();
        if by_comma && chunk.may_be_last_name() {
            self.held = Some(chunk);
        } else {
            self.take(chunk);
        }
    }

    /// Gives up waiting for what follows a last name.
    fn release(&mut self) {
        if let Some(held) = self.held.take() {
            self.take(held);
        }
    }

    /// Reads the addresses of a chunk.
    fn take(&mut self, chunk: AddressChunk) {
        let text: String = self.chars[chunk.start..chunk.end].iter().collect();
        let outside = chunk.parts.iter().any(|part| !matches!(part, AddressPart::Comment(_) | AddressPart::Quoted(_)) && part.has_at());
        let mut found: Vec<(String, Option<String>)> = Vec::new();
        let mut name: Vec<String> = Vec::new();
        let mut parts = chunk.parts.into_iter().peekable();
        while let Some(part) = parts.next() {
            match part {
                // An address as the name of an address.
                AddressPart::Word(word)
                    if word.contains('@') && matches!(parts.peek(), Some(AddressPart::Angle(next)) if next.contains('@')) => {}
                AddressPart::Word(word) if word.contains('@') => found.push((word, name_of(&mut name))),
                AddressPart::Word(word) => name.push(word),
                AddressPart::Quoted(quoted) => name.push(quoted),
                AddressPart::Angle(inside) => found.push((inside, name_of(&mut name))),
                AddressPart::Comment(inside) if !outside => {
                    for word in inside.split(' ').filter(|word| word.contains('@')) {
                        found.push((word.to_owned(), name_of(&mut name)));
                    }
                }
                AddressPart::Comment(_) => {}
            }
        }
        if found.is_empty() {
            // A heading such as `To:`, a bullet or a comment alone invites nobody, and nobody is missed.
            if name.iter().any(|word| !word.ends_with(':') && word.contains(char::is_alphanumeric)) {
                self.entries.push(AddressEntry { text: shorten(&text), name: None, read: Err(NoEmailAddress::NoAt) });
            }
            return;
        }
        // What stands behind the last address is its name, unless it has one.
        if let Some((_, missing @ None)) = found.last_mut() {
            *missing = name_of(&mut name);
        }
        let (alone, first) = (found.len() == 1, self.entries.len());
        for (inside, name) in found {
            let read = read_one(&inside);
            // The same address twice, side by side: as a text and as its link.
            let said = |entry: &AddressEntry| entry.read.is_ok() && entry.read == read;
            if !self.entries[first..].iter().any(said) {
                self.entries.push(AddressEntry { text: shorten(if alone { &text } else { &inside }), name, read });
            }
        }
    }
}

/// Reads what stands where an address should.
fn read_one(text: &str) -> Result<EmailAddress, NoEmailAddress> {
    let around = |one: char| one.is_whitespace() || matches!(one, '\'' | '<' | '>' | '[' | ']' | '{' | '}' | '`' | '*' | '•' | '·' | '|');
    let mut text = text.trim_matches(around);
    let mut decoded = String::new();
    if !text.starts_with('"') {
        // `mailto:` (RFC 6068), or a label such as `E-mail:`; no address has a colon before its @.
        let before_at = text.split('@').next().unwrap_or_default();
        if let Some(colon) = before_at.rfind(':') {
            let is_link = before_at[..colon].to_ascii_lowercase().ends_with("mailto");
            text = &text[colon + 1..];
            if is_link {
                let path = text.split('?').next().unwrap_or_default();
                decoded = percent_decode_str(path).decode_utf8_lossy().into_owned();
                text = &decoded;
            }
        }
    }
    let text = text.trim_matches(around).trim_end_matches(['.', ':', '!', '?']).trim_end_matches(around);
    let read = EmailAddress::parse(text);
    drop(decoded);
    read
}

/// A name from its words, which are taken.
fn name_of(words: &mut Vec<String>) -> Option<String> {
    let words = std::mem::take(words);
    let is_name = |word: &str| word.contains(char::is_alphabetic) && !word.ends_with(':') && !word.contains('@');
    let clean = words.iter().map(|word| word.trim_matches(['"', '\'', '*', '|', '[', ']']).trim()).filter(|word| is_name(word));
    let name: String = clean.collect::<Vec<_>>().join(" ").chars().filter(|one| !is_unreadable(*one)).take(2 * MAX_NAME_LENGTH).collect();
    let name = name.trim_matches([',', ' ', '-']);
    (!name.is_empty()).then(|| name.to_owned())
}

/// First and last name, written `First Last` or `Last, First`. A single word is a first name.
#[must_use]
pub fn split_name(name: &str) -> (Option<String>, Option<String>) {
    let (first, last) = match name.split_once(',') {
        Some((last, first)) => (first, last),
        None => name.rsplit_once(' ').unwrap_or((name, "")),
    };
    let fitting = |text: &str| {
        let text: String = text.trim().chars().take(MAX_NAME_LENGTH).collect();
        (!text.is_empty()).then_some(text)
    };
    (fitting(first), fitting(last))
}

#[cfg(test)]
mod tests;
