//! Records of the org, computed from the people, and their field values.

use super::ids::{self, Prefix};
use super::schema::Object;
use super::soql::Resolved;
use super::users::{QUEUES, Queue, SalesforceUser, organization_id};
use crate::sandbox::moment;
use crate::sandbox::people::People;
use crate::sandbox::people::person::{Kind as PersonKind, Person, company_of};

/// A field's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Text(String),
    Boolean(bool),
    /// Unix seconds.
    Moment(i64),
}

impl Value {
    fn text(text: Option<String>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }

    /// As JSON of the REST API.
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Text(text) => text.as_str().into(),
            Self::Boolean(flag) => (*flag).into(),
            Self::Moment(seconds) => moment::iso_salesforce_json(*seconds).into(),
        }
    }

    /// As a field of the Bulk API's CSV.
    pub fn csv(self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) => text,
            Self::Boolean(flag) => flag.to_string(),
            Self::Moment(seconds) => moment::iso_salesforce_csv(seconds),
        }
    }
}

/// One record.
#[derive(Debug, Clone)]
pub enum Record {
    Lead(Box<Person>),
    Contact(Box<Person>),
    /// By its number.
    Account(u64),
    User(Box<SalesforceUser>),
    Queue(Queue),
    Organization,
}

/// The org at one moment: people, users, and when the org began (Unix seconds).
#[derive(Debug)]
pub struct Org<'a> {
    pub people: &'a People,
    pub users: Vec<SalesforceUser>,
    pub began: i64,
    pub bin_emptied: bool,
}

impl Org<'_> {
    /// One past the last place of an object's records.
    pub fn places(&self, object: &Object) -> u64 {
        match object.name {
            "Lead" | "Contact" => self.people.count(),
            "Account" => company_of(self.people.count() + 2),
            "User" => self.users.len() as u64,
            "Group" => QUEUES.len() as u64,
            _ => 1,
        }
    }

    /// The record at a place; `None` where there is none. Deleted ones only with `deleted_too`.
    pub fn at(&self, object: &Object, place: u64, deleted_too: bool) -> Option<Record> {
        let number = usize::try_from(place).ok()?;
        match object.name {
            "Lead" | "Contact" => {
                let is_lead = object.name == "Lead";
                let fits =
                    |kind| matches!((is_lead, kind), (_, PersonKind::Converted) | (true, PersonKind::Lead) | (false, PersonKind::Contact));
                if !fits(self.people.kind(place)) {
                    return None;
                }
                let deleted_too = deleted_too && !self.bin_emptied;
                let person =
                    self.people.in_salesforce(place).filter(|person| deleted_too || !person.deleted_in_salesforce).map(Box::new)?;
                Some(if is_lead { Record::Lead(person) } else { Record::Contact(person) })
            }
            "Account" => {
                let members = (place * 3..place * 3 + 3).filter(|&index| index < self.people.count());
                let mut kinds = members.map(|index| self.people.kind(index));
                kinds.any(|kind| matches!(kind, PersonKind::Contact | PersonKind::Converted)).then_some(Record::Account(place))
            }
            "User" => self.users.get(number).cloned().map(|user| Record::User(Box::new(user))),
            "Group" => QUEUES.get(number).copied().map(Record::Queue),
            _ => (place == 0).then_some(Record::Organization),
        }
    }

    /// The place of the record with this id.
    pub fn place(&self, object: &Object, id: &str) -> Option<u64> {
        match object.name {
            "Lead" => ids::number(Prefix::Lead, id),
            "Contact" => ids::number(Prefix::Contact, id),
            "Account" => ids::number(Prefix::Account, id),
            "User" => self.users.iter().position(|user| ids::same(&user.id, id)).map(|place| place as u64),
            "Group" => QUEUES.iter().position(|queue| ids::same(&queue.id(), id)).map(|place| place as u64),
            _ => ids::same(&organization_id(), id).then_some(0),
        }
    }

    /// The value of a field, by way of its relationships.
    pub fn value(&self, record: &Record, field: &Resolved) -> Value {
        let mut related;
        let mut current = record;
        for relationship in &field.path {
            match self.related(current, relationship) {
                Some(next) => {
                    related = next;
                    current = &related;
                }
                None => return Value::Null,
            }
        }
        self.own_value(current, field.field.name)
    }

    /// The record a relationship leads to.
    pub fn related(&self, record: &Record, relationship: &str) -> Option<Record> {
        match (record, relationship) {
            (Record::Lead(person) | Record::Contact(person), "Owner") => self.owner(person.owner_id.as_deref()?),
            (Record::Contact(person), "Account") => Some(Record::Account(company_of(person.index))),
            (Record::Lead(person), "ConvertedContact") if person.kind == PersonKind::Converted => Some(Record::Contact(person.clone())),
            (Record::Lead(person), "ConvertedAccount") if person.kind == PersonKind::Converted => {
                Some(Record::Account(company_of(person.index)))
            }
            (Record::Lead(_) | Record::Contact(_), "CreatedBy") => self.users.first().cloned().map(|user| Record::User(Box::new(user))),
            _ => None,
        }
    }

    fn owner(&self, id: &str) -> Option<Record> {
        let user = self.users.iter().find(|user| ids::same(&user.id, id)).cloned();
        user.map(|user| Record::User(Box::new(user)))
            .or_else(|| QUEUES.into_iter().find(|queue| ids::same(&queue.id(), id)).map(Record::Queue))
    }

    fn own_value(&self, record: &Record, name: &str) -> Value {
        match record {
            Record::Lead(person) => match name {
                "Id" => Value::text(person.lead_id()),
                "MasterRecordId" => Value::text(person.merged_into.map(|master| ids::id(Prefix::Lead, master))),
                "Company" => Value::text(person.company.clone()),
                "IsConverted" => Value::Boolean(person.kind == PersonKind::Converted),
                "ConvertedDate" if person.kind == PersonKind::Converted => Value::Moment(person.updated_at),
                "ConvertedContactId" => Value::text(person.contact_id()),
                "ConvertedAccountId" => Value::text(person.account_id()),
                "ConvertedOpportunityId" if person.kind == PersonKind::Converted => Value::text(person.opportunity_id.clone()),
                "Status" => {
                    Value::Text(if person.kind == PersonKind::Converted { "Closed - Converted" } else { "Open - Not Contacted" }.into())
                }
                _ => self.person_value(person, name),
            },
            Record::Contact(person) => match name {
                "Id" => Value::text(person.contact_id()),
                "MasterRecordId" => Value::text(person.merged_into.map(|master| ids::id(Prefix::Contact, master))),
                "AccountId" => Value::text(person.account_id()),
                _ => self.person_value(person, name),
            },
            Record::Account(number) => match name {
                "Id" => Value::Text(ids::id(Prefix::Account, *number)),
                "Name" => Value::Text(self.people.company_name(*number)),
                "Type" => Value::Text("Prospect".into()),
                "IsDeleted" => Value::Boolean(false),
                _ => Value::Moment(self.people.company_created_at(*number)),
            },
            Record::User(user) => match name {
                "Id" => Value::Text(user.id.clone()),
                "Username" => Value::Text(user.username.clone()),
                "FirstName" => Value::Text(user.first_name.clone()),
                "LastName" => Value::Text(user.last_name.clone()),
                "Name" => Value::Text(user.name()),
                "Type" => Value::Text("User".into()),
                "UserType" => Value::Text("Standard".into()),
                "Email" => Value::Text(user.email.clone()),
                "IsActive" => Value::Boolean(user.active),
                _ => Value::Moment(self.began),
            },
            Record::Queue(queue) => match name {
                "Id" => Value::Text(queue.id()),
                "Name" => Value::Text(queue.name.into()),
                "DeveloperName" => Value::Text(queue.name.replace(' ', "_")),
                "Type" => Value::Text("Queue".into()),
                _ => Value::Null,
            },
            Record::Organization => match name {
                "Id" => Value::Text(organization_id()),
                "Name" => Value::Text("MSI Actions Sandbox Org".into()),
                "OrganizationType" => Value::Text("Developer Edition".into()),
                "InstanceName" => Value::Text("SBX1".into()),
                "IsSandbox" => Value::Boolean(false),
                _ => Value::Null,
            },
        }
    }

    fn person_value(&self, person: &Person, name: &str) -> Value {
        match name {
            "FirstName" => Value::text(person.first_name.clone()),
            // Salesforce doesn't know people without a last name.
            "LastName" => Value::Text(person.last_name.clone().unwrap_or_else(|| "[not provided]".into())),
            "Name" => {
                Value::Text([person.first_name.as_deref(), person.last_name.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" "))
            }
            "Title" => Value::text(person.title.clone()),
            "Phone" => Value::text(person.phone.clone()),
            "Email" => Value::text(person.email.clone()),
            "LeadSource" => Value::text(person.lead_source.clone()),
            "LinkedIn_URL__c" => Value::text(person.linked_in_url.clone()),
            "OwnerId" => Value::text(person.owner_id.clone()),
            "HasOptedOutOfEmail" => Value::Boolean(person.unsubscribed),
            "IsDeleted" => Value::Boolean(person.deleted_in_salesforce),
            "CreatedDate" => Value::Moment(person.created_at),
            "CreatedById" => Value::text(self.users.first().map(|user| user.id.clone())),
            "LastModifiedDate" => Value::Moment(person.updated_at),
            "SystemModstamp" => Value::Moment(person.salesforce_updated_at),
            _ => Value::Null,
        }
    }
}
