//! Names that people give and other people read: of instances, members, teams, clients and tokens. They are shown in lists, mails, logs
//! and pages, where a control character breaks lines and a mark of direction makes a text read as another one (Unicode Technical
//! Report 36, section 2.10, "Bidirectional Text Spoofing").

use std::fmt;

/// Most characters of a name.
pub const MAX_DISPLAY_NAME_LENGTH: usize = 100;

/// A name of 1 to 100 characters, each of which can be read ([`is_unreadable`]), without spaces around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoDisplayName {
    #[error("a name has something to read, not only spaces")]
    Empty,
    #[error("a name has at most {} characters", MAX_DISPLAY_NAME_LENGTH)]
    TooLong,
    #[error("a name holds no control character, line separator or mark of direction; this one holds U+{:04X}", u32::from(*.0))]
    Unreadable(char),
}

impl DisplayName {
    /// Reads a name; spaces around it count but are dropped.
    ///
    /// # Errors
    /// [`NoDisplayName`] with the first reason.
    pub fn parse(text: &str) -> Result<Self, NoDisplayName> {
        let trimmed = text.trim_matches(' ');
        if trimmed.is_empty() {
            return Err(NoDisplayName::Empty);
        }
        if text.chars().count() > MAX_DISPLAY_NAME_LENGTH {
            return Err(NoDisplayName::TooLong);
        }
        match trimmed.chars().find(|one| is_unreadable(*one)) {
            Some(one) => Err(NoDisplayName::Unreadable(one)),
            None => Ok(Self(trimmed.to_owned())),
        }
    }

    /// A name that is written in the program.
    pub(crate) fn of_ours(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<DisplayName> for String {
    fn from(name: DisplayName) -> Self {
        name.0
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Whether a character has no place in a name: a control character (C0, DEL, C1), a line or paragraph separator, or a mark that
/// embeds, overrides or isolates a direction (Unicode Standard Annex 9).
#[must_use]
pub fn is_unreadable(one: char) -> bool {
    one.is_control() || matches!(one, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_read_and_has_one_to_a_hundred_characters() {
        for fine in ["Zoë", "West, North", "赤い馬", "محمد", "שלום", "O'Neill-Łukasz", &"é".repeat(100)] {
            assert_eq!(DisplayName::parse(fine).unwrap().as_str(), fine);
        }
        assert_eq!(DisplayName::parse("  Ann Lee ").unwrap().as_str(), "Ann Lee");
        for empty in ["", "   "] {
            assert_eq!(DisplayName::parse(empty), Err(NoDisplayName::Empty));
        }
        for long in ["x".repeat(101), format!("{} ", "x".repeat(100))] {
            assert_eq!(DisplayName::parse(&long), Err(NoDisplayName::TooLong));
        }
        for one in ['\0', '\n', '\u{1b}', '\u{7f}', '\u{85}', '\u{2028}', '\u{2029}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}'] {
            assert_eq!(DisplayName::parse(&format!("a{one}b")), Err(NoDisplayName::Unreadable(one)));
        }
        assert_eq!(
            NoDisplayName::Unreadable('\u{202e}').to_string(),
            "a name holds no control character, line separator or mark of direction; this one holds U+202E"
        );
    }
}
