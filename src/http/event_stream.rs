//! Progress told as server-sent events (HTML, section 9.2, "Server-sent events").

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Bytes;
use futures_util::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Code, Problem};
use crate::clock::monotonic_now;
use crate::jobs::StopSignal;

/// How often the database is asked for news.
const LOOK: Duration = Duration::from_millis(300);
/// Longest silence: proxies cut connections that say nothing.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Longest stream; a client that follows something longer connects again by itself.
const LONGEST: Duration = Duration::from_secs(900);
/// Streams open at once in a process; each asks the database a few times a second.
const MOST: usize = 200;

/// What a look at the thing followed has shown.
#[derive(Debug)]
pub struct Sight<M> {
    /// What an event is worth telling for: when it differs from the last one told.
    pub mark: M,
    /// Whether nothing can follow.
    pub is_last: bool,
    /// The event's data: JSON, which holds no line break.
    pub data: String,
}

/// The streams of this process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct EventStreams {
    places: Arc<Semaphore>,
    stop: StopSignal,
}

impl EventStreams {
    /// All streams end when `stop` is given; their clients connect again, to another process.
    #[must_use]
    pub fn new(stop: StopSignal) -> Self {
        Self { places: Arc::new(Semaphore::new(MOST)), stop }
    }

    /// Follows something: an event called `name` at once and at each change that `look` finds, a comment as a sign of life every 15
    /// seconds. The stream ends with what it follows, when `look` finds it gone (`None`), when the process stops, and after 15
    /// minutes.
    ///
    /// # Errors
    /// [`Code::TooManyRequests`] when too many streams are open here.
    pub fn follow<M, L, E>(&self, name: &'static str, first: Sight<M>, look: L) -> Result<HttpResponse, Problem>
    where
        M: PartialEq + 'static,
        L: AsyncFnMut() -> Result<Option<Sight<M>>, E> + 'static,
        E: 'static,
    {
        let place = self.places.clone().try_acquire_owned().map_err(|_| {
            let detail = "Too many event streams are open. Ask for what you follow itself from time to time instead.";
            Problem::new(Code::TooManyRequests, detail).with_header(header::RETRY_AFTER, "10")
        })?;
        let events = events(name, first, look, place, self.stop.clone());
        Ok(HttpResponse::Ok().content_type("text/event-stream").insert_header((header::CACHE_CONTROL, "no-store")).streaming(events))
    }
}

fn events<M, L, E>(
    name: &'static str,
    first: Sight<M>,
    mut look: L,
    place: OwnedSemaphorePermit,
    stop: StopSignal,
) -> impl Stream<Item = Result<Bytes, Infallible>>
where
    M: PartialEq,
    L: AsyncFnMut() -> Result<Option<Sight<M>>, E>,
{
    let event = move |data: &str| Bytes::from(format!("event: {name}\ndata: {data}\n\n"));
    async_stream::stream! {
        let _place = place;
        let end = monotonic_now() + LONGEST;
        let Sight { mark: mut told, is_last: mut over, data } = first;
        yield Ok(event(&data));
        let mut said = monotonic_now();
        while !over && monotonic_now() < end {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => break,
            }
            match look().await {
                Ok(Some(next)) if next.mark != told => {
                    (told, over, said) = (next.mark, next.is_last, monotonic_now());
                    yield Ok(event(&next.data));
                }
                Ok(None) => over = true,
                Ok(_) if said.elapsed() < HEARTBEAT => {}
                // Trouble with the database is no end of what is followed: the next look may tell more.
                Ok(_) | Err(_) => {
                    said = monotonic_now();
                    yield Ok(Bytes::from_static(b": still here\n\n"));
                }
            }
        }
    }
}
