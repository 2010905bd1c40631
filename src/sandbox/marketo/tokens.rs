//! The access tokens that Marketo issued.

use std::collections::HashMap;

/// Lifetime of a new token.
const LIFETIME_SECONDS: i64 = 3600;

/// Issued access tokens and when they expire (Unix seconds).
#[derive(Debug, Default)]
pub struct MarketoTokens {
    current: Option<(String, i64)>,
    /// With those that expired in the last day, which are answered 602 rather than 601.
    issued: HashMap<String, i64>,
}

/// Whether a token is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenValidity {
    Valid,
    Expired,
    Unknown,
}

impl MarketoTokens {
    /// Whether `token` is good at `now`.
    pub fn check(&self, token: &str, now: i64) -> TokenValidity {
        match self.issued.get(token) {
            Some(&expires) if now < expires => TokenValidity::Valid,
            Some(_) => TokenValidity::Expired,
            None => TokenValidity::Unknown,
        }
    }

    /// The current token and its remaining lifetime in seconds; one made by `new_token` when there is none.
    pub fn get_or_issue(&mut self, now: i64, new_token: impl FnOnce() -> String) -> (String, i64) {
        if let Some((token, expires)) = self.current.as_ref().filter(|(_, expires)| *expires > now) {
            return (token.clone(), expires - now);
        }
        let token = new_token();
        self.issued.retain(|_, &mut expires| expires > now - 86_400);
        self.issued.insert(token.clone(), now + LIFETIME_SECONDS);
        self.current = Some((token.clone(), now + LIFETIME_SECONDS));
        (token, LIFETIME_SECONDS)
    }

    /// Expires every token.
    pub fn expire_all(&mut self, now: i64) {
        self.current = None;
        self.issued.values_mut().for_each(|expires| *expires = (*expires).min(now));
    }
}
