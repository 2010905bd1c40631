//! What changed in Salesforce: queries that also see deleted records, with Salesforce's own clock, and the log of deletions.

use time::OffsetDateTime;
use time::macros::format_description;

use super::client::{SalesforceApiCall, SalesforceClient};
use super::error::{SalesforceError, not_understood};
use super::rest::Record;
use super::wire::{DeletedRows, QueryAnswer};

/// Records, deleted ones among them, and when Salesforce gave them.
#[derive(Debug, Clone, PartialEq)]
pub struct DatedRecords {
    pub records: Vec<Record>,
    /// By Salesforce's clock.
    pub at: OffsetDateTime,
}

/// Records deleted in a span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletions {
    /// As Salesforce writes them.
    pub ids: Vec<String>,
    /// What was deleted earlier may be forgotten.
    pub earliest: OffsetDateTime,
    /// What was deleted later may not be listed yet.
    pub until: OffsetDateTime,
}

/// An instant as SOQL and the REST API write it: UTC, milliseconds.
#[must_use]
pub fn soql_instant(at: OffsetDateTime) -> String {
    let layout = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    // The layout only asks for what every instant has.
    at.to_offset(time::UtcOffset::UTC).format(layout).unwrap_or_default()
}

/// Reads an instant of an answer, such as `2026-01-02T03:04:05.000+0000`.
#[must_use]
pub fn read_instant(text: &str) -> Option<OffsetDateTime> {
    let layout =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond][offset_hour sign:mandatory][offset_minute]");
    OffsetDateTime::parse(text, layout)
        .or_else(|_| OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339))
        .ok()
        .map(|at| at.to_offset(time::UtcOffset::UTC))
}

impl SalesforceClient {
    /// All that `soql` finds, deleted records among it (`queryAll`). Limit the query: everything is kept in memory.
    ///
    /// # Errors
    /// See [`SalesforceError`].
    pub async fn query_with_deleted(&self, soql: &str) -> Result<DatedRecords, SalesforceError> {
        let mut url = self.resource_url(&["queryAll"])?;
        url.query_pairs_mut().append_pair("q", soql);
        let (mut records, mut first, mut call) = (Vec::new(), None, SalesforceApiCall::get(url));
        loop {
            let (body, date) = self.dated(&call).await?;
            let answer: QueryAnswer = serde_json::from_slice(&body).map_err(not_understood).inspect_err(|error| self.report(error))?;
            first = first.or(date);
            records.extend(answer.records);
            match answer.next_records_url.filter(|_| !answer.done) {
                Some(next) => call = SalesforceApiCall::get(self.at_named(&next)?),
                None => break,
            }
        }
        let at = first.ok_or_else(|| SalesforceError::UnexpectedAnswer { message: "it has no date".into() })?;
        Ok(DatedRecords { records, at })
    }

    /// The records of `object` deleted from `start` to `end`, which lie more than a minute apart and at most 15 days back.
    ///
    /// # Errors
    /// See [`SalesforceError`].
    pub async fn deleted(&self, object: &str, start: OffsetDateTime, end: OffsetDateTime) -> Result<Deletions, SalesforceError> {
        let mut url = self.resource_url(&["sobjects", object, "deleted", ""])?;
        url.query_pairs_mut().append_pair("start", &soql_instant(start)).append_pair("end", &soql_instant(end));
        let rows: DeletedRows = self.json(&SalesforceApiCall::get(url)).await?;
        let read = |text: &str| {
            read_instant(text).ok_or_else(|| SalesforceError::UnexpectedAnswer { message: "it has a time of another form".into() })
        };
        let (earliest, until) = (read(&rows.earliest_date_available)?, read(&rows.latest_date_covered)?);
        Ok(Deletions { ids: rows.deleted_records.into_iter().map(|row| row.id).collect(), earliest, until })
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn instants_are_read_in_both_forms_and_written_for_soql() {
        let at = datetime!(2026-01-02 03:04:05.678 UTC);
        assert_eq!(read_instant("2026-01-02T03:04:05.678+0000"), Some(at));
        assert_eq!(read_instant("2026-01-02T04:04:05.678+01:00"), Some(at));
        assert_eq!(soql_instant(at), "2026-01-02T03:04:05.678Z");
        assert_eq!(read_instant("yesterday"), None);
    }
}
