//! Records as the REST API shows them.

use serde_json::{Map, Value, json};

use super::org_snapshot::{OrgSnapshot, SalesforceRecord};
use super::schema;
use super::soql::FieldPath;

fn render_attributes(kind: &str, id: &Value, version: &str) -> Value {
    json!({"type": kind, "url": format!("/services/data/{version}/sobjects/{kind}/{}", id.as_str().unwrap_or_default())})
}

fn object_name(record: &SalesforceRecord) -> &'static str {
    match record {
        SalesforceRecord::Lead(_) => "Lead",
        SalesforceRecord::Contact(_) => "Contact",
        SalesforceRecord::Account(_) => "Account",
        SalesforceRecord::User(_) => "User",
        SalesforceRecord::Queue(_) => "Group",
        SalesforceRecord::Stored(record) => record.object.name,
        SalesforceRecord::Opportunity(_) => "Opportunity",
        SalesforceRecord::Organization => "Organization",
    }
}

/// A record as nested JSON: each relationship is an object of its own, or null when it leads nowhere.
pub fn render_record(org: &OrgSnapshot<'_>, record: &SalesforceRecord, fields: &[FieldPath], version: &str) -> Value {
    let id_field = |record: &SalesforceRecord| {
        schema::find_object(object_name(record))
            .and_then(|object| object.field("Id"))
            .map(|field| FieldPath { relationships: Vec::new(), field })
    };
    let id_of = |record: &SalesforceRecord| id_field(record).map_or(Value::Null, |field| org.field_value(record, &field).to_json());
    let mut rendered = Map::new();
    rendered.insert("attributes".into(), render_attributes(object_name(record), &id_of(record), version));
    for field in fields {
        let value = org.field_value(record, field).to_json();
        let Some((first, rest)) = field.relationships.split_first() else {
            rendered.insert(field.field.name.into(), value);
            continue;
        };
        // Fields of deeper relationships are flattened into the object of the first one.
        let name = rest.iter().chain([&field.field.name]).copied().collect::<Vec<_>>().join(".");
        match org.related_record(record, first) {
            None => {
                rendered.insert((*first).into(), Value::Null);
            }
            Some(related) => {
                let nested = rendered
                    .entry(*first)
                    .or_insert_with(|| json!({"attributes": render_attributes(object_name(&related), &id_of(&related), version)}));
                nested[name] = value;
            }
        }
    }
    Value::Object(rendered)
}
