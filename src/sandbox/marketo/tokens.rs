//! The access tokens that Marketo gave out.

use std::collections::HashMap;

/// Lifetime of a new token.
const LIFETIME_SECONDS: i64 = 3600;

/// Access tokens by when they expire (Unix seconds).
#[derive(Debug, Default)]
pub struct Tokens {
    current: Option<(String, i64)>,
    /// Also the expired ones of the last day, which get 602 rather than 601.
    known: HashMap<String, i64>,
}

/// What a token is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    Valid,
    Expired,
    Unknown,
}

impl Tokens {
    /// Whether `token` is good at `now`.
    pub fn validity(&self, token: &str, now: i64) -> Validity {
        match self.known.get(token) {
            Some(&expires) if now < expires => Validity::Valid,
            Some(_) => Validity::Expired,
            None => Validity::Unknown,
        }
    }

    /// The current token and its remaining lifetime in seconds; a new one made by `fresh` when there is none.
    pub fn current(&mut self, now: i64, fresh: impl FnOnce() -> String) -> (String, i64) {
        if let Some((token, expires)) = self.current.as_ref().filter(|(_, expires)| *expires > now) {
            return (token.clone(), expires - now);
        }
        let token = fresh();
        self.known.retain(|_, &mut expires| expires > now - 86_400);
        self.known.insert(token.clone(), now + LIFETIME_SECONDS);
        self.current = Some((token.clone(), now + LIFETIME_SECONDS));
        (token, LIFETIME_SECONDS)
    }

    /// Ends every token.
    pub fn expire_all(&mut self, now: i64) {
        self.current = None;
        self.known.values_mut().for_each(|expires| *expires = (*expires).min(now));
    }
}
