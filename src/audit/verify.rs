use std::fmt;

use super::{BEGINNING, hex, store};
use crate::db::{Db, DbError};
use crate::ids::InstanceId;

/// Events read at a time.
const PAGE: i64 = 1000;

/// What is wrong with a chain at the first broken event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The event with this number is not there.
    Missing(i64),
    /// The event's content, or the one before it, is not what was hashed.
    Changed(i64),
    /// The newest event is not the one that was noted as such.
    Cut { newest: i64, noted: i64 },
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(number) => write!(out, "event {number} is missing"),
            Self::Changed(number) => write!(out, "event {number} is not what was recorded"),
            Self::Cut { newest, noted } => write!(out, "event {noted} was the newest, and now it is event {newest}"),
        }
    }
}

/// A chain that was looked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainState {
    /// The instance, or [`super::GLOBAL`].
    pub chain: InstanceId,
    /// How many events from the first on are as they were recorded.
    pub sound: i64,
    /// The hash of the last of these, in hexadecimal digits.
    pub hash: String,
    /// What is wrong with the next one.
    pub fault: Option<Fault>,
}

/// Looks through every chain, in pages: the memory taken does not grow with them. What is recorded meanwhile is left for the next
/// time.
///
/// # Errors
/// When the database can't be asked.
pub async fn verify(db: &Db) -> Result<Vec<ChainState>, DbError> {
    let mut states = Vec::new();
    for chain in store::chains(db).await? {
        states.push(verify_chain(db, chain).await?);
    }
    Ok(states)
}

async fn verify_chain(db: &Db, chain: InstanceId) -> Result<ChainState, DbError> {
    let (noted, noted_hash) = store::head(db, chain).await?.unwrap_or((0, BEGINNING.to_vec()));
    let (mut sound, mut hash) = (0, BEGINNING.to_vec());
    let state = |sound, hash: &[u8], fault| ChainState { chain, sound, hash: hex(hash), fault };
    loop {
        let events = store::events_after(db, chain, sound, PAGE).await?;
        if events.is_empty() {
            break;
        }
        for event in events {
            if event.number != sound + 1 {
                return Ok(state(sound, &hash, Some(Fault::Missing(sound + 1))));
            }
            // Recorded since the head was read, unless there is no head at all.
            if event.number > noted && noted > 0 {
                break;
            }
            if event.hash != event.hash_after(&hash, chain) {
                return Ok(state(sound, &hash, Some(Fault::Changed(event.number))));
            }
            (sound, hash) = (event.number, event.hash);
        }
        if sound >= noted && noted > 0 {
            break;
        }
    }
    let fault = (sound != noted || hash != noted_hash).then_some(Fault::Cut { newest: sound, noted });
    Ok(state(sound, &hash, fault))
}
