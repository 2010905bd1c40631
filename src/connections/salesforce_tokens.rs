//! Renewing a Salesforce access token. Salesforce rotates refresh tokens and ends the whole grant when an old one is presented
//! again, so a refresh is marked in the database before its token is sent, and the mark is cleared together with storing the
//! answer. A mark without an answer means: never send that token again.
//!
//! With a key for assertions (JWT bearer flow) there is nothing to lose: the mark then only keeps processes from asking twice.

use secrecy::{ExposeSecret, SecretString};
use time::Duration;
use url::Url;

use super::broker::{REPORT_PAUSE, ReportOutcome, Want, renew_ahead};
use super::salesforce::{access_context, refresh_context};
use super::slots::UpstreamToken;
use super::store::{self, Renewed, SalesforceRow};
use super::{ConnectionError, Connections};
use crate::clock::Timestamp;
use crate::ids::{ConnectionId, InstanceId, MemberId};
use crate::salesforce::{self, Grant, SalesforceError};
use crate::telemetry::error_chain;

/// A token with less time left than this is not handed out.
pub(super) const LEAST_LEFT: Duration = Duration::seconds(30);
/// A process that waits for the answer to a refresh says so this often.
const SIGN_OF_LIFE: std::time::Duration = std::time::Duration::from_secs(1);
/// When it has not said so for this long, it has ended and its answer is lost. Should it merely have slept, its answer still
/// counts when it comes, and the connection works again.
const SILENCE: Duration = Duration::seconds(10);
/// How often the database is asked whether another process's refresh is done.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(50);
/// Longest time for asking how long a token lives; it can do without.
const INTROSPECTION: std::time::Duration = std::time::Duration::from_secs(5);

const ANSWER_LOST: &str = "ANSWER_LOST";
const ANSWER_LOST_ADVICE: &str =
    "A token refresh was sent to Salesforce and its answer was lost, so the token must not be used again: connect Salesforce again.";

/// What one attempt came to.
enum Attempt {
    Kept(UpstreamToken),
    /// Somebody else has changed the row: look again.
    LookAgain,
}

impl Connections {
    /// The current token from the database, renewed when it has to be.
    pub(super) async fn load_salesforce(
        &self,
        instance: InstanceId,
        member: Option<MemberId>,
        want: Want,
    ) -> Result<UpstreamToken, ConnectionError> {
        loop {
            let row = store::find_salesforce(&self.db, instance, member).await?.ok_or(super::salesforce::NOT_CONNECTED)?;
            let set_aside = row.state != "active";
            if set_aside && !want.even_if_set_aside && !heals_by_itself(&row) {
                return Err(set_aside_error(&row));
            }
            let token = self.salesforce_token_of(instance, &row)?;
            let left = token.expires_at - self.clock.timestamp();
            let least = if want.ahead { token.renew_ahead } else { LEAST_LEFT };
            let refused = want.other_than.as_ref().is_some_and(|rejected| token.is(rejected));
            if !refused && left > least && !(set_aside && heals_by_itself(&row)) {
                return Ok(token);
            }
            match self.try_refresh(instance, &row).await? {
                Attempt::Kept(token) => return Ok(token),
                Attempt::LookAgain => {}
            }
        }
    }

    fn salesforce_token_of(&self, instance: InstanceId, row: &SalesforceRow) -> Result<UpstreamToken, ConnectionError> {
        let expires_at = row.token_expires_at.unwrap_or(row.token_issued_at + self.salesforce.token_lifetime());
        let token = self.vault.open_text(&access_context(instance, row.id), &row.sealed_access_token)?;
        Ok(served(row.id, token, &row.instance_url, row.token_issued_at, expires_at))
    }

    async fn try_refresh(&self, instance: InstanceId, row: &SalesforceRow) -> Result<Attempt, ConnectionError> {
        let now = self.clock.timestamp();
        let mut tx = self.db.begin().await?;
        let marked = match row.refresh_began_at {
            None => store::begin_refresh(&mut tx, instance, row.id, &row.sealed_access_token, now).await?,
            // Its refresh token is spent, or nobody knows.
            Some(_) if row.state != "active" && row.sealed_jwt_key.is_none() => return Err(set_aside_error(row)),
            Some(began) if now - row.refresh_seen_at.unwrap_or(began) <= SILENCE => {
                drop(tx);
                // Another process is at it: wait for its answer instead of sending the same token again.
                tokio::time::sleep(LOOK_AGAIN).await;
                return Ok(Attempt::LookAgain);
            }
            Some(began) if row.sealed_jwt_key.is_some() => store::take_over_refresh(&mut tx, instance, row.id, began, now).await?,
            Some(_) => {
                store::mark_salesforce(&mut tx, instance, row.id, ANSWER_LOST, ANSWER_LOST_ADVICE, now).await?;
                None
            }
        };
        tx.commit().await?;
        let Some(marked) = marked else { return Ok(Attempt::LookAgain) };
        let began = marked.refresh_began_at.unwrap_or(now);
        let asked = async {
            match &marked.sealed_jwt_key {
                Some(key) => self.ask_by_assertion(instance, &marked, key).await,
                None => self.ask_by_refresh_token(instance, &marked).await,
            }
        };
        match self.while_saying_so(instance, &marked, began, asked).await {
            Ok(grant) => self.keep(instance, &marked, began, grant).await,
            Err(error) => Err(self.refresh_failed(instance, &marked, began, error).await?),
        }
    }

    /// Waits for an answer and says so meanwhile, for the other processes.
    async fn while_saying_so<T>(&self, instance: InstanceId, row: &SalesforceRow, began: Timestamp, answer: impl Future<Output = T>) -> T {
        let mut answer = std::pin::pin!(answer);
        loop {
            match tokio::time::timeout(SIGN_OF_LIFE, &mut answer).await {
                Ok(answer) => return answer,
                Err(_) => {
                    let said = async {
                        let mut tx = self.db.begin().await?;
                        store::see_refresh(&mut tx, instance, row.id, began, self.clock.timestamp()).await?;
                        tx.commit().await
                    };
                    if let Err(error) = said.await {
                        tracing::warn!(error = %error_chain(&error), "a sign of life could not be given");
                    }
                }
            }
        }
    }

    async fn ask_by_refresh_token(&self, instance: InstanceId, row: &SalesforceRow) -> Result<Grant, ConnectionError> {
        let Some(sealed) = &row.sealed_refresh_token else {
            return Err(ConnectionError::NeedsAttention(
                "the access has ended and there is no refresh token; connect Salesforce again".into(),
            ));
        };
        let token = self.vault.open_text(&refresh_context(instance, row.id), sealed)?;
        Ok(salesforce::refresh(&self.http, &self.salesforce_app()?, &login_base(row)?, &token).await?)
    }

    /// Keeps what a refresh brought. Durable before the access token is used: the old refresh token is dead already.
    async fn keep(&self, instance: InstanceId, row: &SalesforceRow, began: Timestamp, grant: Grant) -> Result<Attempt, ConnectionError> {
        let access = self.vault.seal(&access_context(instance, row.id), grant.access_token.expose_secret().as_bytes())?;
        let refresh = match &grant.refresh_token {
            Some(token) => Some(self.vault.seal(&refresh_context(instance, row.id), token.expose_secret().as_bytes())?),
            None => row.sealed_refresh_token.clone(),
        };
        // An organisation may move to another address; one outside of Salesforce is not followed.
        let moved = self.addresses.salesforce_origin(grant.instance_url.as_str()).is_ok();
        let instance_url = if moved { grant.instance_url.to_string() } else { row.instance_url.clone() };
        let issued_at = Timestamp::from(grant.issued_at);
        let renewed = Renewed {
            access: &access,
            refresh: refresh.as_deref(),
            instance_url: &instance_url,
            issued_at,
            expires_at: issued_at + self.salesforce.token_lifetime(),
        };
        let mut tx = self.db.begin().await?;
        let kept = store::keep_refreshed(&mut tx, instance, row.id, began, &renewed).await?;
        tx.commit().await?;
        if !kept {
            // Disconnected, or connected anew, while we asked.
            return Ok(Attempt::LookAgain);
        }
        let expires_at = self.note_end(instance, row, &access, &grant.access_token).await?.unwrap_or(renewed.expires_at);
        Ok(Attempt::Kept(served(row.id, grant.access_token, &instance_url, issued_at, expires_at)))
    }

    /// Asks when a new token ends, and records it. The token answer doesn't say, and the organisation's session policy may be
    /// anything from fifteen minutes to a day.
    pub(super) async fn note_end(
        &self,
        instance: InstanceId,
        row: &SalesforceRow,
        sealed: &[u8],
        token: &SecretString,
    ) -> Result<Option<Timestamp>, ConnectionError> {
        let (app, base) = (self.salesforce_app()?, login_base(row)?);
        let asked = tokio::time::timeout(INTROSPECTION, salesforce::introspect(&self.http, &app, &base, token)).await;
        let Ok(Ok(salesforce::Introspection { active: true, expires_at: Some(ends) })) = asked else { return Ok(None) };
        let ends = Timestamp::from(ends);
        let mut tx = self.db.begin().await?;
        store::note_expiry(&mut tx, instance, row.id, sealed, ends).await?;
        tx.commit().await?;
        Ok(Some(ends))
    }

    /// Records a refresh that brought nothing; gives the error for the callers.
    async fn refresh_failed(
        &self,
        instance: InstanceId,
        row: &SalesforceRow,
        began: Timestamp,
        error: ConnectionError,
    ) -> Result<ConnectionError, ConnectionError> {
        if let ConnectionError::Salesforce(error) = &error {
            self.salesforce_failed(instance, Some(row.id), error);
        }
        let now = self.clock.timestamp();
        let fate = match &error {
            ConnectionError::Salesforce(error) => Fate::of(error, row.sealed_jwt_key.is_some()),
            ConnectionError::NeedsAttention(_) => Fate::Dead { code: "EXPIRED_ACCESS".into(), advice: error.to_string(), burnt: true },
            // Nothing was sent.
            _ => Fate::Untouched,
        };
        let mut tx = self.db.begin().await?;
        let told = match fate {
            Fate::Untouched => {
                store::clear_refresh(&mut tx, instance, row.id, began).await?;
                match error {
                    ConnectionError::Salesforce(error) => ConnectionError::Unavailable { message: error.to_string() },
                    other => other,
                }
            }
            Fate::Dead { code, advice, burnt } => {
                if !burnt {
                    store::clear_refresh(&mut tx, instance, row.id, began).await?;
                }
                store::mark_salesforce(&mut tx, instance, row.id, &code, &advice, now).await?;
                tracing::warn!(%instance, connection = %row.id, code, "a Salesforce connection needs attention");
                needs_attention(&advice)
            }
        };
        tx.commit().await?;
        Ok(told)
    }

    /// Looks into a report about a token: [`ReportOutcome::Renewed`] says that it has to be.
    pub(super) async fn inquire_salesforce(&self, instance: InstanceId, token: &SecretString) -> Result<ReportOutcome, ConnectionError> {
        let row = store::find_salesforce(&self.db, instance, None).await?.ok_or(super::salesforce::NOT_CONNECTED)?;
        if row.state != "active" && !heals_by_itself(&row) {
            return Err(set_aside_error(&row));
        }
        if !self.salesforce_token_of(instance, &row)?.is(token) {
            return Ok(ReportOutcome::NotCurrent);
        }
        let now = self.clock.timestamp();
        if row.token_reported_at.is_some_and(|at| now - at < REPORT_PAUSE) {
            return Ok(ReportOutcome::StillValid);
        }
        match salesforce::introspect(&self.http, &self.salesforce_app()?, &login_base(&row)?, token).await {
            Ok(known) if known.active => {
                let mut tx = self.db.begin().await?;
                store::note_report(&mut tx, instance, row.id, &row.sealed_access_token, now).await?;
                tx.commit().await?;
                Ok(ReportOutcome::StillValid)
            }
            // An app that may not introspect leaves us the caller's word.
            Ok(_) | Err(SalesforceError::OAuth(_)) => Ok(ReportOutcome::Renewed),
            Err(error) => {
                self.salesforce_failed(instance, Some(row.id), &error);
                Err(ConnectionError::Unavailable { message: error.to_string() })
            }
        }
    }

    /// Sets aside the connections whose refresh a process before us has left without an answer. Only where one process uses the
    /// database: with several, one of the others may still be waiting.
    ///
    /// # Errors
    /// When the database can't be written.
    pub async fn settle_lost_refreshes(&self) -> Result<(), ConnectionError> {
        if !matches!(self.db, crate::db::Db::Sqlite { .. }) {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        let lost = store::mark_lost_refreshes(&mut tx, ANSWER_LOST, ANSWER_LOST_ADVICE, self.clock.timestamp()).await?;
        tx.commit().await?;
        if lost > 0 {
            tracing::warn!(connections = lost, "token refreshes were under way when the service ended; these connections need attention");
        }
        Ok(())
    }
}

/// What a failed refresh means for the connection.
enum Fate {
    /// It is as it was: the token was not presented, or Salesforce says that it didn't look at it.
    Untouched,
    /// It waits for somebody to act; `burnt` when its refresh token must never be sent again.
    Dead { code: String, advice: String, burnt: bool },
}

impl Fate {
    fn of(error: &SalesforceError, by_assertion: bool) -> Self {
        let dead = |burnt| Self::Dead {
            code: error.code().unwrap_or("AUTHENTICATION_FAILURE").to_owned(),
            advice: error.what_to_do().to_owned(),
            burnt,
        };
        let lost = || Self::Dead { code: ANSWER_LOST.into(), advice: ANSWER_LOST_ADVICE.into(), burnt: true };
        match error {
            SalesforceError::Unreachable { .. } | SalesforceError::InvalidRequest { .. } => Self::Untouched,
            SalesforceError::OAuth(refusal) => match refusal.error.as_str() {
                "rate_limit_exceeded" => Self::Untouched,
                _ if matches!(refusal.status, 429 | 503) => Self::Untouched,
                // The app's settings are wrong: the grant is fine once they are mended.
                "invalid_client" | "invalid_client_id" | "unsupported_grant_type" | "invalid_request" => dead(false),
                _ => dead(!by_assertion),
            },
            _ if by_assertion => Self::Untouched,
            // RFC 9110, 15.6.4 and RFC 6585, 4: the server says that it did not take the request on.
            SalesforceError::Api(refusal) if matches!(refusal.status, 429 | 503) => Self::Untouched,
            // Whatever else came, nobody can say whether the token was spent: a gateway's 502 or 504 may hide a refresh that
            // was carried out.
            _ => lost(),
        }
    }
}

/// A connection whose refresh token is gone, but that has a key for assertions.
fn heals_by_itself(row: &SalesforceRow) -> bool {
    row.sealed_jwt_key.is_some() && row.last_error_code.as_deref().is_some_and(|code| matches!(code, ANSWER_LOST | "EXPIRED_ACCESS"))
}

/// A token as callers get it.
fn served(
    connection: ConnectionId,
    access_token: SecretString,
    instance_url: &str,
    issued_at: Timestamp,
    expires_at: Timestamp,
) -> UpstreamToken {
    let base_url = instance_url.trim_end_matches('/').to_owned();
    UpstreamToken { access_token, expires_at, base_url, connection, renew_ahead: renew_ahead(issued_at, expires_at) }
}

pub(super) fn set_aside_error(row: &SalesforceRow) -> ConnectionError {
    needs_attention(row.last_error.as_deref().unwrap_or("it was refused"))
}

fn needs_attention(reason: &str) -> ConnectionError {
    ConnectionError::NeedsAttention(format!("the Salesforce connection needs attention: {reason}"))
}

pub(super) fn login_base(row: &SalesforceRow) -> Result<Url, ConnectionError> {
    Url::parse(&row.login_base).map_err(|_| ConnectionError::AddressNotAllowed("the stored login address can't be read".into()))
}
