//! Progress told as server-sent events (HTML, section 9.2, "Server-sent events").

use std::collections::HashMap;
use std::convert::Infallible;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Bytes;
use futures_util::Stream;
use tokio_util::sync::CancellationToken;

use super::{Code, OngoingAccess, Problem};
use crate::clock::monotonic_now;
use crate::ids::InstanceId;
use crate::permissions::Actor;

/// How often the database is asked for news.
const LOOK: Duration = Duration::from_millis(300);
/// Longest silence: proxies cut connections that say nothing.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Longest stream; a client that follows something longer connects again by itself.
const LONGEST: Duration = Duration::from_secs(900);
/// How often it is asked whether the caller may still see it, besides before each event.
const ACCESS_CHECK: Duration = Duration::from_secs(1);
/// Streams open at once in a process; each asks the database a few times a second.
const MOST: usize = 200;
/// Streams open at once in a process for one instance.
const MAX_OF_INSTANCE: usize = 24;
/// Streams open at once in a process for one caller: a person with several windows, or a program.
const MAX_OF_CALLER: usize = 8;

/// What a look at the thing followed has shown.
#[derive(Debug)]
pub struct Observation<M> {
    /// What an event is worth telling for: when it differs from the last one told.
    pub mark: M,
    /// Whether nothing can follow.
    pub is_last: bool,
    /// The event's data: JSON, which holds no line break.
    pub data: String,
}

/// How many streams are open: for instances, and for the callers in them.
#[derive(Debug, Default)]
struct OpenStreams {
    total: usize,
    by_instance: HashMap<InstanceId, usize>,
    by_caller: HashMap<(InstanceId, Actor), usize>,
}

/// A stream that is counted as open for as long as this lives.
struct CountedStream {
    open: Arc<Mutex<OpenStreams>>,
    caller: (InstanceId, Actor),
}

impl CountedStream {
    fn open(open: &Arc<Mutex<OpenStreams>>, caller: (InstanceId, Actor)) -> Result<Self, Problem> {
        let mut counts = open.lock().unwrap_or_else(PoisonError::into_inner);
        let of_instance = counts.by_instance.get(&caller.0).copied().unwrap_or(0);
        let of_caller = counts.by_caller.get(&caller).copied().unwrap_or(0);
        let detail = if of_caller >= MAX_OF_CALLER {
            format!("You have {MAX_OF_CALLER} event streams open, and can have no more. Close one first.")
        } else if of_instance >= MAX_OF_INSTANCE {
            format!("Callers of this instance have {MAX_OF_INSTANCE} event streams open, and can have no more.")
        } else if counts.total >= MOST {
            "Too many event streams are open.".to_owned()
        } else {
            counts.total += 1;
            *counts.by_instance.entry(caller.0).or_default() += 1;
            *counts.by_caller.entry(caller.clone()).or_default() += 1;
            drop(counts);
            return Ok(Self { open: open.clone(), caller });
        };
        let detail = format!("{detail} Or ask for what you follow itself from time to time instead.");
        Err(Problem::new(Code::TooManyRequests, detail).with_header(header::RETRY_AFTER, "10"))
    }
}

impl Drop for CountedStream {
    fn drop(&mut self) {
        let mut counts = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        counts.total = counts.total.saturating_sub(1);
        count_down(&mut counts.by_instance, &self.caller.0);
        count_down(&mut counts.by_caller, &self.caller);
    }
}

/// Takes one off a count, and a count of none out of the map.
fn count_down<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// The streams of this process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct EventStreams {
    open: Arc<Mutex<OpenStreams>>,
    stop: CancellationToken,
}

impl EventStreams {
    /// All streams end when `stop` is given; their clients connect again, to another process.
    #[must_use]
    pub fn new(stop: CancellationToken) -> Self {
        Self { open: Arc::default(), stop }
    }

    /// Follows something: an event called `name` at once and at each change that `look` finds, a comment as a sign of life every 15
    /// seconds. The stream ends with what it follows, when `look` finds it gone (`None`), when the caller may not see it any more, when
    /// the process stops, and after 15 minutes.
    ///
    /// # Errors
    /// [`Code::TooManyRequests`] when the caller, its instance, or all together have too many streams open here.
    pub fn follow<M, L, E>(
        &self,
        name: &'static str,
        access: OngoingAccess,
        first: Observation<M>,
        look: L,
    ) -> Result<HttpResponse, Problem>
    where
        M: PartialEq + 'static,
        L: AsyncFnMut() -> Result<Option<Observation<M>>, E> + 'static,
        E: 'static,
    {
        let counted = CountedStream::open(&self.open, (access.instance, access.actor.clone()))?;
        let events = events(name, first, look, (counted, access), self.stop.clone());
        Ok(HttpResponse::Ok().content_type("text/event-stream").insert_header((header::CACHE_CONTROL, "no-store")).streaming(events))
    }
}

fn events<M, L, E>(
    name: &'static str,
    first: Observation<M>,
    mut look: L,
    (counted, access): (CountedStream, OngoingAccess),
    stop: CancellationToken,
) -> impl Stream<Item = Result<Bytes, Infallible>>
where
    M: PartialEq,
    L: AsyncFnMut() -> Result<Option<Observation<M>>, E>,
{
    let event = move |data: &str| Bytes::from(format!("event: {name}\ndata: {data}\n\n"));
    async_stream::stream! {
        let _counted = counted;
        let end = monotonic_now() + LONGEST;
        let Observation { mark: mut sent, is_last: mut over, data } = first;
        yield Ok(event(&data));
        let (mut sent_at, mut checked) = (monotonic_now(), monotonic_now());
        while !over && monotonic_now() < end {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => break,
            }
            let observed = look().await;
            let is_news = matches!(&observed, Ok(Some(next)) if next.mark != sent);
            // As long as it can't be told whether the caller may see it, nothing is told; a later look tells it.
            let may_see = if is_news || checked.elapsed() >= ACCESS_CHECK {
                checked = monotonic_now();
                access.holds().await
            } else {
                Ok(true)
            };
            match (may_see, observed) {
                (Ok(false), _) => break,
                (Ok(true), Ok(Some(next))) if is_news => {
                    (sent, over, sent_at) = (next.mark, next.is_last, monotonic_now());
                    yield Ok(event(&next.data));
                }
                (Ok(true), Ok(None)) => over = true,
                _ if sent_at.elapsed() < HEARTBEAT => {}
                // Trouble with the database is no end of what is followed: the next look may tell more.
                _ => {
                    sent_at = monotonic_now();
                    yield Ok(Bytes::from_static(b": still here\n\n"));
                }
            }
        }
    }
}
