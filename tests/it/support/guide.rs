//! The steps of the set-up guide that many tests begin with.

use reqwest::Method;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use serde_json::{Value, json};
use url::Url;

use super::answer::Answer;
use super::app::TestApp;

/// The subscription that the sandbox plays.
pub const MUNCHKIN_ID: &str = "123-ABC-456";
/// A Marketo admin who is a Salesforce user with the same address.
pub const FIRST_USER: &str = "maria.admin@example.com";

/// How a browser comes back from Salesforce.
pub struct WayBack {
    pub address: String,
    pub cookie: String,
}

impl TestApp {
    /// Makes the instance of the sandbox's subscription; returns an operator's token narrowed to it.
    pub async fn guided_instance(&self) -> String {
        self.instance(MUNCHKIN_ID).await.1
    }

    /// Logs `username` in at Salesforce, as a browser does: opens our address, follows it to Salesforce, fills in the form; gives
    /// the request with which the browser comes back.
    pub async fn log_in_at_salesforce(&self, authorization_url: &str, username: &str) -> WayBack {
        let sent = Answer::send(self.http.get(authorization_url).header("accept", "text/html")).await;
        self.fill_in_at_salesforce(sent, username).await
    }

    async fn fill_in_at_salesforce(&self, sent: Answer, username: &str) -> WayBack {
        assert_eq!(sent.status, 302, "{}", sent.text);
        let cookie = sent.headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let url = Url::parse(sent.headers[LOCATION].to_str().unwrap()).unwrap();
        let page = Answer::send(self.http.get(url.clone())).await;
        assert!(page.status.is_success(), "{}", page.text);
        let mut form: Vec<(String, String)> = url.query_pairs().into_owned().filter(|(name, _)| name != "login_hint").collect();
        form.push(("username".into(), username.into()));
        form.push(("password".into(), "sandbox".into()));
        let action = format!("{}/login", self.sandbox.as_ref().unwrap().salesforce_url());
        let answer = Answer::send(self.http.post(action).form(&form)).await;
        let back = answer.headers.get(LOCATION).unwrap_or_else(|| panic!("{username} was not let in: {}", answer.text));
        WayBack { address: back.to_str().unwrap().to_owned(), cookie }
    }

    /// The same in a browser in which somebody is logged in.
    pub async fn log_in_at_salesforce_beside(&self, session: &str, authorization_url: &str, username: &str) -> WayBack {
        let sent = Answer::send(self.http.get(authorization_url).header("accept", "text/html").header(COOKIE, session)).await;
        let way = self.fill_in_at_salesforce(sent, username).await;
        WayBack { cookie: format!("{session}; {}", way.cookie), ..way }
    }

    /// Opens the address with which the browser comes back.
    pub async fn come_back(&self, way: &WayBack) -> Answer {
        Answer::send(self.http.get(&way.address).header(COOKIE, &way.cookie)).await
    }

    /// The same as a program, which gets problem documents.
    pub async fn come_back_as_a_program(&self, way: &WayBack) -> Answer {
        Answer::send(self.http.get(&way.address).header(COOKIE, &way.cookie).header("accept", "application/json")).await
    }

    /// Connects the instance to Salesforce as `username`; returns the page seen at last.
    pub async fn connect_salesforce_as(&self, token: &str, username: &str) -> Answer {
        let begun = self.call(token, Method::POST, "/v1/connections/salesforce", Some(json!({}))).await.expect(201);
        let back = self.log_in_at_salesforce(begun["authorization_url"].as_str().unwrap(), username).await;
        self.come_back(&back).await
    }

    /// Connects the instance to both vendors.
    pub async fn connect_both(&self, token: &str) {
        let page = self.connect_salesforce_as(token, FIRST_USER).await;
        assert!(page.status.is_success(), "{}", page.text);
        self.connect_marketo(token).await.expect(201);
    }

    /// Connects the instance to Marketo with one click.
    pub async fn connect_marketo(&self, token: &str) -> Answer {
        self.call(token, Method::POST, "/v1/connections/marketo", Some(json!({}))).await
    }

    /// The state of a step of the guide.
    pub async fn step(&self, token: &str, number: u64) -> Value {
        let guide = self.call(token, Method::GET, "/v1/instance/onboarding", None).await.expect(200);
        guide["steps"].as_array().unwrap().iter().find(|step| step["step_number"] == number).unwrap().clone()
    }

    /// Tells the sandbox to fail in some way from now on.
    pub async fn fault(&self, fault: Value) {
        let url = format!("{}/__sandbox/faults", self.sandbox.as_ref().unwrap().url());
        let answer = Answer::send(self.http.post(url).json(&fault)).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }
}
