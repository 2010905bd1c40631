//! Clients of the service, and their tokens.

use msi_actions::auth::{NewClient, Scope, Scopes, create_client};
use msi_actions::ids::InstanceId;
use msi_actions::proxy::{CallRule, replace_rules};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::Value;

use super::answer::Answer;
use super::app::TestApp;

/// The instance that a token is bound to.
pub fn instance_of(token: &str) -> String {
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["instance"].as_str().unwrap().to_owned()
}

impl TestApp {
    /// A client, made like the command line makes one: its id and secret.
    pub async fn client(&self, instance: Option<InstanceId>, scopes: Scopes) -> (String, String) {
        let mut tx = self.db().begin().await.unwrap();
        let new = NewClient { instance, name: "test".into(), scopes };
        let (client, secret) = create_client(&mut tx, &*self.clock, new).await.unwrap();
        tx.commit().await.unwrap();
        (client.client_id, secret.expose_secret().to_owned())
    }

    /// Asks for a token; `more` are further pairs of the form.
    pub async fn ask_token(&self, client: &(String, String), more: &[(&str, &str)]) -> Answer {
        let mut form = vec![("grant_type", "client_credentials"), ("client_id", &client.0), ("client_secret", &client.1)];
        form.extend_from_slice(more);
        Answer::send(self.request(Method::POST, "/oauth/token").form(&form)).await
    }

    /// An operator's token that is bound to no instance.
    pub async fn operator_token(&self) -> String {
        let client = self.client(None, Scopes::of_an_operator()).await;
        let answer = self.ask_token(&client, &[]).await.expect(200);
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// A fresh token for the instance of an older one, whose time may have passed.
    pub async fn narrowed_again(&self, token: &str) -> String {
        self.narrowed(&instance_of(token)).await
    }

    /// An operator's token narrowed to an instance.
    pub async fn narrowed(&self, instance: &str) -> String {
        let operator = self.client(None, Scopes::of_an_operator()).await;
        let resource = format!("urn:msi-actions:instance:{instance}");
        self.ask_token(&operator, &[("resource", &resource)]).await.expect(200)["access_token"].as_str().unwrap().to_owned()
    }

    /// A token of an instance's client with these scopes.
    pub async fn scoped(&self, token: &str, scopes: &[Scope]) -> String {
        let instance: InstanceId = instance_of(token).parse().unwrap();
        let client = self.client(Some(instance), Scopes(scopes.iter().copied().collect())).await;
        self.ask_token(&client, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned()
    }

    /// A token of a new client of the instance that `admin` acts in, which may make the calls that `rules` allow.
    pub async fn integrator(&self, admin: &str, rules: &[&str]) -> String {
        let scopes: Scopes = "salesforce:call marketo:call".parse().unwrap();
        let client = self.client(Some(instance_of(admin).parse().unwrap()), scopes).await;
        let rules: Vec<CallRule> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let mut tx = self.db().begin().await.unwrap();
        replace_rules(&mut tx, &client.0, &rules).await.unwrap();
        tx.commit().await.unwrap();
        self.ask_token(&client, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned()
    }
}
