//! Paging tokens of activities: how far a reader has come.

use super::super::error::Refusal;

/// A place in the stream of activities: first the creation of the generated people, then what happened since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub created: u64,
    pub event: usize,
    /// How many of the activities that the event stands for were shown.
    pub shown: usize,
}

impl Place {
    /// As a token: base32 with padding, so that it needs percent-encoding in a query.
    pub fn token(self) -> String {
        base32(format!("{}:{}:{}", self.created, self.event, self.shown).as_bytes())
    }

    /// Reads a token.
    ///
    /// # Errors
    /// 1003 for a text that is none.
    pub fn read(token: &str) -> Result<Self, Refusal> {
        let place = || {
            let text = String::from_utf8(from_base32(token)?).ok()?;
            let mut numbers = text.split(':');
            let place =
                Self { created: numbers.next()?.parse().ok()?, event: numbers.next()?.parse().ok()?, shown: numbers.next()?.parse().ok()? };
            numbers.next().is_none().then_some(place)
        };
        place().ok_or_else(|| Refusal::invalid("nextPageToken"))
    }
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// RFC 4648 §6.
fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(5) {
        let mut block = [0_u8; 8];
        block[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(block);
        let digits = (chunk.len() * 8).div_ceil(5);
        for place in 0..8 {
            let digit = usize::try_from((bits >> (35 - 5 * place)) & 31).unwrap_or(0);
            text.push(if place < digits { char::from(BASE32[digit]) } else { '=' });
        }
    }
    text
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u64> = text
        .trim_end_matches('=')
        .bytes()
        .map(|byte| BASE32.iter().position(|&known| known == byte).map(|place| place as u64))
        .collect::<Option<_>>()?;
    Some(
        digits
            .chunks(8)
            .flat_map(|group| {
                let bits = group.iter().enumerate().fold(0, |bits, (place, digit)| bits | (digit << (35 - 5 * place)));
                bits.to_be_bytes()[3..3 + group.len() * 5 / 8].to_vec()
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_to_its_place() {
        for place in [Place { created: 0, event: 0, shown: 0 }, Place { created: 1_499_999, event: 12, shown: 3 }] {
            assert_eq!(Place::read(&place.token()), Ok(place));
        }
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI======");
        assert!(Place::read("not a token").is_err());
    }
}
