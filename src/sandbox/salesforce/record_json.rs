//! Records as the REST API shows them.

use serde_json::{Map, Value, json};

use super::records::{Org, Record};
use super::schema;
use super::soql::Resolved;

fn attributes(kind: &str, id: &Value, version: &str) -> Value {
    json!({"type": kind, "url": format!("/services/data/{version}/sobjects/{kind}/{}", id.as_str().unwrap_or_default())})
}

fn kind_of(record: &Record) -> &'static str {
    match record {
        Record::Lead(_) => "Lead",
        Record::Contact(_) => "Contact",
        Record::Account(_) => "Account",
        Record::User(_) => "User",
        Record::Queue(_) => "Group",
        Record::Written(record) => record.object.name,
        Record::Opportunity(_) => "Opportunity",
        Record::Organization => "Organization",
    }
}

/// A record as nested JSON: each relationship is an object of its own, or null when it leads nowhere.
pub fn shown_record(org: &Org<'_>, record: &Record, fields: &[Resolved], version: &str) -> Value {
    let id_field = |record: &Record| {
        schema::find(kind_of(record)).and_then(|object| object.field("Id")).map(|field| Resolved { path: Vec::new(), field })
    };
    let id_of = |record: &Record| id_field(record).map_or(Value::Null, |field| org.value(record, &field).json());
    let mut shown = Map::new();
    shown.insert("attributes".into(), attributes(kind_of(record), &id_of(record), version));
    for field in fields {
        let value = org.value(record, field).json();
        let Some((first, rest)) = field.path.split_first() else {
            shown.insert(field.field.name.into(), value);
            continue;
        };
        // Deeper paths than one are flattened into their first relationship's object.
        let name = rest.iter().chain([&field.field.name]).copied().collect::<Vec<_>>().join(".");
        match org.related(record, first) {
            None => {
                shown.insert((*first).into(), Value::Null);
            }
            Some(related) => {
                let nested =
                    shown.entry(*first).or_insert_with(|| json!({"attributes": attributes(kind_of(&related), &id_of(&related), version)}));
                nested[name] = value;
            }
        }
    }
    Value::Object(shown)
}
