//! Connecting Salesforce without a person at hand: the admin uploads a key whose certificate the app in Salesforce holds, and
//! tokens are asked for with assertions (JWT bearer flow).

use secrecy::{ExposeSecret, SecretString};

use super::assertion::assertion_audience;
use super::store::{self, SalesforceRow};
use super::{SalesforceConnectionKey, jwt_key_context, parse_login_base};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::connections::{ConnectionError, Connections, SalesforceHost, TestResult};
use crate::db::Tx;
use crate::ids::InstanceId;
use crate::instances;
use crate::salesforce::{self, Assertion, AssertionKey};

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
    /// The organization that the instance is to move to, if it belongs to another one.
    pub confirmed_organization: Option<String>,
}

impl Connections {
    /// Gets a token with the key, and keeps both only when that worked: as another way to refresh the connection there is when it
    /// is the same user's, else as the instance's connection.
    ///
    /// # Errors
    /// [`ConnectionError::PrivateKey`]; [`ConnectionError::OtherOrganization`]; [`ConnectionError::Salesforce`], for example when
    /// the user has not approved the app.
    pub async fn connect_salesforce_by_assertion(
        &self,
        instance: InstanceId,
        setup: AssertionSetup,
        origin: &ChangeOrigin,
    ) -> Result<TestResult, ConnectionError> {
        let key = AssertionKey::from_pem(&setup.private_key)?;
        let existing = store::find_salesforce(&self.context.db, instance, None).await?;
        let base = match (&setup.host, &existing) {
            (Some(host), _) => self.context.login_base(host)?,
            (None, Some(row)) => parse_login_base(&row.login_base)?,
            (None, None) => self.context.login_base(&SalesforceHost::Production)?,
        };
        let client_id = match &setup.client_id {
            Some(client_id) => client_id.clone(),
            None => self.context.salesforce_app()?.client_id,
        };
        let assertion = Assertion { client_id: &client_id, username: &setup.username, audience: assertion_audience(&base) };
        let grant = salesforce::request_token_with_assertion(&self.context.http, &base, assertion, &key, self.context.clock.now()).await;
        let grant = grant.inspect_err(|error| self.context.record_salesforce_failure(instance, None, error))?;
        self.context.addresses.salesforce_origin(grant.instance_url.as_str())?;
        self.context.addresses.check_identity(&grant.id_url, &grant.organization_id, &grant.user_id)?;
        self.check_organization(instance, &grant.organization_id, setup.confirmed_organization.as_deref()).await?;
        if let Some(row) = existing.filter(|row| row.user_id == grant.user_id) {
            let sealed = self.context.vault.seal(&jwt_key_context(instance, row.id), setup.private_key.expose_secret().as_bytes())?;
            let mut tx = self.context.db.begin().await?;
            // The instance is locked as by those who replace the connection; when it was replaced meanwhile, this one replaces it in
            // turn, key included.
            instances::lock_instance(&mut tx, instance).await?;
            if store::set_jwt_key(&mut tx, instance, row.id, setup.client_id.as_deref(), &sealed).await? {
                let after = serde_json::json!({ "username": row.username, "client_id": setup.client_id });
                let entry = Entry::new("salesforce.key_set", "connection", row.id).after(after);
                audit::record(&mut tx, &*self.context.clock, instance, origin, entry).await?;
                tx.commit().await?;
                self.salesforce_tokens.forget(SalesforceConnectionKey::of_instance(instance));
                return self.test_salesforce_row(instance, &row).await;
            }
        }
        let identity = salesforce::identity(&self.context.http, &grant.id_url, &grant.access_token).await;
        let identity = identity.inspect_err(|error| self.context.record_salesforce_failure(instance, None, error))?;
        let mut row = self.new_salesforce_row(instance, None, &base, &grant, &identity)?;
        row.sealed_jwt_key =
            Some(self.context.vault.seal(&jwt_key_context(instance, row.id), setup.private_key.expose_secret().as_bytes())?);
        row.jwt_client_id = setup.client_id;
        self.adopt_salesforce(instance, row, &grant, setup.confirmed_organization.as_deref(), origin).await
    }

    /// Takes over the key of the connection before, sealed anew, when the same user reconnects.
    pub(super) async fn take_over_jwt_key(
        &self,
        tx: &mut Tx,
        instance: InstanceId,
        row: &mut SalesforceRow,
    ) -> Result<(), ConnectionError> {
        let before = store::find_salesforce_in(tx, instance, row.member_id).await?;
        let Some(before) = before.filter(|before| before.user_id == row.user_id) else { return Ok(()) };
        if let Some(sealed) = &before.sealed_jwt_key {
            let key = self.context.vault.open(&jwt_key_context(instance, before.id), sealed)?;
            row.sealed_jwt_key = Some(self.context.vault.seal(&jwt_key_context(instance, row.id), &key)?);
            row.jwt_client_id = before.jwt_client_id;
        }
        Ok(())
    }
}
