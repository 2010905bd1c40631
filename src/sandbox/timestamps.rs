//! Timestamps as the two vendors write them. Inside the sandbox a time is a number of Unix seconds.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

fn to_utc(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Formats as `2026-01-02T03:04:05Z`, Marketo's form.
pub fn format_iso(seconds: i64) -> String {
    let at = to_utc(seconds);
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", at.year(), u8::from(at.month()), at.day(), at.hour(), at.minute(), at.second())
}

/// Formats as `2026-01-02T03:04:05.000+0000`, the form of Salesforce's JSON.
pub fn format_salesforce_json(seconds: i64) -> String {
    format!("{}.000+0000", format_iso(seconds).trim_end_matches('Z'))
}

/// Formats as `2026-01-02T03:04:05.000Z`, the form of Salesforce's CSV.
pub fn format_salesforce_csv(seconds: i64) -> String {
    format!("{}.000Z", format_iso(seconds).trim_end_matches('Z'))
}

/// Formats as `2026-01-02`, the day in UTC.
pub fn format_date(seconds: i64) -> String {
    format_iso(seconds)[..10].to_owned()
}

/// Formats as `20260102T03:04:05.0t+0000`, the odd form of Marketo's user management.
pub fn format_user_management(seconds: i64) -> String {
    let at = to_utc(seconds);
    format!("{:04}{:02}{:02}T{:02}:{:02}:{:02}.0t+0000", at.year(), u8::from(at.month()), at.day(), at.hour(), at.minute(), at.second())
}

/// Parses an ISO 8601 date-time with an offset (`Z`, `+01:00` or `+0100`), or a bare date as midnight UTC.
pub fn parse_timestamp(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.len() == 10 {
        return OffsetDateTime::parse(&format!("{text}T00:00:00Z"), &Rfc3339).ok().map(OffsetDateTime::unix_timestamp);
    }
    // A plus sign that wasn't percent-encoded in a query arrives as a blank.
    let mut written = text.replace(' ', "+");
    let tail = written.len().checked_sub(5).filter(|&at| written.is_char_boundary(at)).map(|at| written[at..].to_owned());
    if let Some(tail) = tail.filter(|tail| tail.starts_with(['+', '-']) && tail[1..].bytes().all(|byte| byte.is_ascii_digit())) {
        written.truncate(written.len() - 5);
        written.push_str(&tail[..3]);
        written.push(':');
        written.push_str(&tail[3..]);
    }
    OffsetDateTime::parse(&written, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_time_is_parsed() {
        let second = 1_767_323_045;
        assert_eq!(format_iso(second), "2026-01-02T03:04:05Z");
        for text in ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000+0000", "2026-01-02T04:04:05+01:00", "2026-01-02T04:04:05 0100"] {
            assert_eq!(parse_timestamp(text), Some(second), "{text}");
        }
        assert_eq!(parse_timestamp("2026-01-02"), Some(1_767_312_000));
        assert_eq!(parse_timestamp("yesterday"), None);
    }
}
