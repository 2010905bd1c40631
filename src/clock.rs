//! The one place that reads the machine's clocks. Dates come from an injected [`Clock`], so that tests move time instead of waiting
//! for it; durations within this process come from [`monotonic_now`].

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime, UtcOffset};
use uuid::{ContextV7, Uuid};

/// Source of the current time and of time-ordered ids.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The current instant, in UTC.
    fn now(&self) -> OffsetDateTime;

    /// The current instant as the API shows it and the databases keep it.
    fn timestamp(&self) -> Timestamp {
        Timestamp::from(self.now())
    }

    /// The counter behind [`Clock::new_id`].
    fn ids(&self) -> &IdSequence;

    /// A new UUIDv7 (RFC 9562) stamped with [`Clock::now`]. Ids of one process sort by creation, even within a millisecond
    /// (the counter of section 6.2, method 1).
    fn new_id(&self) -> Uuid {
        let now = self.now();
        let seconds = u64::try_from(now.unix_timestamp()).unwrap_or(0);
        Uuid::new_v7(uuid::Timestamp::from_unix(&self.ids().0, seconds, now.nanosecond()))
    }
}

/// Keeps ids made within one millisecond distinct and in order.
#[derive(Debug)]
pub struct IdSequence(Mutex<AssertUnwindSafe<ContextV7>>);

impl IdSequence {
    /// The counter starts at a random value in each millisecond.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(AssertUnwindSafe(ContextV7::new())))
    }
}

impl Default for IdSequence {
    fn default() -> Self {
        Self::new()
    }
}

pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // this is the one place
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn ids(&self) -> &IdSequence {
        static IDS: IdSequence = IdSequence::new();
        &IDS
    }
}

/// Reads the monotonic clock, which nobody can set: for durations and waits within this process.
#[must_use]
#[allow(clippy::disallowed_methods)] // this is the one place
pub fn monotonic_now() -> Instant {
    Instant::now()
}

/// A clock that moves only by [`MovableClock::advance`], for tests.
#[derive(Debug)]
pub struct MovableClock {
    now: Mutex<OffsetDateTime>,
    ids: IdSequence,
}

impl MovableClock {
    /// A clock standing at `start`.
    #[must_use]
    pub fn starting_at(start: OffsetDateTime) -> Self {
        Self { now: Mutex::new(start), ids: IdSequence::new() }
    }

    pub fn advance(&self, by: Duration) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now += by;
    }
}

impl Clock for MovableClock {
    fn now(&self) -> OffsetDateTime {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ids(&self) -> &IdSequence {
        &self.ids
    }
}

/// An instant as the API shows it and the databases keep it: UTC, RFC 3339, microseconds. Finer digits are dropped on
/// creation, so that a value read back equals the value written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(OffsetDateTime);

impl Timestamp {
    #[must_use]
    pub fn instant(self) -> OffsetDateTime {
        self.0
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0.unix_timestamp()
    }

    /// The instant so many seconds after 1970-01-01T00:00:00Z; none when it is out of range.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        OffsetDateTime::from_unix_timestamp(seconds).ok().map(Self::from)
    }

    /// Reads RFC 3339 and converts it to UTC.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // At the ends of the calendar there are instants that UTC can't express.
        OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC).map(Self::from)
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(instant: OffsetDateTime) -> Self {
        let utc = instant.to_offset(UtcOffset::UTC);
        let micros = utc.microsecond();
        // A microsecond read from a valid instant is always in range.
        Self(utc.replace_microsecond(micros).unwrap_or(utc))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0 + by)
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, by: Duration) -> Self {
        Self(self.0 - by)
    }
}

impl std::ops::Sub<Timestamp> for Timestamp {
    type Output = Duration;
    fn sub(self, other: Self) -> Duration {
        self.0 - other.0
    }
}

impl Timestamp {
    /// Lends the text without allocating: responses hold many timestamps.
    pub fn with_text<T>(self, use_text: impl FnOnce(&str) -> T) -> T {
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let (year, month, day) = self.0.to_calendar_date();
        let (hour, minute, second, micros) = self.0.to_hms_micro();
        // RFC 3339 has no negative years; they are shown as year 0.
        let year = u32::try_from(year).unwrap_or_default();
        let numbers = [year, u8::from(month).into(), day.into(), hour.into(), minute.into(), second.into(), micros];
        for (mut number, digits) in numbers.into_iter().zip([0..4, 5..7, 8..10, 11..13, 14..16, 17..19, 20..26]) {
            for digit in text[digits].iter_mut().rev() {
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
        }
        use_text(std::str::from_utf8(&text).expect("digits and ASCII punctuation"))
    }
}

impl fmt::Display for Timestamp {
    /// Always six decimals, so that the texts sort like the instants.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| out.write_str(text))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.with_text(|text| serializer.serialize_str(text))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("must be an RFC 3339 date-time, such as 2026-06-15T14:05:09Z"))
    }
}

impl utoipa::PartialSchema for Timestamp {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::DateTime)))
            .into()
    }
}

impl utoipa::ToSchema for Timestamp {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_made_at_one_instant_sort_by_creation() {
        let clock = MovableClock::starting_at(time::macros::datetime!(2026-06-15 12:00:00 UTC));
        let ids: Vec<_> = (0..1_000).map(|_| clock.new_id()).collect();
        assert!(ids.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn a_timestamp_is_written_in_utc_with_six_decimals() {
        for (text, expected) in [
            ("2026-06-15T14:05:09Z", "2026-06-15T14:05:09.000000Z"),
            ("2026-06-15T14:05:09.0000019Z", "2026-06-15T14:05:09.000001Z"),
            ("2024-02-29T23:59:59.987654+05:30", "2024-02-29T18:29:59.987654Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000000Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ] {
            let timestamp = Timestamp::parse(text).unwrap();
            assert_eq!(timestamp.to_string(), expected);
            assert_eq!(serde_json::to_string(&timestamp).unwrap(), format!("\"{expected}\""));
        }
    }
}
