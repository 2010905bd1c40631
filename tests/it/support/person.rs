//! Members who are logged in.

use reqwest::Method;
use reqwest::header::{COOKIE, SET_COOKIE};
use serde_json::{Value, json};

use super::answer::Answer;
use super::app::TestApp;
use super::guide::FIRST_USER;

/// The password of every member whom [`member`] makes.
pub const PASSWORD: &str = "correct horse battery staple of mine";

/// A member who is logged in.
#[derive(Debug, Clone)]
pub struct LoggedInMember {
    pub id: String,
    pub cookie: String,
}

impl LoggedInMember {
    pub async fn call(&self, app: &TestApp, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = app.request(method, path).header(COOKIE, &self.cookie).header("x-requested-with", "test");
        Answer::send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    pub async fn get(&self, app: &TestApp, path: &str) -> Answer {
        self.call(app, Method::GET, path, None).await
    }
}

/// The cookie that an answer sets, as a browser sends it back.
pub fn cookie_of(answer: &Answer) -> String {
    answer.headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
}

/// An instance whose first user was invited, so that others can be, with passwords allowed; an operator's token.
pub async fn open_to_members(app: &TestApp) -> String {
    let token = app.guided_instance().await;
    app.call(&token, Method::POST, "/v1/invites/first", Some(json!({ "email": FIRST_USER }))).await.expect(201);
    let settings = json!({ "login_management": "all_login_methods" });
    app.call(&token, Method::PATCH, "/v1/instance", Some(settings)).await.expect(200);
    token
}

/// Follows the link of an invitation and chooses a password.
pub async fn activate(app: &TestApp, token: &str, invite: &Value) -> LoggedInMember {
    let path = app.activation_path(token, invite).await;
    let chosen = json!({ "method": "password", "password": PASSWORD });
    let answer = Answer::send(app.request(Method::POST, &path).json(&chosen)).await;
    LoggedInMember { id: answer.expect(200)["id"].as_str().unwrap().to_owned(), cookie: cookie_of(&answer) }
}

/// Invites somebody, who activates with a password.
pub async fn member(app: &TestApp, token: &str, email: &str, role: &str) -> LoggedInMember {
    let listed = app.call(token, Method::POST, "/v1/invites", Some(json!({ "emails": [email], "role": role }))).await.expect(200);
    activate(app, token, &listed["data"][0]["invite"]).await
}

/// Logs in by password.
pub async fn log_in(app: &TestApp, email: &str, password: &str) -> Answer {
    Answer::send(app.request(Method::POST, "/v1/sessions").json(&json!({ "email": email, "password": password }))).await
}
