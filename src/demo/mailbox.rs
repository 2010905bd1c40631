//! Reads mail: without an SMTP server the service writes each message to a file.

use std::path::Path;
use std::time::Duration;

use crate::clock::monotonic_now;

/// Waits for the message to `recipient` and returns its activation link.
pub(super) async fn wait_for_activation_link(directory: &Path, recipient: &str) -> Result<String, String> {
    let deadline = monotonic_now() + Duration::from_secs(30);
    while monotonic_now() < deadline {
        if let Some(link) = read_messages(directory).into_iter().find_map(|message| find_link(&message, recipient)) {
            return Ok(link);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("no message to {recipient} arrived in {} within 30 s", directory.display()))
}

fn read_messages(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "eml"))
        .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
        .collect()
}

fn find_link(message: &str, recipient: &str) -> Option<String> {
    let to = message.lines().find(|line| line.to_ascii_lowercase().starts_with("to:"))?;
    if !to.contains(recipient) {
        return None;
    }
    // Quoted-printable breaks long lines (RFC 2045, section 6.7).
    let text = message.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=");
    let start = text
        .match_indices("http")
        .map(|(at, _)| &text[at..])
        .find(|rest| rest.split_whitespace().next().is_some_and(|word| word.contains("/activate/")))?;
    let link: String = start.chars().take_while(|one| !one.is_whitespace() && !matches!(one, '"' | '<' | '>')).collect();
    Some(link)
}
