//! Looking up many Salesforce ids at once, each with its own outcome.

use std::collections::HashMap;

use serde::Serialize;

use super::{InvalidSalesforceId, Person, SalesforceId};

/// The most ids of one lookup: as many as a Salesforce page shows and a trigger handles at once.
pub const MAX_LOOKUP_IDS: usize = 200;

/// What became of one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PeopleLookupOutcome)]
pub enum LookupOutcome {
    /// `person` is the lead or contact.
    Found,
    /// No synced person is this lead or contact.
    NotFound,
    /// `error_code` and `error_detail` say why this is no id.
    Invalid,
}

/// The answer to one id.
#[derive(Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PeopleLookupResult)]
pub struct LookupResult<'a> {
    /// As it was asked for.
    pub salesforce_id: &'a str,
    pub outcome: LookupOutcome,
    /// When several people are the same record, the one with the lowest Marketo id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub person: Option<&'a Person>,
    /// Stable name of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error_code: Option<&'static str>,
    /// What is wrong and what would be accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error_detail: Option<String>,
}

/// The answers, in the order of the ids.
#[derive(Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PeopleLookup)]
pub struct Lookup<'a> {
    pub data: Vec<LookupResult<'a>>,
}

impl InvalidSalesforceId {
    /// Stable name of the error.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "not_a_salesforce_id",
            Self::WrongSuffix => "salesforce_id_mistyped",
        }
    }
}

impl<'a> Lookup<'a> {
    /// Matches the `requested` texts, parsed as `ids`, with the people found for them.
    #[must_use]
    pub fn match_ids(requested: &'a [String], ids: &[Result<SalesforceId, InvalidSalesforceId>], people: &'a [Person]) -> Self {
        let mut found: HashMap<&str, &Person> = HashMap::with_capacity(people.len());
        for person in people {
            for id in [&person.salesforce_contact_id, &person.salesforce_lead_id].into_iter().flatten() {
                let first = found.entry(id).or_insert(person);
                if person.marketo_id < first.marketo_id {
                    *first = person;
                }
            }
        }
        let answer = |(requested, id): (&'a String, &Result<SalesforceId, InvalidSalesforceId>)| {
            let nothing = LookupResult {
                salesforce_id: requested,
                outcome: LookupOutcome::NotFound,
                person: None,
                error_code: None,
                error_detail: None,
            };
            match id {
                Err(error) => LookupResult {
                    outcome: LookupOutcome::Invalid,
                    error_code: Some(error.code()),
                    error_detail: Some(format!("{error}.")),
                    ..nothing
                },
                Ok(id) => match found.get(id.as_str()) {
                    Some(person) => LookupResult { outcome: LookupOutcome::Found, person: Some(person), ..nothing },
                    None => nothing,
                },
            }
        };
        Self { data: requested.iter().zip(ids).map(answer).collect() }
    }
}
