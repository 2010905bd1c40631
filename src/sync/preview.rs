//! What a sync would bring, before anything is written.

use futures_util::future::try_join3;
use serde::Serialize;
use serde_json::Value;

use super::fields::{self, MappedField, Resolution, ResolvedField, SyncField};
use super::{SyncError, SyncService};
use crate::ids::InstanceId;
use crate::instances::PEOPLE_LIMIT;
use crate::marketo::{Lead, MarketoClient};
use crate::salesforce::SalesforceClient;

/// Sample values shown of a field.
const SAMPLES: usize = 3;

/// What stands in the place of what a caller may not read.
const MASK: &str = "•••";

// The owner of a contact is always a user; that of a lead may be a queue.
const COUNT_LEADS: &str = "SELECT COUNT() FROM Lead WHERE IsConverted = false AND Owner.Type = 'User'";
const COUNT_CONTACTS: &str = "SELECT COUNT() FROM Contact";
const SOME_LEADS: &str = "SELECT Id FROM Lead WHERE IsConverted = false AND Owner.Type = 'User' LIMIT 20";
const SOME_CONTACTS: &str = "SELECT Id FROM Contact LIMIT 20";

/// What a sync would bring.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Preview {
    /// The 13 fields.
    pub fields: Vec<FieldPreview>,
    /// Whether a sync can be started with these fields.
    pub can_start: bool,
    pub people: PeopleEstimate,
    /// Whether sample values are masked, because the caller may not read people.
    pub samples_masked: bool,
}

/// Whether a field can be synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldState {
    Available,
    /// The subscription has no such field.
    Missing,
    /// The field of this name holds something else.
    TypeMismatch,
}

/// A field and where it comes from.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct FieldPreview {
    pub name: SyncField,
    /// What the source calls it; our name for it when the source doesn't have it.
    pub label: String,
    /// The system that has the value: `marketo` for every field.
    pub source: &'static str,
    /// The source's API name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_name: Option<String>,
    /// The source's word for the type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// Most characters, of types that have such a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
    pub state: FieldState,
    /// What to do when it is not available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what_to_do: Option<String>,
    /// A few values that people have, each once.
    pub samples: Vec<String>,
}

/// How many people a sync would bring.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PeopleEstimate {
    /// Leads that are not converted and that a user owns, in Salesforce.
    pub leads: u64,
    /// Contacts in Salesforce.
    pub contacts: u64,
    /// Both together.
    pub total: u64,
    /// Always true: only a run knows who of them Marketo has.
    pub is_estimate: bool,
    /// What the estimate rests on.
    pub basis: &'static str,
    /// Most people an instance can have.
    pub limit: u64,
    /// Whether the estimate is above the limit.
    pub exceeds_limit: bool,
}

impl PeopleEstimate {
    fn of(leads: u64, contacts: u64) -> Self {
        let total = leads.saturating_add(contacts);
        let basis = "Counted in Salesforce: unconverted leads owned by a user, and contacts. A person that Marketo doesn't have is counted too, \
                     and one that Marketo has twice is counted once.";
        Self { leads, contacts, total, is_estimate: true, basis, limit: PEOPLE_LIMIT, exceeds_limit: total > PEOPLE_LIMIT }
    }
}

impl SyncService {
    /// Looks at both vendors; writes nothing. Without `may_read_people` the sample values are masked.
    ///
    /// # Errors
    /// [`SyncError::StepRequired`], [`SyncError::Connection`].
    pub async fn preview(&self, instance: InstanceId, may_read_people: bool) -> Result<Preview, SyncError> {
        let (marketo, salesforce) = self.clients(instance).await?;
        let resolved = fields::resolve(&marketo.describe().await?);
        let mapped = fields::mapping(&resolved);
        let known: Vec<MappedField> = mapped.clone().unwrap_or_default();
        let (leads, contacts, people) =
            try_join3(count(&salesforce, COUNT_LEADS), count(&salesforce, COUNT_CONTACTS), some_people(&marketo, &salesforce, &known))
                .await?;
        let fields = resolved.into_iter().map(|field| shown(field, &people, may_read_people)).collect();
        Ok(Preview { fields, can_start: mapped.is_ok(), people: PeopleEstimate::of(leads, contacts), samples_masked: !may_read_people })
    }
}

async fn count(salesforce: &SalesforceClient, soql: &str) -> Result<u64, SyncError> {
    Ok(salesforce.count(soql).await?)
}

/// Some people that Salesforce has, as Marketo knows them.
async fn some_people(marketo: &MarketoClient, salesforce: &SalesforceClient, fields: &[MappedField]) -> Result<Vec<Lead>, SyncError> {
    let names: Vec<&str> = fields.iter().map(|field| field.rest_name.as_str()).collect();
    let mut people = Vec::new();
    for (field, soql) in [(SyncField::SalesforceContactId, SOME_CONTACTS), (SyncField::SalesforceLeadId, SOME_LEADS)] {
        let Some(filter) = fields.iter().find(|one| one.field == field) else { continue };
        let records = salesforce.query(soql).await?.records;
        let ids: Vec<String> = records.iter().filter_map(|record| record.get("Id")?.as_str().map(str::to_owned)).collect();
        people.extend(marketo.leads(&filter.rest_name, &ids, &names).await?);
    }
    Ok(people)
}

fn shown(resolved: ResolvedField, people: &[Lead], may_read_people: bool) -> FieldPreview {
    let mut samples: Vec<String> = Vec::new();
    if let Some(name) = resolved.rest_name() {
        for value in people.iter().filter_map(|person| text_of(person.get(name)?)) {
            let value = if may_read_people { value } else { masked(&value) };
            if !samples.contains(&value) && samples.len() < SAMPLES {
                samples.push(value);
            }
        }
    }
    let (state, found, what_to_do) = match resolved.resolution {
        Resolution::Available(found) => (FieldState::Available, Some(found), None),
        Resolution::Missing { what_to_do } => (FieldState::Missing, None, Some(what_to_do.to_owned())),
        Resolution::TypeMismatch { found, what_to_do } => (FieldState::TypeMismatch, Some(found), Some(what_to_do)),
    };
    let label = found.as_ref().map_or_else(|| resolved.field.title().to_owned(), |found| found.display_name.clone());
    let length = found.as_ref().and_then(|found| found.length);
    let (api_name, data_type) = found.map(|found| (found.rest_name, found.data_type)).unzip();
    FieldPreview { name: resolved.field, label, source: "marketo", api_name, r#type: data_type, length, state, what_to_do, samples }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The first character, which shows the form of a value and nothing of a person.
fn masked(value: &str) -> String {
    let first = value.chars().next();
    format!("{}{MASK}", first.map(String::from).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::marketo::FieldDescription;

    fn company() -> ResolvedField {
        let found = FieldDescription {
            display_name: "Company Name".into(),
            data_type: "string".into(),
            length: Some(255),
            rest_name: "company".into(),
            read_only: false,
        };
        ResolvedField { field: SyncField::Company, resolution: Resolution::Available(found) }
    }

    fn people(names: &[Value]) -> Vec<Lead> {
        names.iter().map(|name| Lead::from_iter([("company".to_owned(), name.clone())])).collect()
    }

    #[test]
    fn samples_are_a_few_different_values() {
        let people = people(&[json!("Acme"), json!(null), json!("Acme"), json!("Birch"), json!("Cedar"), json!("Dune")]);
        assert_eq!(shown(company(), &people, true).samples, ["Acme", "Birch", "Cedar"]);
    }

    #[test]
    fn without_the_right_to_read_people_values_are_masked() {
        let people = people(&[json!("Acme"), json!("Ångström & Söhne")]);
        assert_eq!(shown(company(), &people, false).samples, ["A•••", "Å•••"]);
    }

    #[test]
    fn an_estimate_above_the_limit_says_so() {
        assert!(!PeopleEstimate::of(PEOPLE_LIMIT, 0).exceeds_limit);
        assert!(PeopleEstimate::of(PEOPLE_LIMIT, 1).exceeds_limit);
    }
}
