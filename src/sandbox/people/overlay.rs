//! What tests change about people: edits on top of the computed people, and the log of what happened.

use std::collections::{BTreeMap, HashMap};

use super::person::{PersonKind, SandboxPerson};

/// Something that happened to a person since the sandbox started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonEvent {
    /// Unix seconds.
    pub at: i64,
    /// The index of the person it happened to.
    pub index: u64,
    pub kind: PersonEventKind,
}

/// The kinds of event that Marketo reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonEventKind {
    Created,
    /// Old and new values by Marketo's REST field name.
    Changed(Vec<OverlaidField>),
    /// With the name that Marketo shows for the deleted person.
    Deleted(String),
    /// The indices of those who were merged into this person.
    Merged(Vec<u64>),
}

/// One changed field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverlaidField {
    pub field: &'static str,
    pub old: Option<String>,
    pub new: Option<String>,
}

/// Edits of one person.
#[derive(Debug, Clone, Default)]
pub struct PersonEdit {
    /// New values by the names of [`set_field`].
    pub fields: BTreeMap<String, Option<String>>,
    pub changed_at: Option<i64>,
    pub is_deleted_from_marketo: bool,
    /// When the Salesforce record was deleted.
    pub deleted_from_salesforce_at: Option<i64>,
    /// Index of the person it was merged into, when the Salesforce records were merged too.
    pub merged_into: Option<u64>,
}

/// Every edit since the start or the last reset.
#[derive(Debug, Clone, Default)]
pub struct PeopleOverlay {
    /// Creation times of people added after the generated ones.
    pub added: Vec<i64>,
    pub edits: HashMap<u64, PersonEdit>,
    pub events: Vec<PersonEvent>,
}

impl PeopleOverlay {
    /// Applies the edits of `person.index`. `default_owner` owns people who came to Salesforce without naming an owner.
    pub fn apply_to(&self, person: &mut SandboxPerson, default_owner: &str) {
        let Some(edit) = self.edits.get(&person.index) else { return };
        for (name, value) in &edit.fields {
            // The values were checked when the edit was made.
            let _ = set_field(person, name, value.clone());
        }
        if person.kind == PersonKind::MarketoOnly {
            person.owner_id = None;
        } else if person.owner_id.is_none() {
            person.owner_id = Some(default_owner.to_owned());
        }
        if let Some(at) = edit.changed_at {
            person.updated_at = at;
            person.salesforce_updated_at = at;
        }
        if let Some(at) = edit.deleted_from_salesforce_at {
            person.is_deleted_in_salesforce = true;
            person.salesforce_updated_at = at;
        }
        person.merged_into = edit.merged_into;
    }
}

/// Why a field could not be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PersonFieldError {
    #[error(
        "there is no field {0:?} that can be set; try email, firstName, lastName, company, title, phone, leadSource, linkedInURL, unsubscribed, sfdcOpptyId, ownerId, salesforce or knownToMarketoAs"
    )]
    UnknownName(String),
    #[error("{0:?} can't be {1:?}")]
    WrongValue(String, String),
}

/// Sets a field by Marketo's REST name, or by one of three names of the sandbox's own: `ownerId` (who owns the Salesforce record),
/// `salesforce` (`none`, `lead`, `contact` or `converted`) and `knownToMarketoAs` (what Marketo still takes the person for; null when
/// Marketo is up to date).
///
/// # Errors
/// [`PersonFieldError`] for a name that isn't settable or a value that the field can't hold.
pub fn set_field(person: &mut SandboxPerson, name: &str, value: Option<String>) -> Result<(), PersonFieldError> {
    let wrong_value =
        |value: &Option<String>| PersonFieldError::WrongValue(name.to_owned(), value.clone().unwrap_or_else(|| "null".into()));
    let field = match name {
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
            person.is_unsubscribed = value.as_deref().and_then(|text| text.parse().ok()).ok_or_else(|| wrong_value(&value))?;
            return Ok(());
        }
        "salesforce" => {
            person.kind = parse_kind(value.as_deref()).ok_or_else(|| wrong_value(&value))?;
            return Ok(());
        }
        "knownToMarketoAs" => {
            let kind = value.as_deref().map(|name| parse_kind(Some(name)).ok_or_else(|| wrong_value(&value)));
            person.known_to_marketo_as = kind.transpose()?;
            return Ok(());
        }
        _ => return Err(PersonFieldError::UnknownName(name.to_owned())),
    };
    *field = value;
    Ok(())
}

fn parse_kind(name: Option<&str>) -> Option<PersonKind> {
    Some(match name {
        Some("none") | None => PersonKind::MarketoOnly,
        Some("lead") => PersonKind::Lead,
        Some("contact") => PersonKind::Contact,
        Some("converted") => PersonKind::Converted,
        Some(_) => return None,
    })
}
