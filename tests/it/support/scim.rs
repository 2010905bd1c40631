//! A directory that provisions by SCIM.

use reqwest::Method;
use serde_json::{Value, json};

use super::answer::Answer;
use super::app::TestApp;

pub const TOKENS: &str = "/v1/instance/scim-tokens";
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// A directory that has a token of an instance.
pub struct DirectoryClient<'a> {
    app: &'a TestApp,
    pub token: String,
}

impl<'a> DirectoryClient<'a> {
    /// Makes a token for it as an admin of the instance does.
    pub async fn create(app: &'a TestApp, token: &str) -> Self {
        let made = app.call(token, Method::POST, TOKENS, Some(json!({ "name": "Okta" }))).await.expect(201);
        assert_eq!(made["base_url"], format!("{}/scim/v2", app.url));
        Self { app, token: made["bearer_token"].as_str().unwrap().to_owned() }
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Answer {
        let mut request = self.app.request(method, &format!("/scim/v2{path}")).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::send(match body {
            Some(body) => request.header("content-type", "application/scim+json").body(body.to_string()),
            None => request,
        })
        .await
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.send(Method::GET, path, &[], None).await;
        assert_eq!(answer.headers["content-type"], "application/scim+json");
        answer.expect(200)
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, &[], Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, &[], Some(body)).await
    }

    pub async fn patch(&self, path: &str, operations: Value) -> Answer {
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
        self.send(Method::PATCH, path, &[], Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], None).await
    }

    /// Makes a user; returns the path.
    pub async fn user(&self, email: &str) -> String {
        path_of("Users", &self.post("/Users", user(email)).await.expect(201))
    }

    /// The resources of a list with this query, by `name`, in the order of names.
    pub async fn names(&self, path: &str, query: &[(&str, &str)], name: &str) -> Vec<String> {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let listed = self.get(&format!("{path}?{query}")).await;
        let mut names: Vec<_> = listed["Resources"].as_array().unwrap().iter().map(|one| one[name].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }
}

pub fn user(email: &str) -> Value {
    json!({ "schemas": [USER], "userName": email, "emails": [{ "value": email, "type": "work", "primary": true }], "active": true })
}

pub fn path_of(kind: &str, resource: &Value) -> String {
    format!("/{kind}/{}", resource["id"].as_str().unwrap())
}

/// Checks that this is an error as SCIM tells it, and gives its text.
#[track_caller]
pub fn refused(answer: &Answer, status: u16, scim_type: Option<&str>) -> String {
    let body = answer.expect(status);
    assert_eq!(answer.headers["content-type"], "application/scim+json");
    assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    assert_eq!(body["status"], status.to_string());
    assert_eq!(body["scimType"].as_str(), scim_type, "{body}");
    assert!(answer.headers.contains_key("x-request-id"));
    body["detail"].as_str().unwrap().to_owned()
}
