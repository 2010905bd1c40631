use std::time::Duration as StdDuration;

use time::{Date, Duration, Month, OffsetDateTime, Time, UtcOffset, Weekday};

/// Time from `now` to the next reset.
pub(super) fn until_reset(now: OffsetDateTime) -> StdDuration {
    (next_reset(now) - now).try_into().unwrap_or_default()
}

/// The next midnight in US Central time, when Marketo's daily quotas start afresh.
#[must_use]
pub fn next_reset(now: OffsetDateTime) -> OffsetDateTime {
    let tomorrow = now.to_offset(central_offset(now)).date().saturating_add(Duration::days(1));
    // The clocks change at 2:00, so the offset of a midnight may differ from that of the instants before it, but not the day.
    let guess = tomorrow.midnight().assume_offset(central_offset(now));
    tomorrow.midnight().assume_offset(central_offset(guess)).to_offset(UtcOffset::UTC)
}

/// Offset of US Central time: UTC-5 from the second Sunday in March, 2:00, to the first Sunday in November, 2:00, else UTC-6
/// (Energy Policy Act of 2005). Written out because the rule is all we need of a time zone database.
fn central_offset(at: OffsetDateTime) -> UtcOffset {
    let standard = UtcOffset::from_hms(-6, 0, 0).unwrap_or(UtcOffset::UTC);
    let summer = UtcOffset::from_hms(-5, 0, 0).unwrap_or(UtcOffset::UTC);
    let year = at.to_offset(standard).year();
    let change = |month, nth: u8, offset| {
        let first = Date::from_calendar_date(year, month, 1).ok()?;
        let to_sunday = (7 - first.weekday().number_days_from_sunday()) % 7;
        let day = first + Duration::days(i64::from(to_sunday + 7 * (nth - 1)));
        debug_assert_eq!(day.weekday(), Weekday::Sunday);
        Some(day.with_time(Time::from_hms(2, 0, 0).ok()?).assume_offset(offset))
    };
    match (change(Month::March, 2, standard), change(Month::November, 1, summer)) {
        (Some(begin), Some(end)) if at >= begin && at < end => summer,
        _ => standard,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_quota_resets_at_midnight_central_time_in_winter_and_in_summer() {
        for (now, reset) in [
            (datetime!(2026-01-15 12:00 UTC), datetime!(2026-01-16 06:00 UTC)),
            (datetime!(2026-01-15 05:59:59 UTC), datetime!(2026-01-15 06:00 UTC)),
            (datetime!(2026-07-15 12:00 UTC), datetime!(2026-07-16 05:00 UTC)),
            // The days on which the clocks change: 8 March and 1 November 2026.
            (datetime!(2026-03-08 07:00 UTC), datetime!(2026-03-09 05:00 UTC)),
            (datetime!(2026-03-08 05:00 UTC), datetime!(2026-03-08 06:00 UTC)),
            (datetime!(2026-11-01 06:30 UTC), datetime!(2026-11-02 06:00 UTC)),
            (datetime!(2026-12-31 23:00 UTC), datetime!(2027-01-01 06:00 UTC)),
        ] {
            assert_eq!(now + until_reset(now), reset, "asked at {now}");
        }
    }
}
