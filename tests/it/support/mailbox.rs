//! The messages that the service wrote.

use serde_json::Value;

use super::app::TestApp;

impl TestApp {
    /// Waits until the invitation's message has left; gives it as it is.
    pub async fn message_of(&self, token: &str, invite: &Value) -> String {
        let id = invite["id"].as_str().unwrap();
        self.until(token, &format!("/v1/invites/{id}"), |invite| invite["status"] == "sent").await;
        std::fs::read_to_string(self.directory.path().join("mail").join(format!("{id}.eml"))).unwrap()
    }

    /// Waits until the invitation's message has left; gives the path of the link in it.
    pub async fn activation_path(&self, token: &str, invite: &Value) -> String {
        let message = self.message_of(token, invite).await;
        let line = message.lines().find(|line| line.starts_with(&self.url)).expect("the text has the link on a line of its own");
        line.trim_end().strip_prefix(&self.url).unwrap().to_owned()
    }

    /// How many messages have left.
    pub fn messages(&self) -> usize {
        std::fs::read_dir(self.directory.path().join("mail")).unwrap().count()
    }
}
