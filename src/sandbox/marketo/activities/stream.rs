//! What happened to people, as Marketo's activities: each creation of a person, each changed field, each deletion and merge.

use serde_json::{Map, Value, json};

use super::super::fields;
use super::kinds::{DATA_VALUE_CHANGE, DELETE_LEAD, MERGE_LEADS, NEW_LEAD};
use crate::sandbox::moment::iso;
use crate::sandbox::people::overlay::{FieldChange, PersonEvent, PersonEventKind};
use crate::sandbox::people::person::{FIRST_MARKETO_ID, SandboxPerson};

/// An event may stand for several activities, which must not share an id: further ones are this far from the first.
const ID_STEP: u64 = 1_000_000_000;

/// One activity.
#[derive(Debug, Clone)]
pub struct Activity {
    pub id: u64,
    /// Marketo's id of the person.
    pub lead_id: u64,
    /// Unix seconds.
    pub at: i64,
    pub kind: u32,
    /// Id and text of the primary attribute; New Lead has none.
    pub primary: Option<(u64, String)>,
    pub attributes: Vec<(&'static str, Value)>,
}

impl Activity {
    /// As `activities.json` shows it.
    pub fn shown(&self) -> Value {
        let attributes: Vec<Value> = self.attributes.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        let mut shown = json!({
            "id": self.id,
            "marketoGUID": self.id.to_string(),
            "leadId": self.lead_id,
            "activityDate": iso(self.at),
            "activityTypeId": self.kind,
            "attributes": attributes,
        });
        if let Some((id, text)) = &self.primary {
            shown["primaryAttributeValueId"] = json!(id);
            shown["primaryAttributeValue"] = json!(text);
        }
        shown
    }

    /// A column of an export file; `None` for an empty one. `attributes` is a JSON object by attribute name, as the connectors of
    /// others take it apart.
    pub fn column(&self, name: &str) -> Option<String> {
        match name {
            "marketoGUID" => Some(self.id.to_string()),
            "leadId" => Some(self.lead_id.to_string()),
            "activityDate" => Some(iso(self.at)),
            "activityTypeId" => Some(self.kind.to_string()),
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

/// The number every activity gets, unique and rising.
pub fn activity_id(place: u64) -> u64 {
    200_001 + place
}

/// That a person was created.
pub fn creation(person: &SandboxPerson, place: u64) -> Activity {
    Activity {
        id: activity_id(place),
        lead_id: person.marketo_id(),
        at: person.created_at,
        kind: NEW_LEAD,
        primary: None,
        attributes: vec![("Created Date", json!(&iso(person.created_at)[..10])), ("Source Type", json!("New lead"))],
    }
}

/// The activities that an event stands for: one for each changed field. `person` finds the person of an index who is in Marketo.
pub fn of_event(event: &PersonEvent, place: u64, person: impl Fn(u64) -> Option<SandboxPerson>) -> Vec<Activity> {
    let lead_id = event.index + FIRST_MARKETO_ID;
    let one = |kind: u32, primary: (u64, String), attributes| Activity {
        id: activity_id(place),
        lead_id,
        at: event.at,
        kind,
        primary: Some(primary),
        attributes,
    };
    match &event.kind {
        PersonEventKind::Created => person(event.index).map(|person| creation(&person, place)).into_iter().collect(),
        PersonEventKind::Changed(changes) => changes
            .iter()
            .enumerate()
            .map(|(number, change)| Activity {
                id: activity_id(place) + ID_STEP * number as u64,
                ..one(DATA_VALUE_CHANGE, field_of(change), value_change(change))
            })
            .collect(),
        PersonEventKind::Deleted(name) => vec![one(DELETE_LEAD, (lead_id, name.clone()), vec![("Campaign", json!("Web service API"))])],
        PersonEventKind::Merged(losers) => {
            let losers: Vec<String> = losers.iter().map(|&index| (index + FIRST_MARKETO_ID).to_string()).collect();
            let attributes = vec![
                ("Master Updated", json!(true)),
                ("Merge IDs", json!(format!("[{}]", losers.join(",")))),
                ("Merge Source", json!("leaddb")),
                ("Merged in Sales", json!(false)),
            ];
            vec![one(MERGE_LEADS, (lead_id, String::new()), attributes)]
        }
    }
}

/// Id and display name of the changed field.
fn field_of(change: &FieldChange) -> (u64, String) {
    fields::find(change.field).map_or((0, change.field.to_owned()), |field| (u64::from(field.id), field.label.to_owned()))
}

fn value_change(change: &FieldChange) -> Vec<(&'static str, Value)> {
    vec![
        ("New Value", json!(change.new)),
        ("Old Value", json!(change.old)),
        ("Reason", json!("Web service API")),
        ("Source", json!("Web service API")),
    ]
}
