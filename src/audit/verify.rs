use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{BEGINNING, GLOBAL, hex, store};
use crate::db::{Db, DbError, Tx};
use crate::ids::InstanceId;

/// Events read at a time.
const PAGE: i64 = 1000;

/// An event as it was when somebody noted it elsewhere: the newest of its chain then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotedEvent {
    /// The instance, or [`GLOBAL`].
    pub chain: InstanceId,
    pub number: i64,
    /// In hexadecimal digits.
    pub hash: String,
}

/// What is wrong with a chain at the first broken event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainDefect {
    /// The event with this number is not there.
    Missing(i64),
    /// The event's content, or the one before it, is not what was hashed.
    Changed(i64),
    /// The newest event is older than the one that the chain's head names.
    Cut { newest: i64, head: i64 },
    /// There are events after the one that the chain's head names; both are written in one transaction.
    BeyondHead { newest: i64, head: i64 },
    /// The head names the newest event, with another hash.
    HeadChanged(i64),
    /// There are events and no head.
    NoHead,
    /// An instance without any event; its creation leaves one.
    NoChain,
    /// The event with this number has another hash than the one that was noted elsewhere.
    NotAsNoted(i64),
    /// The event with this number was noted elsewhere, and the chain is shorter.
    NotedMissing(i64),
}

impl fmt::Display for ChainDefect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(number) => write!(out, "event {number} is missing"),
            Self::Changed(number) => write!(out, "event {number} is not what was recorded"),
            Self::Cut { newest, head } => write!(out, "event {head} was the newest, and now it is event {newest}"),
            Self::BeyondHead { newest, head } => {
                write!(out, "the head names event {head} as the newest, and there are events up to {newest}; the head was set back")
            }
            Self::HeadChanged(number) => write!(out, "the head names event {number} with another hash than it has"),
            Self::NoHead => out.write_str("there are events, and the head is missing"),
            Self::NoChain => out.write_str("the instance has no event, not even that of its creation"),
            Self::NotAsNoted(number) => write!(out, "event {number} has another hash than the one expected; it was recorded anew"),
            Self::NotedMissing(number) => write!(out, "event {number} is expected, and the chain ends before it"),
        }
    }
}

/// A chain that was looked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainState {
    /// The instance, or [`GLOBAL`].
    pub chain: InstanceId,
    /// How many events from the first on are as they were recorded.
    pub sound: i64,
    /// The hash of the last of these, in hexadecimal digits.
    pub hash: String,
    /// What is wrong with the next one.
    pub defect: Option<ChainDefect>,
}

/// Looks through every chain, or only that of `only`, in pages: the memory taken does not grow with them. Heads and events are read
/// as they were at one moment. What is `noted` must be as it was.
///
/// Alone, a chain can't tell that all of it was recorded anew from some event on, its head included, or that an instance vanished
/// with its chain: only what was noted elsewhere can.
pub async fn verify(db: &Db, only: Option<InstanceId>, noted: &[NotedEvent]) -> Result<Vec<ChainState>, DbError> {
    let mut snapshot = db.begin_snapshot().await?;
    let mut chains: BTreeSet<InstanceId> = match only {
        Some(chain) => [chain].into(),
        None => store::list_chains(&mut snapshot).await?.into_iter().collect(),
    };
    let wanted = |event: &&NotedEvent| only.is_none_or(|chain| chain == event.chain);
    chains.extend(noted.iter().filter(wanted).map(|event| event.chain));
    let mut states = Vec::new();
    for chain in chains {
        let noted = noted.iter().filter(|event| event.chain == chain).map(|event| (event.number, event.hash.as_str())).collect();
        states.push(verify_chain(&mut snapshot, chain, noted).await?);
    }
    Ok(states)
}

/// The newest event of every chain, or of that of `only`, as the chain's head names it: to be noted elsewhere.
pub async fn heads(db: &Db, only: Option<InstanceId>) -> Result<Vec<NotedEvent>, DbError> {
    let mut snapshot = db.begin_snapshot().await?;
    let chains = match only {
        Some(chain) => vec![chain],
        None => store::list_chains(&mut snapshot).await?,
    };
    let mut heads = Vec::new();
    for chain in chains {
        if let Some((number, hash)) = store::find_head(&mut snapshot, chain).await? {
            heads.push(NotedEvent { chain, number, hash: hex(&hash) });
        }
    }
    Ok(heads)
}

async fn verify_chain(snapshot: &mut Tx, chain: InstanceId, mut noted: BTreeMap<i64, &str>) -> Result<ChainState, DbError> {
    let head = store::find_head(snapshot, chain).await?;
    let newest = store::find_newest_number(snapshot, chain).await?;
    let (mut sound, mut hash) = (0, BEGINNING.to_vec());
    let state = |sound, hash: &[u8], defect| ChainState { chain, sound, hash: hex(hash), defect };
    loop {
        let events = store::list_events_after(snapshot, chain, sound, PAGE).await?;
        if events.is_empty() {
            break;
        }
        for event in events {
            let number = sound + 1;
            let defect = match &head {
                _ if event.number != number => Some(ChainDefect::Missing(number)),
                // What the head does not vouch for is no part of the chain, however well it fits.
                Some((head, _)) if number > *head => Some(ChainDefect::BeyondHead { newest: newest.unwrap_or(number), head: *head }),
                _ if event.hash != event.hash_after(&hash, chain) => Some(ChainDefect::Changed(number)),
                _ if noted.remove(&number).is_some_and(|noted| !noted.eq_ignore_ascii_case(&event.hash_text())) => {
                    Some(ChainDefect::NotAsNoted(number))
                }
                _ => None,
            };
            if defect.is_some() {
                return Ok(state(sound, &hash, defect));
            }
            (sound, hash) = (event.number, event.hash);
        }
    }
    let defect = match head {
        Some((head, _)) if sound < head => Some(ChainDefect::Cut { newest: sound, head }),
        Some((_, head_hash)) if head_hash != hash => Some(ChainDefect::HeadChanged(sound)),
        None if sound > 0 => Some(ChainDefect::NoHead),
        None if chain != GLOBAL && noted.is_empty() => Some(ChainDefect::NoChain),
        _ => noted.keys().next().map(|number| ChainDefect::NotedMissing(*number)),
    };
    Ok(state(sound, &hash, defect))
}
