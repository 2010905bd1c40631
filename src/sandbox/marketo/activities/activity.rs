//! What happened to people as Marketo's activities: each new person, changed field, deletion and merge.

use serde_json::{Map, Value, json};

use super::super::fields;
use super::activity_types::{DATA_VALUE_CHANGE, DELETE_LEAD, MERGE_LEADS, NEW_LEAD};
use crate::sandbox::people::overlay::{OverlaidField, PersonEvent, PersonEventKind};
use crate::sandbox::people::person::{FIRST_MARKETO_ID, SandboxPerson};
use crate::sandbox::timestamps::format_iso;

/// The distance between the ids of several activities of one event.
const ID_STEP: u64 = 1_000_000_000;

/// One activity.
#[derive(Debug, Clone)]
pub struct SandboxActivity {
    pub id: u64,
    /// Marketo's id of the person.
    pub lead_id: u64,
    /// Unix seconds.
    pub at: i64,
    pub type_id: u32,
    /// Id and text of the primary attribute; New Lead has none.
    pub primary: Option<(u64, String)>,
    pub attributes: Vec<(&'static str, Value)>,
}

impl SandboxActivity {
    /// As `activities.json` shows it.
    pub fn to_json(&self) -> Value {
        let attributes: Vec<Value> = self.attributes.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        let mut rendered = json!({
            "id": self.id,
            "marketoGUID": self.id.to_string(),
            "leadId": self.lead_id,
            "activityDate": format_iso(self.at),
            "activityTypeId": self.type_id,
            "attributes": attributes,
        });
        if let Some((id, text)) = &self.primary {
            rendered["primaryAttributeValueId"] = json!(id);
            rendered["primaryAttributeValue"] = json!(text);
        }
        rendered
    }

    /// The value of a column of an export file; `None` for an empty one. `attributes` is a JSON object by attribute name, as other vendors'
    /// connectors read it.
    pub fn column_value(&self, name: &str) -> Option<String> {
        match name {
            "marketoGUID" => Some(self.id.to_string()),
            "leadId" => Some(self.lead_id.to_string()),
            "activityDate" => Some(format_iso(self.at)),
            "activityTypeId" => Some(self.type_id.to_string()),
            "primaryAttributeValueId" => self.primary.as_ref().map(|(id, _)| id.to_string()),
            "primaryAttributeValue" => self.primary.as_ref().map(|(_, text)| text.clone()).filter(|text| !text.is_empty()),
            "attributes" => {
                let attributes: Map<String, Value> =
                    self.attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
                Some(Value::Object(attributes).to_string())
            }
            _ => None,
        }
    }
}

/// The id of the first activity at a position of the stream: unique, and higher for later ones.
pub fn activity_id(position: u64) -> u64 {
    200_001 + position
}

/// The activity that reports a new person, at a position of the stream.
pub fn new_lead_activity(person: &SandboxPerson, position: u64) -> SandboxActivity {
    SandboxActivity {
        id: activity_id(position),
        lead_id: person.marketo_id(),
        at: person.created_at,
        type_id: NEW_LEAD,
        primary: None,
        attributes: vec![("Created Date", json!(&format_iso(person.created_at)[..10])), ("Source Type", json!("New lead"))],
    }
}

/// The activities of an event, which are several when several fields changed. `find_person` finds a person in Marketo by index.
pub fn activities_of_event(event: &PersonEvent, position: u64, find_person: impl Fn(u64) -> Option<SandboxPerson>) -> Vec<SandboxActivity> {
    let lead_id = event.index + FIRST_MARKETO_ID;
    let activity = |type_id: u32, primary: (u64, String), attributes| SandboxActivity {
        id: activity_id(position),
        lead_id,
        at: event.at,
        type_id,
        primary: Some(primary),
        attributes,
    };
    match &event.kind {
        PersonEventKind::Created => find_person(event.index).map(|person| new_lead_activity(&person, position)).into_iter().collect(),
        PersonEventKind::Changed(changes) => changes
            .iter()
            .enumerate()
            .map(|(number, change)| SandboxActivity {
                id: activity_id(position) + ID_STEP * number as u64,
                ..activity(DATA_VALUE_CHANGE, changed_field(change), change_attributes(change))
            })
            .collect(),
        PersonEventKind::Deleted(name) => {
            vec![activity(DELETE_LEAD, (lead_id, name.clone()), vec![("Campaign", json!("Web service API"))])]
        }
        PersonEventKind::Merged(losers) => {
            let losers: Vec<String> = losers.iter().map(|&index| (index + FIRST_MARKETO_ID).to_string()).collect();
            let attributes = vec![
                ("Master Updated", json!(true)),
                ("Merge IDs", json!(format!("[{}]", losers.join(",")))),
                ("Merge Source", json!("leaddb")),
                ("Merged in Sales", json!(false)),
            ];
            vec![activity(MERGE_LEADS, (lead_id, String::new()), attributes)]
        }
    }
}

/// Id and display name of the changed field.
fn changed_field(change: &OverlaidField) -> (u64, String) {
    fields::find_field(change.field).map_or((0, change.field.to_owned()), |field| (u64::from(field.id), field.label.to_owned()))
}

fn change_attributes(change: &OverlaidField) -> Vec<(&'static str, Value)> {
    vec![
        ("New Value", json!(change.new)),
        ("Old Value", json!(change.old)),
        ("Reason", json!("Web service API")),
        ("Source", json!("Web service API")),
    ]
}
