//! Where a subscription has each of the synced fields. The mapping is automatic: standard fields have fixed names, the LinkedIn address
//! is a custom field that is found by its name.

use serde::{Deserialize, Serialize};

use crate::marketo::FieldDescription;
use crate::people::{FieldKind, SyncField};

/// Whether a subscription has a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldResolution {
    /// It is there.
    Available(FieldDescription),
    /// No field of a known name; people are synced without a value.
    Missing {
        /// What to do about it.
        remedy: &'static str,
    },
    /// A field of the name holds something else; people are synced without a value.
    TypeMismatch {
        /// The field found.
        found: FieldDescription,
        /// What to do about it.
        remedy: String,
    },
}

/// A field, and whether the subscription has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedField {
    pub field: SyncField,
    pub resolution: FieldResolution,
}

impl ResolvedField {
    /// Marketo's REST name, when the field can be read.
    #[must_use]
    pub fn rest_name(&self) -> Option<&str> {
        match &self.resolution {
            FieldResolution::Available(found) => Some(&found.rest_name),
            _ => None,
        }
    }
}

/// A field that a run reads, decided once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedField {
    pub field: SyncField,
    /// Marketo's REST name, also the column of an export.
    pub rest_name: String,
}

/// Looks for all fields among those that Marketo describes.
#[must_use]
pub fn resolve_fields(described: &[FieldDescription]) -> Vec<ResolvedField> {
    SyncField::ALL.into_iter().map(|field| ResolvedField { field, resolution: resolve_one(field, described) }).collect()
}

fn resolve_one(field: SyncField, described: &[FieldDescription]) -> FieldResolution {
    let definition = field.definition();
    let candidates = definition.marketo_names;
    let exact = candidates.iter().find_map(|name| described.iter().find(|found| found.rest_name == *name));
    let alike = || candidates.iter().find_map(|name| described.iter().find(|found| found.rest_name.eq_ignore_ascii_case(name)));
    let Some(found) = exact.or_else(alike) else { return FieldResolution::Missing { remedy: definition.remedy_if_missing } };
    // Marketo's type names: https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/field-types
    let (fits, wanted) = match definition.kind {
        FieldKind::MarketoId => (matches!(found.data_type.as_str(), "integer" | "reference"), "a whole number"),
        FieldKind::Text | FieldKind::EmailAddress | FieldKind::SalesforceId => {
            (matches!(found.data_type.as_str(), "string" | "text" | "email" | "phone" | "url" | "reference"), "a text")
        }
    };
    if fits {
        return FieldResolution::Available(found.clone());
    }
    let remedy = format!(
        "The field {} holds values of the type {}, where {wanted} is expected: give it another API name in Marketo, and the name to a field of \
         the right type.",
        found.rest_name, found.data_type
    );
    FieldResolution::TypeMismatch { found: found.clone(), remedy }
}

/// Selects the fields that a run reads.
///
/// # Errors
/// The fields without which nobody can be synced, by their titles: Marketo's id, and one of the two that lead to Salesforce.
pub fn map_fields(resolved: &[ResolvedField]) -> Result<Vec<MappedField>, Vec<&'static str>> {
    let mapped: Vec<_> =
        resolved.iter().filter_map(|one| Some(MappedField { field: one.field, rest_name: one.rest_name()?.to_owned() })).collect();
    let has = |field| mapped.iter().any(|one| one.field == field);
    let mut missing = Vec::new();
    if !has(SyncField::MarketoId) {
        missing.push(SyncField::MarketoId.definition().title);
    }
    if !has(SyncField::SalesforceContactId) && !has(SyncField::SalesforceLeadId) {
        missing.extend([SyncField::SalesforceContactId.definition().title, SyncField::SalesforceLeadId.definition().title]);
    }
    if missing.is_empty() { Ok(mapped) } else { Err(missing) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(fields: &[(&str, &str)]) -> Vec<FieldDescription> {
        let one = |(name, kind): &(&str, &str)| FieldDescription {
            display_name: name.to_uppercase(),
            data_type: (*kind).to_owned(),
            length: Some(255),
            rest_name: (*name).to_owned(),
            read_only: false,
        };
        fields.iter().map(one).collect()
    }

    fn resolution_of(resolved: &[ResolvedField], field: SyncField) -> &FieldResolution {
        &resolved.iter().find(|one| one.field == field).expect("all fields are resolved").resolution
    }

    #[test]
    fn a_custom_field_is_found_under_any_of_its_names() {
        for name in ["linkedInURL", "linkedinUrl", "linkedInUrl", "LinkedInURL__c", "LINKEDINURL"] {
            let resolved = resolve_fields(&described(&[(name, "url")]));
            assert!(
                matches!(resolution_of(&resolved, SyncField::LinkedinUrl), FieldResolution::Available(found) if found.rest_name == name),
                "{name}"
            );
        }
    }

    #[test]
    fn an_exact_name_is_preferred_to_another_case() {
        let resolved = resolve_fields(&described(&[("Company", "string"), ("company", "string")]));
        assert!(matches!(resolution_of(&resolved, SyncField::Company), FieldResolution::Available(found) if found.rest_name == "company"));
    }

    #[test]
    fn a_missing_or_mismatched_field_says_what_to_do() {
        let resolved = resolve_fields(&described(&[("id", "integer"), ("title", "boolean")]));
        assert!(
            matches!(resolution_of(&resolved, SyncField::SalesforceLeadId), FieldResolution::Missing { remedy } if remedy.contains("Salesforce sync"))
        );
        assert!(
            matches!(resolution_of(&resolved, SyncField::LinkedinUrl), FieldResolution::Missing { remedy } if remedy.contains("linkedInURL"))
        );
        assert!(
            matches!(resolution_of(&resolved, SyncField::Title), FieldResolution::TypeMismatch { remedy, .. } if remedy.contains("boolean"))
        );
        assert!(matches!(resolution_of(&resolved, SyncField::MarketoId), FieldResolution::Available(_)));
    }

    #[test]
    fn a_run_needs_the_marketo_id_and_a_salesforce_id() {
        let enough = resolve_fields(&described(&[("id", "integer"), ("sfdcLeadId", "string")]));
        assert_eq!(map_fields(&enough).map(|fields| fields.len()), Ok(2));
        let missing = resolve_fields(&described(&[("email", "email")]));
        assert_eq!(map_fields(&missing), Err(vec!["Marketo Id", "Salesforce Contact Id", "Salesforce Lead Id"]));
    }
}
