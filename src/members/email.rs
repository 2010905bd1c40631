use std::fmt;

use email_address::Options;
use serde::Serialize;

/// Most bytes of an address: what fits into a path of RFC 5321, section 4.5.3.1.3.
pub const MAX_ADDRESS_LENGTH: usize = 254;

/// An e-mail address, as it was typed. Two that differ in capitals only are the same mailbox to us: compare by
/// [`EmailAddress::key`].
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct EmailAddress(String);

/// Why a text is no e-mail address we can write to. The text itself is left out: it may be personal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoEmailAddress {
    /// Nothing there.
    #[error("the address is empty")]
    Empty,
    /// More than 254 bytes.
    #[error("the address is longer than 254 bytes")]
    TooLong,
    /// A space, a line break, a control character or a sign that could not be decoded.
    #[error("the address holds a space or a character that no address can have")]
    Unprintable,
    /// No `@`.
    #[error("the address has no @")]
    NoAt,
    /// Something is wrong before the `@`.
    #[error("the part before the @ can't be used")]
    Local,
    /// Something is wrong after the `@`.
    #[error("the part after the @ is no domain, such as example.com")]
    Domain,
}

impl EmailAddress {
    /// Reads an address; spaces around it are dropped. The domain must have at least two labels: nobody is reached at a
    /// bare host name or an address literal from here.
    ///
    /// # Errors
    /// [`NoEmailAddress`], saying what is wrong.
    pub fn parse(text: &str) -> Result<Self, NoEmailAddress> {
        Self::check(text).map(|text| Self(text.to_owned()))
    }

    /// The same without keeping it, for lists of many: gives the text without the spaces around it.
    ///
    /// # Errors
    /// As [`EmailAddress::parse`].
    pub fn check(text: &str) -> Result<&str, NoEmailAddress> {
        let text = text.trim();
        if is_plain(text.as_bytes()) {
            return Ok(text);
        }
        if text.is_empty() {
            return Err(NoEmailAddress::Empty);
        }
        if text.len() > MAX_ADDRESS_LENGTH {
            return Err(NoEmailAddress::TooLong);
        }
        if text.chars().any(|one| one.is_whitespace() || one.is_control() || one == char::REPLACEMENT_CHARACTER) {
            return Err(NoEmailAddress::Unprintable);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(NoEmailAddress::NoAt)?;
        if !email_address::EmailAddress::is_valid_local_part(local) {
            return Err(NoEmailAddress::Local);
        }
        if !email_address::EmailAddress::is_valid_domain(domain) {
            return Err(NoEmailAddress::Domain);
        }
        let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
        email_address::EmailAddress::parse_with_options(text, options).map_err(|_| NoEmailAddress::Domain)?;
        Ok(text)
    }

    /// The address as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What addresses are compared by: lower case. Capitals before the `@` could in theory tell mailboxes apart (RFC 5321,
    /// section 2.4); no provider does.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// Whether the text is an address of the plainest kind: ASCII, dots between the parts before the `@`, two labels or more after
/// it. Nearly all are, and this is many times faster than the whole grammar.
fn is_plain(text: &[u8]) -> bool {
    let Some(at) = text.iter().position(|byte| *byte == b'@') else { return false };
    let (local, domain) = (&text[..at], &text[at + 1..]);
    if local.len() > 64 || text.len() > MAX_ADDRESS_LENGTH {
        return false;
    }
    let mut before = b'.';
    for byte in local {
        let fits = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'\'') || (*byte == b'.' && before != b'.');
        if !fits {
            return false;
        }
        before = *byte;
    }
    if before == b'.' {
        return false;
    }
    let (mut labels, mut length, mut before) = (1, 0, b'.');
    for byte in domain {
        match byte {
            b'.' if length == 0 || before == b'-' => return false,
            b'.' => (labels, length) = (labels + 1, 0),
            b'-' if length == 0 => return false,
            _ if byte.is_ascii_alphanumeric() || *byte == b'-' => length += 1,
            _ => return false,
        }
        if length > 63 {
            return false;
        }
        before = *byte;
    }
    labels > 1 && length > 0 && before != b'-'
}

impl TryFrom<String> for EmailAddress {
    type Error = NoEmailAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl fmt::Debug for EmailAddress {
    /// Personal data stays out of logs.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("EmailAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_keeps_what_was_typed_and_compares_in_lower_case() {
        let typed = EmailAddress::parse("  Ann.O'Hara+crm@Example.COM ").unwrap();
        assert_eq!(typed.as_str(), "Ann.O'Hara+crm@Example.COM");
        assert_eq!(typed.key(), "ann.o'hara+crm@example.com");
        assert!(EmailAddress::parse("käthe@bücher.example").is_ok());
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said() {
        for (text, why) in [
            ("", NoEmailAddress::Empty),
            (" \t", NoEmailAddress::Empty),
            ("ann", NoEmailAddress::NoAt),
            ("@example.com", NoEmailAddress::Local),
            ("ann.@example.com", NoEmailAddress::Local),
            ("a@b@example.com", NoEmailAddress::Local),
            ("ann@", NoEmailAddress::Domain),
            ("ann@localhost", NoEmailAddress::Domain),
            ("ann@[127.0.0.1]", NoEmailAddress::Domain),
            ("ann@exa_mple..com", NoEmailAddress::Domain),
            ("ann@-example.com", NoEmailAddress::Domain),
            ("Ann <ann@example.com>", NoEmailAddress::Unprintable),
            ("ann@example.com\0x", NoEmailAddress::Unprintable),
            ("ann@exam\u{fffd}ple.com", NoEmailAddress::Unprintable),
        ] {
            assert_eq!(EmailAddress::parse(text), Err(why), "{text:?}");
        }
        assert_eq!(EmailAddress::parse(&format!("ann@{}.com", "a".repeat(250))), Err(NoEmailAddress::TooLong));
    }

    proptest! {
        #[test]
        fn no_text_panics_and_an_accepted_address_reads_the_same_again(text in "\\PC{0,80}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert_eq!(EmailAddress::parse(address.as_str()), Ok(address.clone()));
                prop_assert_eq!(address.key().to_lowercase(), address.key());
            }
        }

        #[test]
        fn the_short_way_takes_nothing_that_the_grammar_refuses(text in "[aZ0.@_+'-]{0,12}@[aZ0.-]{0,12}") {
            if is_plain(text.as_bytes()) {
                let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
                prop_assert!(email_address::EmailAddress::parse_with_options(&text, options).is_ok(), "{}", text);
            }
        }

        #[test]
        fn ordinary_addresses_are_taken(local in "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,20}", host in "[a-z0-9]{1,20}", tld in "[a-z]{2,6}") {
            let text = format!("{local}@{host}.{tld}");
            prop_assert!(EmailAddress::parse(&text).is_ok(), "{}", text);
        }
    }
}
