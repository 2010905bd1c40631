//! The way to Salesforce's login and back (web-server flow with PKCE). What is under way is kept under the hash of its `state`:
//! single use, ten minutes.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use time::Duration;
use url::Url;

use super::{ConnectionError, Connections, SalesforceHost, store};
use crate::clock::Timestamp;
use crate::crypto::{SecretHash, random_token};
use crate::ids::{InstanceId, InviteId};
use crate::salesforce::{self, Grant, Identity};

/// How long a person may take at Salesforce.
const STATE_LIFETIME: Duration = Duration::minutes(10);

/// What an authorization is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Purpose {
    /// The instance's own connection (step 2).
    Instance {
        /// Who began it.
        begun_by: String,
    },
    /// Activating an invitation by logging in.
    Activation { invite: InviteId },
}

/// An authorization that came back.
#[derive(Debug)]
pub(super) struct Authorized {
    pub(super) instance: InstanceId,
    pub(super) purpose: Purpose,
    pub(super) login_base: Url,
    pub(super) grant: Grant,
    pub(super) identity: Identity,
}

fn context(state: &SecretString) -> String {
    // The state is part of the row's key only as a hash; here it binds the verifier to the row.
    format!("oauth_states/{}/verifier", state.expose_secret())
}

impl Connections {
    /// Begins the activation of an invitation by Salesforce login; gives the address to send the person to.
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
        self.begin(instance, Purpose::Activation { invite }, host, Some(login_hint)).await.map(|(url, _)| url)
    }

    /// Begins an authorization; gives the address to send the person to, and until when they may come back.
    pub(super) async fn begin(
        &self,
        instance: InstanceId,
        purpose: Purpose,
        host: &SalesforceHost,
        login_hint: Option<&str>,
    ) -> Result<(Url, Timestamp), ConnectionError> {
        let app = self.salesforce_app()?;
        let login_base = self.login_base(host)?;
        let (state, verifier) = (random_token(), random_token());
        let now = self.clock.timestamp();
        let row = store::StoredState {
            state_hash: SecretHash::of(&state),
            instance_id: instance,
            purpose: sqlx::types::Json(purpose),
            login_base: login_base.to_string(),
            sealed_verifier: self.vault.seal(&context(&state), verifier.expose_secret().as_bytes())?,
            created_at: now,
            expires_at: now + STATE_LIFETIME,
        };
        let mut tx = self.db.begin().await?;
        store::insert_state(&mut tx, &row).await?;
        tx.commit().await?;
        Ok((salesforce::authorize_url(&app, &login_base, state.expose_secret(), &verifier, login_hint), row.expires_at))
    }

    /// Completes an authorization: takes the state (whatever comes of it, it can't be used again), exchanges the code, and asks
    /// who logged in.
    pub(super) async fn complete(&self, state: &SecretString, code: Result<&str, String>) -> Result<Authorized, ConnectionError> {
        let mut tx = self.db.begin().await?;
        let row = store::take_state(&mut tx, &SecretHash::of(state)).await?;
        tx.commit().await?;
        let row = row.filter(|row| row.expires_at > self.clock.timestamp()).ok_or(ConnectionError::StateInvalid)?;
        let code = code.map_err(ConnectionError::AuthorizationDenied)?;
        let verifier = self.vault.open_text(&context(state), &row.sealed_verifier)?;
        let login_base = Url::parse(&row.login_base).map_err(|_| ConnectionError::StateInvalid)?;
        let grant = salesforce::exchange_code(&self.http, &self.salesforce_app()?, &login_base, code, &verifier).await;
        let grant = grant.inspect_err(|error| self.salesforce_failed(row.instance_id, None, error))?;
        self.addresses.check_salesforce(&grant.instance_url)?;
        self.addresses.check_salesforce(&grant.id_url)?;
        let identity = salesforce::identity(&self.http, &grant.id_url, &grant.access_token).await;
        let identity = identity.inspect_err(|error| self.salesforce_failed(row.instance_id, None, error))?;
        Ok(Authorized { instance: row.instance_id, purpose: row.purpose.0, login_base, grant, identity })
    }
}
