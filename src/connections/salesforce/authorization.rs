//! The way to Salesforce's login and back (web-server flow with PKCE). What is under way is kept under the hash of its `state`:
//! single use, ten minutes, and for one browser: the way begins at an address of ours that leaves a cookie, and only who brings
//! the cookie back completes it. So nobody can be made to complete what somebody else began (RFC 9700, section 4.7). What is for a
//! member goes through that member's session, out and back: whoever else gets hold of the address can't link a user of their own.

use secrecy::{ExposeSecret, SecretString};
use time::Duration;
use url::Url;

use super::purpose::AuthorizationPurpose;
use super::store::{self, PendingAuthorization};
use crate::auth::find_session;
use crate::clock::Timestamp;
use crate::connections::{ConnectionError, Connections, SalesforceHost};
use crate::crypto::{SecretHash, random_token};
use crate::ids::{InstanceId, InviteId};
use crate::salesforce::{self, Identity, TokenGrant};
use crate::vault::{SealedColumn, SealedRowKey};

/// The PKCE code verifier of an authorization under way. Bound by the `state`, which the row holds only the hash of.
pub(super) const VERIFIER: SealedColumn = SealedColumn::new("oauth_states", "sealed_verifier", SealedRowKey::Expires);

/// How long a person may take at Salesforce.
const STATE_LIFETIME: Duration = Duration::minutes(10);

/// What binds an authorization to a browser: the value of the cookie it was given.
#[derive(Debug, Clone)]
pub struct BrowserBinding(pub SecretString);

/// What a browser brings that opens one of the two addresses.
#[derive(Debug)]
pub struct BrowserCookies {
    /// What it was given on its way out.
    pub binding: Option<BrowserBinding>,
    /// The session of a member.
    pub session: Option<SecretString>,
}

/// An authorization that came back.
#[derive(Debug)]
pub(in crate::connections) struct CompletedAuthorization {
    pub(in crate::connections) instance: InstanceId,
    pub(in crate::connections) purpose: AuthorizationPurpose,
    pub(super) login_base: Url,
    pub(super) grant: TokenGrant,
    pub(in crate::connections) identity: Identity,
}

fn verifier_context(state: &SecretString) -> String {
    VERIFIER.context(state.expose_secret())
}

impl Connections {
    /// Begins the activation of an invitation by Salesforce login; returns the address to send the person to.
    ///
    /// # Errors
    /// [`ConnectionError::SalesforceNotConfigured`], [`ConnectionError::Db`].
    pub async fn begin_activation(
        &self,
        instance: InstanceId,
        invite: InviteId,
        host: &SalesforceHost,
        login_hint: &str,
    ) -> Result<Url, ConnectionError> {
        self.begin_authorization(instance, AuthorizationPurpose::Activation { invite }, host, Some(login_hint)).await.map(|(url, _)| url)
    }

    /// Begins an authorization; returns the address to send the person to, and until when they may come back.
    pub(super) async fn begin_authorization(
        &self,
        instance: InstanceId,
        purpose: AuthorizationPurpose,
        host: &SalesforceHost,
        login_hint: Option<&str>,
    ) -> Result<(Url, Timestamp), ConnectionError> {
        self.context.salesforce_app()?;
        let login_base = self.context.login_base(host)?;
        let (state, verifier) = (random_token(), random_token());
        let now = self.context.clock.timestamp();
        let row = PendingAuthorization {
            state_hash: SecretHash::of_secret(&state),
            instance_id: instance,
            purpose: sqlx::types::Json(purpose),
            login_base: login_base.to_string(),
            login_hint: login_hint.map(str::to_owned),
            browser_hash: None,
            sealed_verifier: self.context.vault.seal(&verifier_context(&state), verifier.expose_secret().as_bytes())?,
            created_at: now,
            expires_at: now + STATE_LIFETIME,
        };
        let mut tx = self.context.db.begin().await?;
        store::insert_authorization(&mut tx, &row).await?;
        tx.commit().await?;
        let mut url = Url::parse(&format!("{}/oauth/salesforce/start", self.context.public_url))
            .map_err(|_| ConnectionError::AddressNotAllowed("server.public_url is no address".into()))?;
        url.query_pairs_mut().append_pair("state", state.expose_secret());
        Ok((url, row.expires_at))
    }

    /// Sends a browser on its way: binds the authorization to it, and gives Salesforce's address. A browser that comes again
    /// with the cookie it was given may go again.
    ///
    /// # Errors
    /// [`ConnectionError::StateInvalid`], also when another browser was first; [`ConnectionError::MemberSessionRequired`].
    pub async fn start_authorization(
        &self,
        state: &SecretString,
        browser: BrowserCookies,
    ) -> Result<(Url, BrowserBinding), ConnectionError> {
        let hash = SecretHash::of_secret(state);
        let row = store::find_authorization(&self.context.db, &hash).await?;
        let row = row.filter(|row| row.expires_at > self.context.clock.timestamp()).ok_or(ConnectionError::StateInvalid)?;
        self.check_session(&row, &browser).await?;
        let browser = browser.binding.unwrap_or_else(|| BrowserBinding(random_token()));
        let mut tx = self.context.db.begin().await?;
        let bound = store::bind_authorization(&mut tx, &hash, &SecretHash::of_secret(&browser.0)).await?;
        tx.commit().await?;
        if !bound {
            return Err(ConnectionError::StateInvalid);
        }
        let verifier = self.context.vault.open_text(&verifier_context(state), &row.sealed_verifier)?;
        let login_base = Url::parse(&row.login_base).map_err(|_| ConnectionError::StateInvalid)?;
        let hint = row.login_hint.as_deref();
        Ok((salesforce::authorize_url(&self.context.salesforce_app()?, &login_base, state.expose_secret(), &verifier, hint), browser))
    }

    /// Refuses whoever goes through an authorization of a member's without that member's session.
    async fn check_session(&self, row: &PendingAuthorization, browser: &BrowserCookies) -> Result<(), ConnectionError> {
        let AuthorizationPurpose::Member { member } = row.purpose.0 else { return Ok(()) };
        let session = browser.session.as_ref().ok_or(ConnectionError::MemberSessionRequired)?;
        match find_session(&self.context.db, &SecretHash::of_secret(session), self.context.clock.timestamp()).await? {
            Some((instance, of, _)) if instance == row.instance_id && of == member => Ok(()),
            _ => Err(ConnectionError::MemberSessionRequired),
        }
    }

    /// What an authorization under way is for, and in which instance.
    ///
    /// # Errors
    /// [`ConnectionError::Db`].
    pub(in crate::connections) async fn find_purpose(
        &self,
        state: &SecretString,
    ) -> Result<Option<(InstanceId, AuthorizationPurpose)>, ConnectionError> {
        let row = store::find_authorization(&self.context.db, &SecretHash::of_secret(state)).await?;
        Ok(row.map(|row| (row.instance_id, row.purpose.0)))
    }

    /// Completes an authorization: takes the state (whatever comes of it, it can't be used again), exchanges the code, and asks
    /// who logged in.
    pub(in crate::connections) async fn complete_authorization(
        &self,
        state: &SecretString,
        browser: &BrowserCookies,
        code: Result<&str, String>,
    ) -> Result<CompletedAuthorization, ConnectionError> {
        let mut tx = self.context.db.begin().await?;
        let row = store::take_authorization(&mut tx, &SecretHash::of_secret(state)).await?;
        tx.commit().await?;
        let binding = browser.binding.as_ref();
        let is_same_browser =
            |row: &PendingAuthorization| binding.zip(row.browser_hash.as_ref()).is_some_and(|(binding, hash)| hash.matches(&binding.0));
        let row = row
            .filter(|row| row.expires_at > self.context.clock.timestamp() && is_same_browser(row))
            .ok_or(ConnectionError::StateInvalid)?;
        self.check_session(&row, browser).await?;
        let code = code.map_err(ConnectionError::AuthorizationDenied)?;
        let verifier = self.context.vault.open_text(&verifier_context(state), &row.sealed_verifier)?;
        let login_base = Url::parse(&row.login_base).map_err(|_| ConnectionError::StateInvalid)?;
        let grant = salesforce::exchange_code(&self.context.http, &self.context.salesforce_app()?, &login_base, code, &verifier).await;
        let grant = grant.inspect_err(|error| self.context.record_salesforce_failure(row.instance_id, None, error))?;
        self.context.addresses.salesforce_origin(grant.instance_url.as_str())?;
        self.context.addresses.check_identity(&grant.id_url, &grant.organization_id, &grant.user_id)?;
        let identity = salesforce::identity(&self.context.http, &grant.id_url, &grant.access_token).await;
        let identity = identity.inspect_err(|error| self.context.record_salesforce_failure(row.instance_id, None, error))?;
        let authorized = CompletedAuthorization { instance: row.instance_id, purpose: row.purpose.0, login_base, grant, identity };
        self.check_authorized(&authorized).await?;
        Ok(authorized)
    }
}
