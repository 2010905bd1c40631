//! What the REST APIs answer, written as the CSV that the bulk APIs write, so that one reader with one set of rules reads both.

use crate::marketo::Lead;
use crate::people::SalesforceId;
use crate::sync::SyncError;
use crate::sync::fields::{MappedField, SyncField};

/// A person as Marketo answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Person {
    pub marketo_id: i64,
    pub lead: Lead,
    /// The lead or contact that they are, as far as that can be read.
    pub lead_id: Option<SalesforceId>,
    pub contact_id: Option<SalesforceId>,
}

impl Person {
    /// The person of an answer; none when even the id can't be read.
    pub(super) fn read(lead: Lead, fields: &[MappedField]) -> Option<Self> {
        let text = |wanted: SyncField| {
            let field = fields.iter().find(|field| field.field == wanted)?;
            lead.get(&field.rest_name).filter(|value| !value.is_null()).map(written)
        };
        let marketo_id = text(SyncField::MarketoId)?.trim().parse().ok().filter(|id: &i64| *id > 0)?;
        let id = |wanted| text(wanted).and_then(|id| id.parse().ok());
        let (lead_id, contact_id) = (id(SyncField::SalesforceLeadId), id(SyncField::SalesforceContactId));
        Some(Self { marketo_id, lead_id, contact_id, lead })
    }
}

fn written(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// An export of `people`, sorted by id, and of those of whom nothing is left but the ids.
pub(super) fn export<'a>(people: impl Iterator<Item = &'a Person>, gone: &[i64], fields: &[MappedField]) -> Result<Vec<u8>, SyncError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields.iter().map(|field| field.rest_name.as_str())).map_err(unwritable)?;
    for person in people {
        let value =
            |field: &MappedField| person.lead.get(&field.rest_name).filter(|value| !value.is_null()).map(written).unwrap_or_default();
        writer.write_record(fields.iter().map(value)).map_err(unwritable)?;
    }
    for id in gone {
        let value = |field: &MappedField| if field.field == SyncField::MarketoId { id.to_string() } else { String::new() };
        writer.write_record(fields.iter().map(value)).map_err(unwritable)?;
    }
    writer.into_inner().map_err(|_| SyncError::Internal)
}

/// A page of a query for ids and owners.
pub(super) fn page<'a>(owners: impl Iterator<Item = &'a (SalesforceId, SalesforceId)>) -> Result<Vec<u8>, SyncError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["Id", "OwnerId"]).map_err(unwritable)?;
    for (id, owner) in owners {
        writer.write_record([id.as_str(), owner.as_str()]).map_err(unwritable)?;
    }
    writer.into_inner().map_err(|_| SyncError::Internal)
}

/// Writing to memory only fails for a fault of ours.
fn unwritable(_: csv::Error) -> SyncError {
    SyncError::Internal
}
