//! Syncing in a test, and looking at what the sandbox has.

use reqwest::Method;
use serde_json::Value;

use super::answer::Answer;
use super::app::TestApp;

impl TestApp {
    /// An address of the sandbox's control.
    fn control(&self, path: &str) -> String {
        format!("{}/__sandbox/{path}", self.sandbox.as_ref().unwrap().url())
    }

    /// Asks the sandbox's control.
    pub async fn sandbox_says(&self, path: &str) -> Value {
        Answer::send(self.http.get(self.control(path))).await.expect(200)
    }

    /// Changes something in the sandbox: a person, or what a vendor does.
    pub async fn tell_sandbox(&self, path: &str, change: Value) -> Value {
        let answer = Answer::send(self.http.post(self.control(path)).json(&change)).await;
        assert!(answer.status.is_success(), "{}", answer.text);
        if answer.text.is_empty() { Value::Null } else { answer.json() }
    }

    /// Takes back every fault that was ordered and not suffered yet.
    pub async fn no_more_faults(&self) {
        let answer = Answer::send(self.http.delete(self.control("faults"))).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }

    /// The id of a Salesforce user, who may own records.
    pub async fn a_salesforce_user(&self) -> Value {
        self.sandbox_says("").await["salesforce"]["users"][0]["id"].clone()
    }

    /// Deletes a person from both vendors, or from the one named.
    pub async fn delete_in_sandbox(&self, marketo_id: &Value, from: &str) {
        let answer = Answer::send(self.http.delete(self.control(&format!("people/{marketo_id}?from={from}")))).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }

    /// Starts a run and waits for its end, whatever that is, or until it is paused.
    pub async fn run_sync(&self, token: &str) -> Value {
        let run = self.call(token, Method::POST, "/v1/sync/runs", None).await.expect(202);
        let path = format!("/v1/sync/runs/{}", run["id"].as_str().unwrap());
        self.until(token, &path, |run| ["completed", "failed", "canceled", "paused"].iter().any(|state| run["state"] == *state)).await
    }

    /// Starts a run, which must succeed; returns its report.
    pub async fn sync(&self, token: &str) -> Value {
        let run = self.run_sync(token).await;
        assert_eq!(run["state"], "completed", "{run}");
        run["report"].clone()
    }

    /// Has the changes followed up, which must succeed; returns the run. Time passes first: the very last moment is left for later.
    pub async fn follow(&self, token: &str) -> Value {
        self.clock.advance(time::Duration::seconds(10));
        let body = serde_json::json!({ "kind": "incremental" });
        let run = self.call(token, Method::POST, "/v1/sync/runs", Some(body)).await.expect(202);
        let path = format!("/v1/sync/runs/{}", run["id"].as_str().unwrap());
        let ended = |run: &Value| ["completed", "failed"].iter().any(|state| run["state"] == *state);
        let run = self.until(token, &path, ended).await;
        assert_eq!(run["state"], "completed", "{run}");
        run
    }

    /// Every person that the sandbox has, whom both vendors know or one of them.
    pub async fn everybody(&self) -> Vec<Value> {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let page = self.sandbox_says(&format!("people?limit=1000&after={after}")).await;
            all.extend(page["people"].as_array().unwrap().iter().cloned());
            match page["next"].as_u64() {
                Some(next) => after = next,
                None => return all,
            }
        }
    }

    /// Every synced person, page by page.
    pub async fn people(&self, token: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut path = "/v1/people?limit=500".to_owned();
        loop {
            let page = self.call(token, Method::GET, &path, None).await.expect(200);
            all.extend(page["data"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/v1/people?limit=500&cursor={cursor}"),
                None => return all,
            }
        }
    }
}
