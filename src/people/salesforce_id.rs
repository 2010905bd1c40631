//! Ids of Salesforce records.

use std::fmt;
use std::str::FromStr;

/// The alphabet of the three-character suffix.
const SUFFIX_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The id of a Salesforce record in its 18-character form, which is unique without regard to case.
///
/// Salesforce writes ids with 15 characters, where case matters, or with 18: the suffix of three says, for each group of five characters,
/// which of them are capital letters. Both forms are accepted; the case of the longer one is restored from the suffix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SalesforceId(String);

/// Why a text is no Salesforce id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSalesforceId {
    #[error("a Salesforce id has 15 or 18 letters and digits")]
    Malformed,
    #[error("the last three characters of this Salesforce id don't belong to the others")]
    WrongSuffix,
}

impl SalesforceId {
    /// The 18 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes the text out.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }

    /// Whether the record is a user; an owner may also be a queue (`00G`).
    #[must_use]
    pub fn is_user(&self) -> bool {
        self.0.starts_with("005")
    }
}

impl fmt::Display for SalesforceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl SalesforceId {
    /// Parses an id and returns its 18 characters, all of them ASCII.
    ///
    /// # Errors
    /// [`InvalidSalesforceId`].
    pub fn canonical(text: &[u8]) -> Result<[u8; 18], InvalidSalesforceId> {
        if !matches!(text.len(), 15 | 18) || !text.iter().all(u8::is_ascii_alphanumeric) {
            return Err(InvalidSalesforceId::Malformed);
        }
        let (body, suffix) = text.split_at(15);
        let mut id = [0; 18];
        id[..15].copy_from_slice(body);
        for (group, suffix) in id[..15].chunks_mut(5).zip(suffix) {
            restore(group, *suffix)?;
        }
        for (index, at) in (15..).zip([0, 5, 10]) {
            let capitals = (0..5).filter(|index| id[at + index].is_ascii_uppercase()).map(|index| 1_usize << index).sum::<usize>();
            id[index] = SUFFIX_ALPHABET[capitals];
        }
        Ok(id)
    }
}

impl FromStr for SalesforceId {
    type Err = InvalidSalesforceId;

    fn from_str(text: &str) -> Result<Self, InvalidSalesforceId> {
        let id = Self::canonical(text.as_bytes())?;
        Ok(Self(id.iter().map(|byte| char::from(*byte)).collect()))
    }
}

/// Restores the case of a group of five characters from its character of the suffix.
fn restore(group: &mut [u8], suffix: u8) -> Result<(), InvalidSalesforceId> {
    let capitals = SUFFIX_ALPHABET.iter().position(|one| *one == suffix.to_ascii_uppercase()).ok_or(InvalidSalesforceId::WrongSuffix)?;
    for (index, one) in group.iter_mut().enumerate() {
        match capitals >> index & 1 == 1 {
            true if one.is_ascii_digit() => return Err(InvalidSalesforceId::WrongSuffix),
            true => one.make_ascii_uppercase(),
            false => one.make_ascii_lowercase(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<String, InvalidSalesforceId> {
        text.parse().map(SalesforceId::into_string)
    }

    #[test]
    fn fifteen_characters_get_their_suffix() {
        for (short, suffix) in
            [("005R0000000UyrW", "IAS"), ("750R0000000zxr8", "IAA"), ("005R0000000Giwj", "IAC"), ("0011U00000V0tkD", "QAR")]
        {
            assert_eq!(read(short), Ok(format!("{short}{suffix}")));
        }
    }

    #[test]
    fn the_suffix_restores_the_case_of_an_id() {
        assert_eq!(read("005r0000000uyrwias"), Ok("005R0000000UyrWIAS".into()));
        assert_eq!(read("0011U00000V0TKDQAR"), Ok("0011U00000V0tkDQAR".into()));
    }

    #[test]
    fn other_texts_are_refused() {
        for wrong in ["", "003", "0011U00000V0tkDQ", "0011U00000V0tk-QAR", "0011U00000V0tkDQAR1", "００１1U00000V0tk"] {
            assert_eq!(read(wrong), Err(InvalidSalesforceId::Malformed), "{wrong}");
        }
        // A suffix that makes a digit a capital letter, and one outside of its alphabet.
        assert_eq!(read("0011U00000V0tkDBAR"), Err(InvalidSalesforceId::WrongSuffix));
        assert_eq!(read("0011U00000V0tkD9AR"), Err(InvalidSalesforceId::WrongSuffix));
    }

    proptest! {
        #[test]
        fn both_forms_in_any_case_of_the_long_one_are_equal(short in "[0-9A-Za-z]{15}") {
            let long = read(&short).expect("fifteen letters and digits");
            prop_assert_eq!(&long[..15], short.as_str());
            for form in [long.clone(), long.to_lowercase(), long.to_uppercase()] {
                prop_assert_eq!(read(&form), Ok(long.clone()));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,20}") {
            let _ = read(&text);
        }
    }
}
