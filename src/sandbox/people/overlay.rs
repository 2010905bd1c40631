//! What tests change about people: a few edits on top of the computed ones, and the log of them.

use std::collections::{BTreeMap, HashMap};

use super::person::{Kind, Person};

/// Something that happened to a person while the sandbox ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Unix seconds.
    pub at: i64,
    /// Whom it happened to.
    pub index: u64,
    pub what: Happening,
}

/// The kinds of event Marketo reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    Created,
    /// Old and new values by Marketo's REST field name.
    Changed(Vec<FieldChange>),
    /// With the name Marketo shows for the lost person.
    Deleted(String),
    /// Those who went into this person, by their indices.
    Merged(Vec<u64>),
}

/// One changed field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    pub field: &'static str,
    pub old: Option<String>,
    pub new: Option<String>,
}

/// Edits of one person.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// New values by the names of [`set_field`].
    pub fields: BTreeMap<String, Option<String>>,
    pub changed_at: Option<i64>,
    pub deleted_from_marketo: bool,
    /// When the Salesforce record was deleted.
    pub deleted_from_salesforce: Option<i64>,
    /// Whom the person was merged into, when the Salesforce records were as well.
    pub merged_into: Option<u64>,
}

/// Every edit since the start or the last reset.
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    /// Creation times of people added after the generated ones.
    pub added: Vec<i64>,
    pub edits: HashMap<u64, Edit>,
    pub log: Vec<Event>,
}

impl Overlay {
    /// Applies the edits of `person.index`. `default_owner` owns people who came to Salesforce without naming an owner.
    pub fn apply(&self, person: &mut Person, default_owner: &str) {
        let Some(edit) = self.edits.get(&person.index) else { return };
        for (name, value) in &edit.fields {
            // The names were checked when the edit was made.
            let _ = set_field(person, name, value.clone());
        }
        if person.kind == Kind::MarketoOnly {
            person.owner_id = None;
        } else if person.owner_id.is_none() {
            person.owner_id = Some(default_owner.to_owned());
        }
        if let Some(at) = edit.changed_at {
            person.updated_at = at;
            person.salesforce_updated_at = at;
        }
        if let Some(at) = edit.deleted_from_salesforce {
            person.deleted_in_salesforce = true;
            person.salesforce_updated_at = at;
        }
        person.merged_into = edit.merged_into;
    }
}

/// Why a field could not be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    #[error(
        "there is no field {0:?} that can be set; try email, firstName, lastName, company, title, phone, leadSource, linkedInURL, unsubscribed, sfdcOpptyId, ownerId, salesforce or knownToMarketoAs"
    )]
    Unknown(String),
    #[error("{0:?} can't be {1:?}")]
    Value(String, String),
}

/// Sets a field by Marketo's REST name, or one of three names of the sandbox's own: `ownerId` (who owns the Salesforce
/// record), `salesforce` (`none`, `lead`, `contact` or `converted`) and `knownToMarketoAs` (what Marketo still takes the person
/// for; null when it knows of everything).
///
/// # Errors
/// [`FieldError`] for a name that isn't settable or a value that the field can't hold.
pub fn set_field(person: &mut Person, name: &str, value: Option<String>) -> Result<(), FieldError> {
    let refused = |value: &Option<String>| FieldError::Value(name.to_owned(), value.clone().unwrap_or_else(|| "null".into()));
    let slot = match name {
        "email" => &mut person.email,
        "firstName" => &mut person.first_name,
        "lastName" => &mut person.last_name,
        "company" => &mut person.company,
        "title" => &mut person.title,
        "phone" => &mut person.phone,
        "leadSource" => &mut person.lead_source,
        "linkedInURL" => &mut person.linked_in_url,
        "sfdcOpptyId" => &mut person.opportunity_id,
        "ownerId" => &mut person.owner_id,
        "unsubscribed" => {
            person.unsubscribed = value.as_deref().and_then(|text| text.parse().ok()).ok_or_else(|| refused(&value))?;
            return Ok(());
        }
        "salesforce" => {
            person.kind = kind_named(value.as_deref()).ok_or_else(|| refused(&value))?;
            return Ok(());
        }
        "knownToMarketoAs" => {
            let known = value.as_deref().map(|name| kind_named(Some(name)).ok_or_else(|| refused(&value)));
            person.known_to_marketo_as = known.transpose()?;
            return Ok(());
        }
        _ => return Err(FieldError::Unknown(name.to_owned())),
    };
    *slot = value;
    Ok(())
}

fn kind_named(name: Option<&str>) -> Option<Kind> {
    Some(match name {
        Some("none") | None => Kind::MarketoOnly,
        Some("lead") => Kind::Lead,
        Some("contact") => Kind::Contact,
        Some("converted") => Kind::Converted,
        Some(_) => return None,
    })
}
