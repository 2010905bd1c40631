use std::collections::BTreeMap;

use futures_util::stream::BoxStream;
use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::client::{SalesforceApiCall, SalesforceClient};
use super::error::SalesforceError;
use super::wire::{LimitRow, LimitRows, ObjectDescription, QueryAnswer};

/// A record: field name to value, and under `attributes` its type and address.
pub type Record = Map<String, Value>;

/// A page of a query's records.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryPage {
    /// Records that the query finds in all.
    pub total_size: u64,
    /// Those of this page, 2,000 at most.
    pub records: Vec<Record>,
    /// Asks for the next page, by [`SalesforceClient::query_next`]; None on the last one.
    pub next: Option<String>,
}

/// One of the organization's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Allowed.
    pub max: i64,
    /// Left.
    pub remaining: i64,
}

impl SalesforceClient {
    /// Describes an object type, for example `Lead`. Fields that the user may not see are absent.
    ///
    /// # Errors
    /// See [`SalesforceError`].
    pub async fn describe(&self, object: &str) -> Result<ObjectDescription, SalesforceError> {
        self.json(&SalesforceApiCall::get(self.resource_url(&["sobjects", object, "describe"])?)).await
    }

    /// The first page of what `soql` finds.
    ///
    /// # Errors
    /// See [`SalesforceError`].
    pub async fn query(&self, soql: &str) -> Result<QueryPage, SalesforceError> {
        let mut url = self.resource_url(&["query"])?;
        url.query_pairs_mut().append_pair("q", soql);
        self.query_page(SalesforceApiCall::get(url)).await
    }

    /// The page that [`QueryPage::next`] asks for.
    ///
    /// # Errors
    /// See [`SalesforceError`].
    pub async fn query_next(&self, next: &str) -> Result<QueryPage, SalesforceError> {
        self.query_page(SalesforceApiCall::get(self.at_named(next)?)).await
    }

    /// All pages of what `soql` finds, each asked for when the one before has been taken. The stream ends with an error.
    #[must_use]
    pub fn query_all_pages(&self, soql: &str) -> BoxStream<'static, Result<QueryPage, SalesforceError>> {
        let (client, soql) = (self.clone(), soql.to_owned());
        Box::pin(async_stream::try_stream! {
            let mut page = client.query(&soql).await?;
            loop {
                let next = page.next.clone();
                yield page;
                let Some(next) = next else { break };
                page = client.query_next(&next).await?;
            }
        })
    }

    /// How many records a query of the form `SELECT COUNT() FROM …` finds.
    ///
    /// # Errors
    /// See [`SalesforceError`].
    pub async fn count(&self, soql: &str) -> Result<u64, SalesforceError> {
        Ok(self.query(soql).await?.total_size)
    }

    /// The same, with deleted records counted too; `soql` may ask for them by `IsDeleted`.
    ///
    /// # Errors
    /// See [`SalesforceError`].
    pub async fn count_with_deleted(&self, soql: &str) -> Result<u64, SalesforceError> {
        let mut url = self.resource_url(&["queryAll"])?;
        url.query_pairs_mut().append_pair("q", soql);
        Ok(self.query_page(SalesforceApiCall::get(url)).await?.total_size)
    }

    /// The organization's limits by name, for example `DailyApiRequests`.
    ///
    /// # Errors
    /// See [`SalesforceError`].
    pub async fn limits(&self) -> Result<BTreeMap<String, Limit>, SalesforceError> {
        let rows: LimitRows = self.json(&SalesforceApiCall::get(self.resource_url(&["limits"])?)).await?;
        // An entry of another shape is none of the limits that we know.
        let known = rows.into_iter().filter_map(|(name, row)| Some((name, LimitRow::deserialize(row).ok()?)));
        Ok(known.map(|(name, row)| (name, Limit { max: row.max, remaining: row.remaining })).collect())
    }

    async fn query_page(&self, call: SalesforceApiCall) -> Result<QueryPage, SalesforceError> {
        let answer: QueryAnswer = self.json(&call).await?;
        let next = if answer.done { None } else { answer.next_records_url };
        Ok(QueryPage { total_size: answer.total_size, records: answer.records, next })
    }
}
