use crate::members::{EmailAddress, NoEmailAddress};

/// The scheme of a link to an address (RFC 6068).
const MAILTO: &str = "mailto:";

/// An address as a cell holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AddressCell<'a> {
    pub(super) address: &'a str,
    /// The name beside it.
    pub(super) name: Option<&'a str>,
}

/// The address in a cell: by itself, as `Ann Lee <ann@example.com>`, as mail programs write it, or as a `mailto:` link.
///
/// # Errors
/// [`NoEmailAddress`], saying what is wrong.
pub(super) fn address_in(cell: &str) -> Result<AddressCell<'_>, NoEmailAddress> {
    let text = cell.trim();
    let why = match EmailAddress::check(text) {
        Ok(address) => return Ok(AddressCell { address, name: None }),
        Err(why) => why,
    };
    let (name, inner) = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, inner)) => (name.trim().trim_matches('"').trim(), inner.trim()),
        None => ("", text),
    };
    let link = inner.split_at_checked(MAILTO.len()).filter(|(scheme, _)| scheme.eq_ignore_ascii_case(MAILTO));
    // What follows a question mark is a subject and the like.
    let inner = link.map_or(inner, |(_, rest)| rest.split('?').next().unwrap_or_default());
    // Two addresses in one cell are no address.
    if inner.len() == text.len() || name.contains(['<', '@']) {
        return Err(why);
    }
    let address = EmailAddress::check(inner)?;
    Ok(AddressCell { address, name: Some(name).filter(|name| !name.is_empty()) })
}

/// Whether a cell holds an address.
pub(super) fn is_address(cell: &str) -> bool {
    address_in(cell).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_beside_a_name_and_in_a_link() {
        for (cell, address, name) in [
            (" ann@example.com ", "ann@example.com", None),
            ("Ann Lee <ann@example.com>", "ann@example.com", Some("Ann Lee")),
            ("\"Lee, Ann\" <ann@example.com>", "ann@example.com", Some("Lee, Ann")),
            ("<ann@example.com>", "ann@example.com", None),
            ("mailto:ann@example.com", "ann@example.com", None),
            ("MailTo:ann@example.com?subject=Hello", "ann@example.com", None),
            ("Ann <mailto:ann@example.com>", "ann@example.com", Some("Ann")),
        ] {
            assert_eq!(address_in(cell), Ok(AddressCell { address, name }), "{cell}");
        }
    }

    #[test]
    fn what_is_wrong_with_the_address_of_a_cell_is_said() {
        for (cell, why) in [
            ("", NoEmailAddress::Empty),
            ("Ann Lee", NoEmailAddress::Unprintable),
            ("nobody", NoEmailAddress::NoAt),
            ("Ann <nobody>", NoEmailAddress::NoAt),
            ("mailto:", NoEmailAddress::Empty),
            ("mailto:ann@", NoEmailAddress::Domain),
            ("Ann <ann@example.com>, Bo <bo@example.com>", NoEmailAddress::Unprintable),
        ] {
            assert_eq!(address_in(cell).unwrap_err(), why, "{cell}");
        }
    }
}
