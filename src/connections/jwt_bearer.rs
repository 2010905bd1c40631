//! Connecting Salesforce without a person at hand: the admin uploads a key whose certificate the app in Salesforce holds, and
//! tokens are asked for with assertions (JWT bearer flow).

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::salesforce::jwt_key_context;
use super::salesforce_tokens::login_base;
use super::slots::Place;
use super::store::{self, SalesforceRow};
use super::{ConnectionError, Connections, SalesforceHost, TestResult};
use crate::audit::{self, Entry, Origin};
use crate::db::Tx;
use crate::ids::InstanceId;
use crate::instances;
use crate::salesforce::{self, Assertion, AssertionKey, Grant};

/// What an admin sets up for assertions.
#[derive(Debug)]
pub struct AssertionSetup {
    /// Where to ask; the host of the connection there is, else production.
    pub host: Option<SalesforceHost>,
    /// Login name of the user to act as.
    pub username: String,
    /// Consumer key of the app that holds the certificate; this service's own unless given.
    pub client_id: Option<String>,
    /// RSA private key, PEM.
    pub private_key: SecretString,
    /// The organisation that the instance is to move to, if it belongs to another one.
    pub confirmed_organization: Option<String>,
}

/// Whom an assertion is for: of the login hosts, production's or the sandboxes'.
fn audience(login_base: &Url) -> &'static str {
    let host = login_base.host_str().unwrap_or_default();
    let sandbox = host == "test.salesforce.com" || host.ends_with(".sandbox.my.salesforce.com");
    if sandbox { "https://test.salesforce.com" } else { "https://login.salesforce.com" }
}

impl Connections {
    /// Gets a token with the key, and keeps both only when that worked: as another way to renew the connection there is when it
    /// is the same user's, else as the instance's connection.
    ///
    /// # Errors
    /// [`ConnectionError::PrivateKey`]; [`ConnectionError::OtherOrganization`]; [`ConnectionError::Salesforce`], for example when
    /// the user has not approved the app.
    pub async fn connect_salesforce_by_assertion(
        &self,
        instance: InstanceId,
        setup: AssertionSetup,
        origin: &Origin,
    ) -> Result<TestResult, ConnectionError> {
        let key = AssertionKey::from_pem(&setup.private_key)?;
        let existing = store::find_salesforce(&self.db, instance, None).await?;
        let base = match (&setup.host, &existing) {
            (Some(host), _) => self.login_base(host)?,
            (None, Some(row)) => login_base(row)?,
            (None, None) => self.login_base(&SalesforceHost::Production)?,
        };
        let client_id = match &setup.client_id {
            Some(client_id) => client_id.clone(),
            None => self.salesforce_app()?.client_id,
        };
        let assertion = Assertion { client_id: &client_id, username: &setup.username, audience: audience(&base) };
        let grant = salesforce::ask_with_assertion(&self.http, &base, assertion, &key, self.clock.now()).await;
        let grant = grant.inspect_err(|error| self.salesforce_failed(instance, None, error))?;
        self.addresses.salesforce_origin(grant.instance_url.as_str())?;
        self.addresses.check_identity(&grant.id_url, &grant.organization_id, &grant.user_id)?;
        self.check_organization(instance, &grant.organization_id, setup.confirmed_organization.as_deref()).await?;
        if let Some(row) = existing.filter(|row| row.user_id == grant.user_id) {
            let sealed = self.vault.seal(&jwt_key_context(instance, row.id), setup.private_key.expose_secret().as_bytes())?;
            let mut tx = self.db.begin().await?;
            // The instance is locked as by those who replace the connection; when it was replaced meanwhile, this one replaces it in
            // turn, key included.
            instances::lock_instance(&mut tx, instance).await?;
            if store::set_jwt_key(&mut tx, instance, row.id, setup.client_id.as_deref(), &sealed).await? {
                let after = serde_json::json!({ "username": row.username, "client_id": setup.client_id });
                let entry = Entry::new("salesforce.key_set", "connection", row.id).after(after);
                audit::record(&mut tx, &*self.clock, instance, origin, entry).await?;
                tx.commit().await?;
                self.slots.of(Place::Salesforce(instance, None)).forget();
                return self.try_salesforce(instance, &row).await;
            }
        }
        let identity = salesforce::identity(&self.http, &grant.id_url, &grant.access_token).await;
        let identity = identity.inspect_err(|error| self.salesforce_failed(instance, None, error))?;
        let mut row = self.new_salesforce_row(instance, None, &base, &grant, &identity)?;
        row.sealed_jwt_key = Some(self.vault.seal(&jwt_key_context(instance, row.id), setup.private_key.expose_secret().as_bytes())?);
        row.jwt_client_id = setup.client_id;
        self.begin_using(instance, row, &grant, setup.confirmed_organization.as_deref(), origin).await
    }

    /// Asks for a token with the stored key.
    pub(super) async fn ask_by_assertion(
        &self,
        instance: InstanceId,
        row: &SalesforceRow,
        sealed: &[u8],
    ) -> Result<Grant, ConnectionError> {
        let key = AssertionKey::from_pem(&self.vault.open_text(&jwt_key_context(instance, row.id), sealed)?)?;
        let client_id = match &row.jwt_client_id {
            Some(client_id) => client_id.clone(),
            None => self.salesforce_app()?.client_id,
        };
        let base = login_base(row)?;
        let assertion = Assertion { client_id: &client_id, username: &row.username, audience: audience(&base) };
        Ok(salesforce::ask_with_assertion(&self.http, &base, assertion, &key, self.clock.now()).await?)
    }

    /// A key outlives a reconnect by the same user, sealed anew for the new connection.
    pub(super) async fn carry_jwt_key_over(
        &self,
        tx: &mut Tx,
        instance: InstanceId,
        row: &mut SalesforceRow,
    ) -> Result<(), ConnectionError> {
        let before = store::find_salesforce_in(tx, instance, row.member_id).await?;
        let Some(before) = before.filter(|before| before.user_id == row.user_id) else { return Ok(()) };
        if let Some(sealed) = &before.sealed_jwt_key {
            let key = self.vault.open(&jwt_key_context(instance, before.id), sealed)?;
            row.sealed_jwt_key = Some(self.vault.seal(&jwt_key_context(instance, row.id), &key)?);
            row.jwt_client_id = before.jwt_client_id;
        }
        Ok(())
    }
}
