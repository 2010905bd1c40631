//! The messages that the service wrote.

use std::path::PathBuf;

use serde_json::Value;

use super::app::TestApp;

impl TestApp {
    /// Waits until the invitation's newest message has left; gives it as it is.
    pub async fn message_of(&self, token: &str, invite: &Value) -> String {
        let id = invite["id"].as_str().unwrap();
        let sent = self.until(token, &format!("/v1/invites/{id}"), |invite| invite["state"] == "sent").await;
        let message = sent["message_id"].as_str().unwrap();
        std::fs::read_to_string(self.directory.path().join("mail").join(format!("{message}.eml"))).unwrap()
    }

    /// Waits until the invitation's message has left; returns the path of the link in it.
    pub async fn activation_path(&self, token: &str, invite: &Value) -> String {
        let message = self.message_of(token, invite).await;
        let line = message.lines().find(|line| line.starts_with(&self.url)).expect("the text has the link on a line of its own");
        line.trim_end().strip_prefix(&self.url).unwrap().to_owned()
    }

    /// Waits for a message to `to` with a link that begins with `path`; returns the path of the newest one's link.
    pub async fn link_to(&self, to: &str, path: &str) -> String {
        let start = format!("{}{path}", self.url);
        for _ in 0..500 {
            for file in self.files().iter().rev() {
                let message = std::fs::read_to_string(file).unwrap();
                let line = message.lines().find(|line| line.starts_with(&start));
                if let Some(line) = line.filter(|_| message.contains(&format!("To: {to}\r\n"))) {
                    return line.trim_end().strip_prefix(&self.url).unwrap().to_owned();
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("no message to {to} with a link to {path}");
    }

    /// The messages that have left, as they are.
    pub fn texts(&self) -> Vec<String> {
        self.files().iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
    }

    /// How many messages have left.
    pub fn messages(&self) -> usize {
        self.files().len()
    }

    /// The files of the messages that are whole, the oldest first: they are named by ids, which sort by time.
    fn files(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.directory.path().join("mail")).unwrap().map(|file| file.unwrap().path());
        let mut whole: Vec<_> = files.filter(|file| file.extension().is_some_and(|one| one == "eml")).collect();
        whole.sort();
        whole
    }
}
