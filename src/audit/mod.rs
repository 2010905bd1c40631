//! Who did what: every change leaves an event, written in the transaction of the change. The events of an instance form a chain:
//! each holds the SHA-256 of the hash before it and its own content, so that whoever changes or removes one afterwards breaks
//! the chain there. What belongs to no instance, such as keys and operators' clients, has a chain of its own.
//!
//! A chain tells what was done to single events, not that somebody who may write to the database has forged all of it from some
//! event on: for that, keep what `msi-actions audit head` prints elsewhere, and give it to `msi-actions audit verify`.

pub mod http;
mod store;
mod verify;

use std::fmt;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::{Clock, Timestamp};
use crate::crypto::sha256;
use crate::db::{DbError, Tx};
use crate::ids::InstanceId;

pub use crate::http::ChangeOrigin;
pub use verify::{ChainDefect, ChainState, NotedEvent, heads, verify};

/// The chain of what belongs to no instance.
pub const GLOBAL: InstanceId = InstanceId(Uuid::nil());

/// The hash before a chain's first event.
const BEGINNING: [u8; 32] = [0; 32];

/// What was done.
#[derive(Debug, Clone)]
pub struct Entry {
    action: &'static str,
    subject_kind: &'static str,
    subject_id: String,
    before: Option<Value>,
    after: Option<Value>,
}

impl Entry {
    /// An entry that `action`, such as `team.renamed`, was done to the `subject_kind` with this id.
    #[must_use]
    pub fn new(action: &'static str, subject_kind: &'static str, subject_id: impl fmt::Display) -> Self {
        Self { action, subject_kind, subject_id: subject_id.to_string(), before: None, after: None }
    }

    /// What it was before: what changed of it, without secrets.
    #[must_use]
    pub fn before(mut self, value: Value) -> Self {
        self.before = Some(value);
        self
    }

    /// What it is now: what changed of it, without secrets.
    #[must_use]
    pub fn after(mut self, value: Value) -> Self {
        self.after = Some(value);
        self
    }
}

/// An event of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place in the chain, from 1.
    pub number: i64,
    pub at: Timestamp,
    /// See [`ChangeOrigin::actor`].
    pub actor: String,
    pub action: String,
    pub subject_kind: String,
    pub subject_id: String,
    /// JSON.
    pub before: Option<String>,
    /// JSON.
    pub after: Option<String>,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    pub request_id: Option<String>,
    pub hash: Vec<u8>,
}

/// Which events are wanted; every condition that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    pub actor: Option<String>,
    /// The action, or what actions begin with when it ends with a dot.
    pub action: Option<String>,
    pub subject_kind: Option<String>,
    pub subject_id: Option<String>,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

impl Event {
    /// The hash in hexadecimal digits.
    #[must_use]
    pub fn hash_text(&self) -> String {
        hex(&self.hash)
    }

    /// SHA-256 of the hash before and the content, which is the JSON array below without any space: the text of one array is the
    /// text of no other.
    fn hash_after(&self, before: &[u8], chain: InstanceId) -> [u8; 32] {
        let content = json!([
            chain,
            self.number,
            self.at,
            self.actor,
            self.action,
            self.subject_kind,
            self.subject_id,
            self.before,
            self.after,
            self.address,
            self.user_agent,
            self.request_id,
        ]);
        sha256(&[before, content.to_string().as_bytes()].concat())
    }
}

/// Records what this transaction does to something of `instance`, or of [`GLOBAL`]. Transactions that record wait for one another
/// from here to their ends: call it last, when all else is locked and written.
pub async fn record(tx: &mut Tx, clock: &dyn Clock, instance: InstanceId, origin: &ChangeOrigin, entry: Entry) -> Result<(), DbError> {
    record_all(tx, clock, instance, origin, vec![entry]).await
}

/// [`record`] for several things done at once, in this order.
pub async fn record_all(
    tx: &mut Tx,
    clock: &dyn Clock,
    instance: InstanceId,
    origin: &ChangeOrigin,
    entries: Vec<Entry>,
) -> Result<(), DbError> {
    if entries.is_empty() {
        return Ok(());
    }
    let (first, mut before) = store::take_next_number(tx, instance, &BEGINNING).await?;
    let at = clock.timestamp();
    let mut events = Vec::with_capacity(entries.len());
    for (number, entry) in (first..).zip(entries) {
        let mut event = Event {
            number,
            at,
            actor: origin.actor.clone(),
            action: entry.action.to_owned(),
            subject_kind: entry.subject_kind.to_owned(),
            subject_id: entry.subject_id,
            before: entry.before.map(|value| value.to_string()),
            after: entry.after.map(|value| value.to_string()),
            address: origin.address.clone(),
            user_agent: origin.user_agent.clone(),
            request_id: origin.request_id.clone(),
            hash: Vec::new(),
        };
        event.hash = event.hash_after(&before, instance).to_vec();
        before.clone_from(&event.hash);
        events.push(event);
    }
    store::append(tx, instance, &events).await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_hash_before_and_the_content_as_documented() {
        let event = Event {
            number: 1,
            at: Timestamp::parse("2026-03-02T08:05:00Z").unwrap(),
            actor: "client:a\"b".into(),
            action: "team.created".into(),
            subject_kind: "team".into(),
            subject_id: "t".into(),
            before: None,
            after: Some("{\"name\":\"Sales\"}".into()),
            address: None,
            user_agent: None,
            request_id: Some("r".into()),
            hash: Vec::new(),
        };
        let content = r#"["00000000-0000-0000-0000-000000000000",1,"2026-03-02T08:05:00.000000Z","client:a\"b","team.created","team","t",null,"{\"name\":\"Sales\"}",null,null,"r"]"#;
        let expected = sha256(&[&BEGINNING, content.as_bytes()].concat());
        assert_eq!(event.hash_after(&BEGINNING, GLOBAL), expected);
        assert_ne!(Event { number: 2, ..event.clone() }.hash_after(&BEGINNING, GLOBAL), expected);
        assert_ne!(event.hash_after(&expected, GLOBAL), expected);
    }
}
