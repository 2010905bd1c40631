//! The types of activity that the sandbox reports.

use serde_json::{Value, json};

pub const NEW_LEAD: u32 = 12;
pub const DATA_VALUE_CHANGE: u32 = 13;
pub const MERGE_LEADS: u32 = 32;
pub const DELETE_LEAD: u32 = 37;

/// As `activities/types.json` describes them. New Lead has no primary attribute.
pub fn describe_types() -> Value {
    let attribute = |name: &str, kind: &str| json!({"name": name, "dataType": kind});
    json!([
        {
            "id": NEW_LEAD, "name": "New Lead", "description": "New person/record is added to the lead database",
            "attributes": [attribute("Created Date", "date"), attribute("Source Type", "string")],
        },
        {
            "id": DATA_VALUE_CHANGE, "name": "Change Data Value", "description": "Changed attribute value for a person/record",
            "primaryAttribute": attribute("Attribute Name", "string"),
            "attributes": [attribute("New Value", "string"), attribute("Old Value", "string"), attribute("Reason", "string"), attribute("Source", "string")],
        },
        {
            "id": MERGE_LEADS, "name": "Merge Leads", "description": "Merge two or more person/records into one",
            "primaryAttribute": attribute("Lead ID", "integer"),
            "attributes": [
                attribute("Master Updated", "boolean"), attribute("Merge IDs", "string"), attribute("Merge Source", "string"), attribute("Merged in Sales", "boolean"),
            ],
        },
        {
            "id": DELETE_LEAD, "name": "Delete Lead", "description": "Delete lead",
            "primaryAttribute": attribute("Lead ID", "integer"),
            "attributes": [attribute("Campaign", "string")],
        },
    ])
}
