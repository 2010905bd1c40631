//! Writes the answers of the REST APIs as the CSV that the bulk APIs write, so that the same reader reads both.

use crate::marketo::Lead;
use crate::people::{SalesforceId, SyncField};
use crate::sync::SyncError;
use crate::sync::fields::MappedField;

/// A person as Marketo answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MarketoPerson {
    pub marketo_id: i64,
    pub lead: Lead,
    /// The lead or contact that they are, as far as that can be read.
    pub lead_id: Option<SalesforceId>,
    pub contact_id: Option<SalesforceId>,
}

impl MarketoPerson {
    /// The person of an answer; none when even the id can't be read.
    pub(super) fn read(lead: Lead, fields: &[MappedField]) -> Option<Self> {
        let text = |wanted: SyncField| {
            let field = fields.iter().find(|field| field.field == wanted)?;
            lead.get(&field.rest_name).filter(|value| !value.is_null()).map(to_text)
        };
        let marketo_id = text(SyncField::MarketoId)?.trim().parse().ok().filter(|id: &i64| *id > 0)?;
        let id = |wanted| text(wanted).and_then(|id| id.parse().ok());
        let (lead_id, contact_id) = (id(SyncField::SalesforceLeadId), id(SyncField::SalesforceContactId));
        Some(Self { marketo_id, lead_id, contact_id, lead })
    }
}

fn to_text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// An export of `people`, sorted by id, and of those of whom nothing is left but the ids.
pub(super) fn write_people<'a>(
    people: impl Iterator<Item = &'a MarketoPerson>,
    gone: &[i64],
    fields: &[MappedField],
) -> Result<Vec<u8>, SyncError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields.iter().map(|field| field.rest_name.as_str())).map_err(to_internal_error)?;
    for person in people {
        let value =
            |field: &MappedField| person.lead.get(&field.rest_name).filter(|value| !value.is_null()).map(to_text).unwrap_or_default();
        writer.write_record(fields.iter().map(value)).map_err(to_internal_error)?;
    }
    for id in gone {
        let value = |field: &MappedField| if field.field == SyncField::MarketoId { id.to_string() } else { String::new() };
        writer.write_record(fields.iter().map(value)).map_err(to_internal_error)?;
    }
    writer.into_inner().map_err(|_| SyncError::Internal)
}

/// A page of a query for ids and owners.
pub(super) fn write_owners<'a>(owners: impl Iterator<Item = &'a (SalesforceId, SalesforceId)>) -> Result<Vec<u8>, SyncError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["Id", "OwnerId"]).map_err(to_internal_error)?;
    for (id, owner) in owners {
        writer.write_record([id.as_str(), owner.as_str()]).map_err(to_internal_error)?;
    }
    writer.into_inner().map_err(|_| SyncError::Internal)
}

/// Writing to memory only fails for a fault of ours.
fn to_internal_error(_: csv::Error) -> SyncError {
    SyncError::Internal
}
