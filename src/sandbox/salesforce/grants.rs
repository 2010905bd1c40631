//! What users granted to the app: authorization codes, refresh tokens that rotate, sessions that expire.
//!
//! The rules are the strict ones of partner apps: each refresh gives a new refresh token, an old one presented again
//! ends the whole grant, thirty idle days end it too, and a sixth grant pushes out the oldest.

use std::collections::HashMap;

use super::errors::{DEAD_GRANT, OauthError};

/// A session's life.
pub const SESSION_SECONDS: i64 = 2 * 3600;
const CODE_SECONDS: i64 = 15 * 60;
const IDLE_SECONDS: i64 = 30 * 86_400;
/// Grants with a refresh token per app and user.
const MOST_GRANTS: usize = 5;

/// An authorization code waiting to be redeemed. Times are Unix seconds.
#[derive(Debug, Clone)]
pub struct Code {
    pub user_id: String,
    pub scope: String,
    pub redirect_uri: String,
    pub challenge: String,
    pub made_at: i64,
}

/// Access to the API for a while.
#[derive(Debug, Clone)]
pub struct Session {
    pub user_id: String,
    pub scope: String,
    pub expires_at: i64,
    pub issued_at: i64,
    grant: u64,
}

#[derive(Debug)]
struct Grant {
    number: u64,
    user_id: String,
    scope: String,
    refresh: Option<String>,
    used_at: i64,
}

/// Tokens as given to the app.
#[derive(Debug, Clone)]
pub struct Issued {
    pub user_id: String,
    pub scope: String,
    pub access_token: String,
    pub refresh_token: Option<String>,
}

/// Every grant of the org.
#[derive(Debug, Default)]
pub struct Grants {
    codes: HashMap<String, Code>,
    /// Codes that were used, by when.
    redeemed: HashMap<String, i64>,
    grants: Vec<Grant>,
    sessions: HashMap<String, Session>,
    /// Refresh tokens that were rotated away, by the grant they belonged to.
    spent: HashMap<String, u64>,
    /// Browser sessions of the login page: user and when they end.
    cookies: HashMap<String, (String, i64)>,
    next: u64,
}

impl Grants {
    /// Remembers a code.
    pub fn add_code(&mut self, text: String, code: Code) {
        self.codes.retain(|_, kept| kept.made_at + CODE_SECONDS > code.made_at);
        self.codes.insert(text, code);
    }

    /// Takes a code out: it is good once.
    ///
    /// # Errors
    /// `invalid_grant` for a code that is unknown, was used or is older than 15 minutes.
    pub fn redeem(&mut self, text: &str, now: i64) -> Result<Code, OauthError> {
        const EXPIRED: OauthError = OauthError::new("invalid_grant", "expired authorization code");
        match self.codes.remove(text) {
            Some(code) if now < code.made_at + CODE_SECONDS => {
                self.redeemed.retain(|_, at| *at > now - 86_400);
                self.redeemed.insert(text.to_owned(), now);
                Ok(code)
            }
            Some(_) => Err(EXPIRED),
            None if self.redeemed.contains_key(text) => Err(EXPIRED),
            None => Err(OauthError::new("invalid_grant", "invalid authorization code")),
        }
    }

    /// Opens a grant; `access` and `refresh` are fresh tokens. The refresh token is handed out only for a scope that asks
    /// for one.
    pub fn open(&mut self, user_id: &str, scope: &str, access: String, refresh: String, now: i64) -> Issued {
        self.next += 1;
        let offline = scope.split(' ').any(|part| part == "refresh_token" || part == "offline_access");
        let refresh = offline.then_some(refresh);
        self.grants.push(Grant {
            number: self.next,
            user_id: user_id.to_owned(),
            scope: scope.to_owned(),
            refresh: refresh.clone(),
            used_at: now,
        });
        self.add_session(&access, user_id, scope, self.next, now);
        let mut renewable: Vec<u64> =
            self.grants.iter().filter(|grant| grant.user_id == user_id && grant.refresh.is_some()).map(|grant| grant.number).collect();
        while renewable.len() > MOST_GRANTS {
            self.end(renewable.remove(0));
        }
        Issued { user_id: user_id.to_owned(), scope: scope.to_owned(), access_token: access, refresh_token: refresh }
    }

    fn add_session(&mut self, access: &str, user_id: &str, scope: &str, grant: u64, now: i64) {
        self.sessions.retain(|_, session| session.expires_at > now - 86_400);
        let session =
            Session { user_id: user_id.to_owned(), scope: scope.to_owned(), expires_at: now + SESSION_SECONDS, issued_at: now, grant };
        self.sessions.insert(access.to_owned(), session);
    }

    /// Exchanges a refresh token; the old one is spent at once.
    ///
    /// # Errors
    /// [`DEAD_GRANT`] for a token that is unknown, idle for thirty days, or spent; the last ends its whole grant.
    pub fn refresh(&mut self, token: &str, access: String, next: String, now: i64) -> Result<Issued, OauthError> {
        if let Some(&grant) = self.spent.get(token) {
            self.end(grant);
            return Err(DEAD_GRANT);
        }
        let grant = self.grants.iter_mut().find(|grant| grant.refresh.as_deref() == Some(token)).ok_or(DEAD_GRANT)?;
        let (number, user_id, scope) = (grant.number, grant.user_id.clone(), grant.scope.clone());
        if now - grant.used_at > IDLE_SECONDS {
            self.end(number);
            return Err(DEAD_GRANT);
        }
        grant.refresh = Some(next.clone());
        grant.used_at = now;
        self.spent.insert(token.to_owned(), number);
        self.add_session(&access, &user_id, &scope, number, now);
        Ok(Issued { user_id, scope, access_token: access, refresh_token: Some(next) })
    }

    /// The user behind a live refresh token.
    pub fn user_of_refresh(&self, token: &str) -> Option<(&str, &str)> {
        self.grants.iter().find(|grant| grant.refresh.as_deref() == Some(token)).map(|grant| (grant.user_id.as_str(), grant.scope.as_str()))
    }

    fn end(&mut self, number: u64) {
        self.grants.retain(|grant| grant.number != number);
        self.sessions.retain(|_, session| session.grant != number);
        self.spent.retain(|_, grant| *grant != number);
    }

    /// Ends everything a user granted.
    pub fn end_all_of(&mut self, user_id: &str) {
        let numbers: Vec<u64> = self.grants.iter().filter(|grant| grant.user_id == user_id).map(|grant| grant.number).collect();
        numbers.into_iter().for_each(|number| self.end(number));
    }

    /// Revokes a token: a refresh token takes its grant and sessions along, an access token only itself. False when the
    /// token means nothing.
    pub fn revoke(&mut self, token: &str) -> bool {
        if self.sessions.remove(token).is_some() {
            return true;
        }
        let number = self
            .grants
            .iter()
            .find(|grant| grant.refresh.as_deref() == Some(token))
            .map(|grant| grant.number)
            .or_else(|| self.spent.get(token).copied());
        let known = number.is_some_and(|number| self.grants.iter().any(|grant| grant.number == number));
        if let Some(number) = number {
            self.end(number);
        }
        known
    }

    /// The session of an access token, while it lives.
    pub fn session(&self, access: &str, now: i64) -> Option<&Session> {
        self.sessions.get(access).filter(|session| now < session.expires_at)
    }

    /// Ends every session; grants live on.
    pub fn expire_sessions(&mut self, now: i64) {
        self.sessions.values_mut().for_each(|session| session.expires_at = session.expires_at.min(now));
    }

    /// Remembers that a browser has logged in.
    pub fn add_cookie(&mut self, cookie: String, user_id: &str, now: i64) {
        self.cookies.retain(|_, (_, ends)| *ends > now);
        self.cookies.insert(cookie, (user_id.to_owned(), now + SESSION_SECONDS));
    }

    /// Who is logged in with this browser.
    pub fn logged_in(&self, cookie: &str, now: i64) -> Option<&str> {
        self.cookies.get(cookie).filter(|(_, ends)| now < *ends).map(|(user, _)| user.as_str())
    }

    /// Ends a browser's login.
    pub fn log_out(&mut self, cookie: &str) {
        self.cookies.remove(cookie);
    }

    /// How many grants are alive.
    pub fn alive(&self) -> usize {
        self.grants.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(grants: &mut Grants, name: &str, now: i64) -> Issued {
        grants.open("005A", "api refresh_token", format!("a-{name}"), format!("r-{name}"), now)
    }

    #[test]
    fn a_spent_refresh_token_presented_again_ends_the_grant() {
        let mut grants = Grants::default();
        opened(&mut grants, "0", 0);
        let second = grants.refresh("r-0", "a-1".into(), "r-1".into(), 10).expect("the first token is good");
        assert_eq!(second.refresh_token.as_deref(), Some("r-1"));
        assert!(grants.session("a-1", 11).is_some());
        assert_eq!(grants.refresh("r-0", "a-2".into(), "r-2".into(), 12).map(|_| ()), Err(DEAD_GRANT));
        assert!(grants.session("a-1", 13).is_none());
        assert_eq!(grants.refresh("r-1", "a-3".into(), "r-3".into(), 14).map(|_| ()), Err(DEAD_GRANT));
    }

    #[test]
    fn a_sixth_grant_pushes_out_the_oldest() {
        let mut grants = Grants::default();
        for name in ["0", "1", "2", "3", "4", "5"] {
            opened(&mut grants, name, 0);
        }
        assert_eq!(grants.alive(), 5);
        assert_eq!(grants.refresh("r-0", "x".into(), "y".into(), 1).map(|_| ()), Err(DEAD_GRANT));
        assert!(grants.refresh("r-1", "x".into(), "y".into(), 1).is_ok());
    }

    #[test]
    fn sessions_end_after_two_hours_and_idle_grants_after_thirty_days() {
        let mut grants = Grants::default();
        opened(&mut grants, "0", 0);
        assert!(grants.session("a-0", SESSION_SECONDS - 1).is_some());
        assert!(grants.session("a-0", SESSION_SECONDS).is_none());
        assert!(grants.refresh("r-0", "a-1".into(), "r-1".into(), IDLE_SECONDS).is_ok());
        assert!(grants.refresh("r-1", "a-2".into(), "r-2".into(), 2 * IDLE_SECONDS + 1).is_err());
    }

    #[test]
    fn a_code_is_good_once_and_for_fifteen_minutes() {
        let mut grants = Grants::default();
        let code = Code { user_id: "005A".into(), scope: "api".into(), redirect_uri: "x".into(), challenge: "y".into(), made_at: 0 };
        grants.add_code("one".into(), code.clone());
        assert!(grants.redeem("one", 1).is_ok());
        assert_eq!(grants.redeem("one", 2).map(|_| ()), Err(OauthError::new("invalid_grant", "expired authorization code")));
        grants.add_code("two".into(), code);
        assert!(grants.redeem("two", CODE_SECONDS).is_err());
    }
}
