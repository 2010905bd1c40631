//! Paging tokens of activities: where reading continues.

use super::super::error::MarketoApiError;

/// A position in the stream of activities: first come the creations of the generated people, then what happened since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivityPagingToken {
    /// How many creations were read.
    pub creations_read: u64,
    /// How many events were read.
    pub events_read: usize,
    /// How many activities of the next event were read.
    pub activities_read: usize,
}

impl ActivityPagingToken {
    /// As text: base32 with padding, so that it needs percent-encoding in a query.
    pub fn encode(self) -> String {
        to_base32(format!("{}:{}:{}", self.creations_read, self.events_read, self.activities_read).as_bytes())
    }

    /// Reads a token's text.
    ///
    /// # Errors
    /// 1003 for a text that isn't a token.
    pub fn decode(text: &str) -> Result<Self, MarketoApiError> {
        let parse = || {
            let text = String::from_utf8(from_base32(text)?).ok()?;
            let mut numbers = text.split(':');
            let token = Self {
                creations_read: numbers.next()?.parse().ok()?,
                events_read: numbers.next()?.parse().ok()?,
                activities_read: numbers.next()?.parse().ok()?,
            };
            numbers.next().is_none().then_some(token)
        };
        parse().ok_or_else(|| MarketoApiError::invalid("nextPageToken"))
    }
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// RFC 4648 §6.
fn to_base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(5) {
        let mut block = [0_u8; 8];
        block[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(block);
        let digits = (chunk.len() * 8).div_ceil(5);
        for number in 0..8 {
            let digit = usize::try_from((bits >> (35 - 5 * number)) & 31).unwrap_or(0);
            text.push(if number < digits { char::from(BASE32[digit]) } else { '=' });
        }
    }
    text
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u64> = text
        .trim_end_matches('=')
        .bytes()
        .map(|byte| BASE32.iter().position(|&known| known == byte).map(|digit| digit as u64))
        .collect::<Option<_>>()?;
    Some(
        digits
            .chunks(8)
            .flat_map(|group| {
                let bits = group.iter().enumerate().fold(0, |bits, (number, digit)| bits | (digit << (35 - 5 * number)));
                bits.to_be_bytes()[3..3 + group.len() * 5 / 8].to_vec()
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_decoded_to_its_position() {
        for token in [
            ActivityPagingToken { creations_read: 0, events_read: 0, activities_read: 0 },
            ActivityPagingToken { creations_read: 1_499_999, events_read: 12, activities_read: 3 },
        ] {
            assert_eq!(ActivityPagingToken::decode(&token.encode()), Ok(token));
        }
        assert_eq!(to_base32(b"foobar"), "MZXW6YTBOI======");
        assert!(ActivityPagingToken::decode("not a token").is_err());
    }
}
