//! Salesforce record ids: 15 case-sensitive characters, and three more that make them safe to compare without case.

/// Key prefixes of the objects that the sandbox has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPrefix {
    Lead,
    Contact,
    Account,
    Opportunity,
    User,
    Group,
    Organization,
    Task,
    Job,
}

impl KeyPrefix {
    /// The first three characters of an id.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lead => "00Q",
            Self::Contact => "003",
            Self::Account => "001",
            Self::Opportunity => "006",
            Self::User => "005",
            Self::Group => "00G",
            Self::Organization => "00D",
            Self::Task => "00T",
            Self::Job => "750",
        }
    }
}

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Server pod and reserved character, as in real ids.
const POD: &str = "5g0";
/// Numbers start here and go up in steps, so that ids look like real ones and case matters in them.
const FIRST: u64 = 3_141_592_653;
const STEP: u64 = 37;

/// The 18-character id of the record with this number.
pub fn record_id(prefix: KeyPrefix, number: u64) -> String {
    let mut value = FIRST + number * STEP;
    let mut tail = [b'0'; 9];
    for digit in tail.iter_mut().rev() {
        *digit = DIGITS[usize::try_from(value % 62).unwrap_or(0)];
        value /= 62;
    }
    let mut text = String::with_capacity(18);
    text.push_str(prefix.as_str());
    text.push_str(POD);
    text.extend(tail.iter().map(|&byte| char::from(byte)));
    let suffix = checksum(&text);
    text.push_str(&suffix);
    text
}

/// The number behind an id of 15 or 18 characters, if the sandbox made it and it has that prefix.
pub fn record_number(prefix: KeyPrefix, text: &str) -> Option<u64> {
    let base = match text.len() {
        15 if text.is_ascii() => text,
        18 if text.is_ascii() => {
            let base = &text[..15];
            if !checksum(base).eq_ignore_ascii_case(&text[15..]) {
                return None;
            }
            base
        }
        _ => return None,
    };
    let tail = base.strip_prefix(prefix.as_str())?.strip_prefix(POD)?;
    let mut value: u64 = 0;
    for byte in tail.bytes() {
        let digit = DIGITS.iter().position(|&known| known == byte)?;
        value = value.checked_mul(62)?.checked_add(digit as u64)?;
    }
    let distance = value.checked_sub(FIRST)?;
    (distance % STEP == 0).then_some(distance / STEP)
}

/// The three characters that follow a 15-character id: for each group of five, which of them are capitals.
pub fn checksum(base: &str) -> String {
    base.as_bytes()
        .chunks(5)
        .map(|group| {
            let bits = group
                .iter()
                .enumerate()
                .fold(0, |bits, (number, byte)| if byte.is_ascii_uppercase() { bits | (1 << number) } else { bits });
            char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits])
        })
        .collect()
}

/// Whether both are ids of the same record: equal in 15 characters, or in 18 without regard to case.
pub fn is_same_record(left: &str, right: &str) -> bool {
    match (left.len(), right.len()) {
        (18, 18) => left.eq_ignore_ascii_case(right),
        (15 | 18, 15 | 18) => left.get(..15) == right.get(..15),
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_matches_known_ids() {
        for (base, suffix) in
            [("005R0000000UyrW", "IAS"), ("750R0000000zxr8", "IAA"), ("005R0000000Giwj", "IAC"), ("0011U00000V0tkD", "QAR")]
        {
            assert_eq!(checksum(base), suffix, "{base}");
        }
    }

    #[test]
    fn an_id_leads_back_to_its_number() {
        for value in [0, 1, 61, 62, 1_499_999] {
            let text = record_id(KeyPrefix::Lead, value);
            assert_eq!(text.len(), 18);
            assert_eq!(record_number(KeyPrefix::Lead, &text), Some(value));
            assert_eq!(record_number(KeyPrefix::Lead, &text[..15]), Some(value));
            assert_eq!(record_number(KeyPrefix::Contact, &text), None);
        }
        assert_eq!(record_number(KeyPrefix::Lead, "00Q5g0000000000AAA"), None);
    }
}
