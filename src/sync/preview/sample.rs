//! Samples people in Marketo: what their values look like, how many have one, how long a row of an export is.

use serde_json::Value;

use super::{FieldPreview, FieldState};
use crate::marketo::{Lead, MarketoClient};
use crate::people::SyncField;
use crate::salesforce::SalesforceClient;
use crate::sync::SyncError;
use crate::sync::fields::{FieldResolution, MappedField, ResolvedField};

/// The most sample values of a field.
const SAMPLES: usize = 3;
/// Replaces what a caller may not read.
const MASK: &str = "•••";
/// Bytes of an exported row when nobody was sampled.
const DEFAULT_ROW_BYTES: u64 = 210;

// The owner of a contact is always a user; that of a lead may be a queue. Each is one call here and one at Marketo, which takes up
// to 300 values at once.
const SOME_LEADS: &str = "SELECT Id FROM Lead WHERE IsConverted = false AND Owner.Type = 'User' LIMIT 150";
const SOME_CONTACTS: &str = "SELECT Id FROM Contact LIMIT 150";

/// Finds some people whom Salesforce has, as Marketo knows them.
pub(super) async fn sample_people(
    marketo: &MarketoClient,
    salesforce: &SalesforceClient,
    fields: &[MappedField],
) -> Result<Vec<Lead>, SyncError> {
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

pub(super) fn preview_field(resolved: ResolvedField, people: &[Lead], may_read_people: bool) -> FieldPreview {
    let mut samples: Vec<String> = Vec::new();
    let mut filled = None;
    if let Some(name) = resolved.rest_name() {
        let with_value = people.iter().filter(|person| person.get(name).and_then(to_text).is_some()).count();
        // The counts are far below 2^52.
        filled = (!people.is_empty()).then(|| (with_value as f64 / people.len() as f64 * 1000.0).round() / 1000.0);
        for value in people.iter().filter_map(|person| to_text(person.get(name)?)) {
            let value = if may_read_people { value } else { mask(&value) };
            if !samples.contains(&value) && samples.len() < SAMPLES {
                samples.push(value);
            }
        }
    }
    let (state, found, remedy) = match resolved.resolution {
        FieldResolution::Available(found) => (FieldState::Available, Some(found), None),
        FieldResolution::Missing { remedy } => (FieldState::Missing, None, Some(remedy.to_owned())),
        FieldResolution::TypeMismatch { found, remedy } => (FieldState::TypeMismatch, Some(found), Some(remedy)),
    };
    let label = found.as_ref().map_or_else(|| resolved.field.definition().title.to_owned(), |found| found.display_name.clone());
    let length = found.as_ref().and_then(|found| found.length);
    let (api_name, data_type) = found.map(|found| (found.rest_name, found.data_type)).unzip();
    FieldPreview { name: resolved.field, label, source: "marketo", api_name, r#type: data_type, length, state, remedy, samples, filled }
}

fn to_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Estimates the average bytes of an exported row: the values, `null` for none, and separators.
pub(super) fn bytes_per_person(fields: &[MappedField], people: &[Lead]) -> u64 {
    let length = |person: &Lead, name: &str| person.get(name).and_then(to_text).map_or(4, |text| text.len()) as u64 + 1;
    let all: u64 = people.iter().map(|person| fields.iter().map(|field| length(person, &field.rest_name)).sum::<u64>()).sum();
    all.checked_div(people.len() as u64).unwrap_or(DEFAULT_ROW_BYTES)
}

/// Masks a value but for its first character, which shows the form and nothing of a person.
fn mask(value: &str) -> String {
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
        ResolvedField { field: SyncField::Company, resolution: FieldResolution::Available(found) }
    }

    fn people(names: &[Value]) -> Vec<Lead> {
        names.iter().map(|name| Lead::from_iter([("company".to_owned(), name.clone())])).collect()
    }

    #[test]
    fn samples_are_a_few_distinct_values() {
        let people = people(&[json!("Acme"), json!(null), json!("Acme"), json!("Birch"), json!("Cedar"), json!("Dune")]);
        assert_eq!(preview_field(company(), &people, true).samples, ["Acme", "Birch", "Cedar"]);
    }

    #[test]
    fn values_are_masked_for_callers_who_may_not_read_people() {
        let people = people(&[json!("Acme"), json!("Ångström & Söhne")]);
        assert_eq!(preview_field(company(), &people, false).samples, ["A•••", "Å•••"]);
    }

    #[test]
    fn shares_and_row_lengths_come_from_the_sample() {
        let people = people(&[json!("Acme"), json!(null), json!(""), json!("Birch")]);
        assert_eq!(preview_field(company(), &people, true).filled, Some(0.5));
        assert_eq!(preview_field(company(), &[], true).filled, None);
        let fields = [MappedField { field: SyncField::Company, rest_name: "company".into() }];
        assert_eq!(bytes_per_person(&fields, &people), (5 + 5 + 5 + 6) / 4);
        assert_eq!(bytes_per_person(&fields, &[]), DEFAULT_ROW_BYTES);
    }
}
