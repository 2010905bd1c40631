use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::clock::monotonic_now;

/// Longest wait for background work, apart from the sync.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// A client of the API: its address and a token.
#[derive(Clone)]
pub(super) struct DemoApiClient {
    pub(super) http: reqwest::Client,
    url: String,
    token: String,
}

impl DemoApiClient {
    /// Gets a token with client credentials; `resource` limits an operator's token to an instance.
    pub(super) async fn log_in(
        http: &reqwest::Client,
        url: &str,
        client: &(String, String),
        resource: Option<&str>,
    ) -> Result<Self, String> {
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(resource.map(|resource| ("resource", resource)));
        let request = http.post(format!("{url}/oauth/token")).basic_auth(&client.0, Some(&client.1)).form(&form);
        let answer = send("POST /oauth/token", request).await?;
        let token = answer["access_token"].as_str().ok_or("POST /oauth/token gave no access token")?;
        Ok(Self { http: http.clone(), url: url.to_owned(), token: token.to_owned() })
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, String> {
        send(&format!("GET {path}"), self.request(Method::GET, path)).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        send(&format!("POST {path}"), self.request(Method::POST, path).json(body)).await
    }

    pub(super) async fn patch(&self, path: &str, body: &Value) -> Result<Value, String> {
        send(&format!("PATCH {path}"), self.request(Method::PATCH, path).json(body)).await
    }

    /// Opens an invitation's link and chooses a password.
    pub(super) async fn activate(&self, link: &str, password: &str) -> Result<Value, String> {
        let chosen = json!({ "method": "password", "password": password });
        send("POST /activate/…", self.http.post(link).header("accept", "application/json").json(&chosen)).await
    }

    /// Calls somebody else, who asks for no token.
    pub(super) async fn send_elsewhere(&self, method: Method, url: &str, body: &Value) -> Result<Value, String> {
        send(&format!("{method} {url}"), self.http.request(method.clone(), url).json(body)).await
    }

    pub(super) async fn post_csv(&self, path: &str, csv: &str) -> Result<Value, String> {
        send(&format!("POST {path}"), self.request(Method::POST, path).header("content-type", "text/csv").body(csv.to_owned())).await
    }

    /// Repeats a GET until `ready` returns an outcome.
    pub(super) async fn wait_until<T>(&self, path: &str, ready: impl Fn(&Value) -> Option<T>) -> Result<T, String> {
        let deadline = monotonic_now() + MAX_WAIT;
        loop {
            let answer = self.get(path).await?;
            if let Some(outcome) = ready(&answer) {
                return Ok(outcome);
            }
            if monotonic_now() > deadline {
                return Err(format!("GET {path} was not ready within {} s", MAX_WAIT.as_secs()));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }
}

/// Sends a request and returns the JSON of a successful answer; the error of another one repeats its problem document.
async fn send(what: &str, request: reqwest::RequestBuilder) -> Result<Value, String> {
    let response = request.send().await.map_err(|error| format!("{what} failed: {error}"))?;
    let status = response.status();
    let text = response.text().await.map_err(|error| format!("{what} failed: {error}"))?;
    let body: Value = if status == StatusCode::NO_CONTENT { Value::Null } else { serde_json::from_str(&text).unwrap_or_default() };
    if status.is_success() {
        return Ok(body);
    }
    let detail = body["detail"].as_str().unwrap_or(&text);
    Err(format!("{what} answered {} {}: {detail}", status.as_u16(), body["code"].as_str().unwrap_or_default()))
}
