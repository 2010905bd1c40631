//! What users granted to the app: authorization codes, refresh tokens that rotate, sessions that expire.
//!
//! The rules are the strict ones of partner apps: each refresh returns a new refresh token, reusing an old one ends the whole grant, so do
//! thirty idle days, and a sixth grant of a user ends the oldest.

use std::collections::HashMap;

use super::errors::{DEAD_GRANT, OauthError};

/// How long a session lives.
pub const SESSION_SECONDS: i64 = 2 * 3600;
/// How long an authorization code is good for.
const CODE_SECONDS: i64 = 15 * 60;
/// How long a grant may stay unused.
const MAX_IDLE_SECONDS: i64 = 30 * 86_400;
/// Most grants with a refresh token of one user.
const MAX_GRANTS: usize = 5;

/// An authorization code waiting to be redeemed. Times are Unix seconds.
#[derive(Debug, Clone)]
pub struct AuthorizationCode {
    pub user_id: String,
    pub scope: String,
    pub redirect_uri: String,
    pub challenge: String,
    pub created_at: i64,
}

/// Access to the API for a while.
#[derive(Debug, Clone)]
pub struct SalesforceSession {
    pub user_id: String,
    pub scope: String,
    pub expires_at: i64,
    pub issued_at: i64,
    grant: u64,
}

#[derive(Debug)]
struct AppGrant {
    number: u64,
    user_id: String,
    scope: String,
    refresh: Option<String>,
    used_at: i64,
}

/// Tokens as the app gets them.
#[derive(Debug, Clone)]
pub struct IssuedTokens {
    pub user_id: String,
    pub scope: String,
    pub access_token: String,
    pub refresh_token: Option<String>,
}

/// Every grant of the org.
#[derive(Debug, Default)]
pub struct AppGrants {
    codes: HashMap<String, AuthorizationCode>,
    /// Used codes and when they were used.
    redeemed: HashMap<String, i64>,
    grants: Vec<AppGrant>,
    sessions: HashMap<String, SalesforceSession>,
    /// Refresh tokens that were rotated away, and the number of their grant.
    spent: HashMap<String, u64>,
    /// Cookies of logged-in browsers: the user's id and when the login ends.
    cookies: HashMap<String, (String, i64)>,
    last_number: u64,
}

impl AppGrants {
    /// Stores a code and removes expired ones.
    pub fn add_code(&mut self, text: String, code: AuthorizationCode) {
        self.codes.retain(|_, other| other.created_at + CODE_SECONDS > code.created_at);
        self.codes.insert(text, code);
    }

    /// Redeems a code, which works once.
    ///
    /// # Errors
    /// `invalid_grant` for a code that is unknown, was used or is older than 15 minutes.
    pub fn redeem_code(&mut self, text: &str, now: i64) -> Result<AuthorizationCode, OauthError> {
        const EXPIRED: OauthError = OauthError::new("invalid_grant", "expired authorization code");
        match self.codes.remove(text) {
            Some(code) if now < code.created_at + CODE_SECONDS => {
                self.redeemed.retain(|_, at| *at > now - 86_400);
                self.redeemed.insert(text.to_owned(), now);
                Ok(code)
            }
            Some(_) => Err(EXPIRED),
            None if self.redeemed.contains_key(text) => Err(EXPIRED),
            None => Err(OauthError::new("invalid_grant", "invalid authorization code")),
        }
    }

    /// Opens a grant with new tokens; `refresh` is issued only if the scope asks for a refresh token.
    pub fn open(&mut self, user_id: &str, scope: &str, access: String, refresh: String, now: i64) -> IssuedTokens {
        self.last_number += 1;
        let has_refresh_token = scope.split(' ').any(|part| part == "refresh_token" || part == "offline_access");
        let refresh = has_refresh_token.then_some(refresh);
        self.grants.push(AppGrant {
            number: self.last_number,
            user_id: user_id.to_owned(),
            scope: scope.to_owned(),
            refresh: refresh.clone(),
            used_at: now,
        });
        self.add_session(&access, user_id, scope, self.last_number, now);
        let mut renewable: Vec<u64> =
            self.grants.iter().filter(|grant| grant.user_id == user_id && grant.refresh.is_some()).map(|grant| grant.number).collect();
        while renewable.len() > MAX_GRANTS {
            self.end_grant(renewable.remove(0));
        }
        IssuedTokens { user_id: user_id.to_owned(), scope: scope.to_owned(), access_token: access, refresh_token: refresh }
    }

    fn add_session(&mut self, access: &str, user_id: &str, scope: &str, grant: u64, now: i64) {
        self.sessions.retain(|_, session| session.expires_at > now - 86_400);
        let session = SalesforceSession {
            user_id: user_id.to_owned(),
            scope: scope.to_owned(),
            expires_at: now + SESSION_SECONDS,
            issued_at: now,
            grant,
        };
        self.sessions.insert(access.to_owned(), session);
    }

    /// Exchanges a refresh token, which is spent at once.
    ///
    /// # Errors
    /// [`DEAD_GRANT`] for a token that is unknown, idle for thirty days, or spent; a spent one ends its whole grant.
    pub fn refresh(&mut self, token: &str, access: String, next: String, now: i64) -> Result<IssuedTokens, OauthError> {
        if let Some(&grant) = self.spent.get(token) {
            self.end_grant(grant);
            return Err(DEAD_GRANT);
        }
        let grant = self.grants.iter_mut().find(|grant| grant.refresh.as_deref() == Some(token)).ok_or(DEAD_GRANT)?;
        let (number, user_id, scope) = (grant.number, grant.user_id.clone(), grant.scope.clone());
        if now - grant.used_at > MAX_IDLE_SECONDS {
            self.end_grant(number);
            return Err(DEAD_GRANT);
        }
        grant.refresh = Some(next.clone());
        grant.used_at = now;
        self.spent.insert(token.to_owned(), number);
        self.add_session(&access, &user_id, &scope, number, now);
        Ok(IssuedTokens { user_id, scope, access_token: access, refresh_token: Some(next) })
    }

    /// The user and the scope of a live refresh token.
    pub fn find_by_refresh_token(&self, token: &str) -> Option<(&str, &str)> {
        self.grants.iter().find(|grant| grant.refresh.as_deref() == Some(token)).map(|grant| (grant.user_id.as_str(), grant.scope.as_str()))
    }

    fn end_grant(&mut self, number: u64) {
        self.grants.retain(|grant| grant.number != number);
        self.sessions.retain(|_, session| session.grant != number);
        self.spent.retain(|_, grant| *grant != number);
    }

    /// Ends every grant of a user.
    pub fn revoke_all_of(&mut self, user_id: &str) {
        let numbers: Vec<u64> = self.grants.iter().filter(|grant| grant.user_id == user_id).map(|grant| grant.number).collect();
        numbers.into_iter().for_each(|number| self.end_grant(number));
    }

    /// Revokes a token: a refresh token with its grant and sessions, an access token by itself. False for an unknown token.
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
        let is_known = number.is_some_and(|number| self.grants.iter().any(|grant| grant.number == number));
        if let Some(number) = number {
            self.end_grant(number);
        }
        is_known
    }

    /// The live session of an access token.
    pub fn find_session(&self, access: &str, now: i64) -> Option<&SalesforceSession> {
        self.sessions.get(access).filter(|session| now < session.expires_at)
    }

    /// Ends every session; grants live on.
    pub fn expire_sessions(&mut self, now: i64) {
        self.sessions.values_mut().for_each(|session| session.expires_at = session.expires_at.min(now));
    }

    /// Stores the cookie of a browser that logged in.
    pub fn add_cookie(&mut self, cookie: String, user_id: &str, now: i64) {
        self.cookies.retain(|_, (_, ends)| *ends > now);
        self.cookies.insert(cookie, (user_id.to_owned(), now + SESSION_SECONDS));
    }

    /// The id of the user who is logged in with this cookie.
    pub fn logged_in_user(&self, cookie: &str, now: i64) -> Option<&str> {
        self.cookies.get(cookie).filter(|(_, ends)| now < *ends).map(|(user, _)| user.as_str())
    }

    /// Ends a browser's login.
    pub fn log_out(&mut self, cookie: &str) {
        self.cookies.remove(cookie);
    }

    /// How many grants there are.
    pub fn count(&self) -> usize {
        self.grants.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(grants: &mut AppGrants, name: &str, now: i64) -> IssuedTokens {
        grants.open("005A", "api refresh_token", format!("a-{name}"), format!("r-{name}"), now)
    }

    #[test]
    fn reusing_a_spent_refresh_token_ends_the_grant() {
        let mut grants = AppGrants::default();
        open(&mut grants, "0", 0);
        let second = grants.refresh("r-0", "a-1".into(), "r-1".into(), 10).expect("the first token is good");
        assert_eq!(second.refresh_token.as_deref(), Some("r-1"));
        assert!(grants.find_session("a-1", 11).is_some());
        assert_eq!(grants.refresh("r-0", "a-2".into(), "r-2".into(), 12).map(|_| ()), Err(DEAD_GRANT));
        assert!(grants.find_session("a-1", 13).is_none());
        assert_eq!(grants.refresh("r-1", "a-3".into(), "r-3".into(), 14).map(|_| ()), Err(DEAD_GRANT));
    }

    #[test]
    fn a_sixth_grant_ends_the_oldest() {
        let mut grants = AppGrants::default();
        for name in ["0", "1", "2", "3", "4", "5"] {
            open(&mut grants, name, 0);
        }
        assert_eq!(grants.count(), 5);
        assert_eq!(grants.refresh("r-0", "x".into(), "y".into(), 1).map(|_| ()), Err(DEAD_GRANT));
        assert!(grants.refresh("r-1", "x".into(), "y".into(), 1).is_ok());
    }

    #[test]
    fn sessions_end_after_two_hours_and_idle_grants_after_thirty_days() {
        let mut grants = AppGrants::default();
        open(&mut grants, "0", 0);
        assert!(grants.find_session("a-0", SESSION_SECONDS - 1).is_some());
        assert!(grants.find_session("a-0", SESSION_SECONDS).is_none());
        assert!(grants.refresh("r-0", "a-1".into(), "r-1".into(), MAX_IDLE_SECONDS).is_ok());
        assert!(grants.refresh("r-1", "a-2".into(), "r-2".into(), 2 * MAX_IDLE_SECONDS + 1).is_err());
    }

    #[test]
    fn a_code_works_once_and_for_fifteen_minutes() {
        let mut grants = AppGrants::default();
        let code = AuthorizationCode {
            user_id: "005A".into(),
            scope: "api".into(),
            redirect_uri: "x".into(),
            challenge: "y".into(),
            created_at: 0,
        };
        grants.add_code("one".into(), code.clone());
        assert!(grants.redeem_code("one", 1).is_ok());
        assert_eq!(grants.redeem_code("one", 2).map(|_| ()), Err(OauthError::new("invalid_grant", "expired authorization code")));
        grants.add_code("two".into(), code);
        assert!(grants.redeem_code("two", CODE_SECONDS).is_err());
    }
}
