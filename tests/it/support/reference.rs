//! Who must be synced, and how: read off the sandbox's list of everybody by one thread that keeps them in a map.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Our name of each field and the sandbox's.
pub const FIELDS: &[(&str, &str)] = &[
    ("first_name", "firstName"),
    ("last_name", "lastName"),
    ("email", "email"),
    ("company", "company"),
    ("title", "title"),
    ("phone", "phone"),
    ("linkedin_url", "linkedInURL"),
    ("source", "leadSource"),
    ("salesforce_contact_id", "sfdcContactId"),
    ("salesforce_lead_id", "sfdcLeadId"),
    ("salesforce_account_id", "sfdcAccountId"),
    ("salesforce_opportunity_id", "sfdcOpptyId"),
];

/// People by their Marketo ids, as `GET /v1/people` shows them without the time of their last change.
pub type Copy = BTreeMap<i64, Value>;

/// Who owns the person's contact or else the lead, if a user does. Marketo says which records there are, Salesforce whether they
/// still are and whose: the record of a deleted person is gone, and a converted lead counts no more.
fn owner(person: &Value) -> Option<&str> {
    let there =
        |record: &str| person["deletedInSalesforce"] == false && [record, "converted"].iter().any(|kind| person["salesforce"] == *kind);
    let lead = person["salesforce"] == "lead" && there("lead") && person["sfdcLeadId"].is_string();
    let contact = there("contact") && person["sfdcContactId"].is_string();
    let owner = person["ownerId"].as_str().filter(|_| lead || contact)?;
    owner.starts_with("005").then_some(owner)
}

/// What the copy must be.
pub fn reference(everybody: &[Value]) -> Copy {
    let mut copy = Copy::new();
    for person in everybody.iter().filter(|person| person["inMarketo"] == true) {
        let Some(owner) = owner(person) else { continue };
        let id: i64 = person["id"].as_str().unwrap().parse().unwrap();
        let mut row = json!({ "marketo_id": id, "owner_id": owner });
        for (ours, theirs) in FIELDS {
            // Nothing, and an empty text, is no value; so is the word by which Marketo's exports write it.
            if person[theirs].as_str().is_some_and(|text| !text.is_empty() && text != "null") {
                row[*ours] = person[theirs].clone();
            }
        }
        copy.insert(id, row);
    }
    copy
}
