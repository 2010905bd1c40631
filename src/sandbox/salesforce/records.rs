//! Records of the org, most of them computed from the people, and their field values.

use std::sync::Arc;

use super::field_value::Value;
use super::ids::{self, Prefix};
use super::schema::{self, Kind, Object};
use super::soql::Resolved;
use super::users::{QUEUES, Queue, SalesforceUser, organization_id};
use super::written::{WrittenRecord, WrittenRecords};
use crate::sandbox::people::People;
use crate::sandbox::people::person::{PersonKind, SandboxPerson, company_number};

/// One record.
#[derive(Debug, Clone)]
pub enum Record {
    Lead(Box<SandboxPerson>),
    Contact(Box<SandboxPerson>),
    /// By its number.
    Account(u64),
    User(Box<SalesforceUser>),
    Queue(Queue),
    Organization,
    /// A task or opportunity that a caller made.
    Written(Arc<WrittenRecord>),
    /// The opportunity that came of converting a lead.
    Opportunity(Box<SandboxPerson>),
}

/// The org at one moment: people, users, and when the org began (Unix seconds).
#[derive(Debug)]
pub struct Org<'a> {
    pub people: &'a People,
    pub users: Vec<SalesforceUser>,
    pub began: i64,
    pub bin_emptied: bool,
    pub written: WrittenRecords,
}

impl Org<'_> {
    /// One past the last place of an object's records.
    pub fn places(&self, object: &Object) -> u64 {
        match object.name {
            "Lead" | "Contact" => self.people.count(),
            "Account" => company_number(self.people.count() + 2),
            "User" => self.users.len() as u64,
            "Group" => QUEUES.len() as u64,
            "Task" => self.written.count(object),
            // Those of converted leads come after those that callers made.
            "Opportunity" => self.written.count(object) + self.people.count(),
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
            "Task" | "Opportunity" if place < self.written.count(object) => {
                let record = self.written.at(object, number)?;
                let here = !record.deleted || (deleted_too && !self.bin_emptied);
                here.then_some(Record::Written(record))
            }
            "Opportunity" => {
                let index = place - self.written.count(object);
                self.people
                    .in_salesforce(index)
                    .filter(|person| {
                        person.kind == PersonKind::Converted && person.opportunity_id == Some(ids::id(Prefix::Opportunity, index))
                    })
                    .map(|person| Record::Opportunity(Box::new(person)))
            }
            "Task" => None,
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
            "Task" | "Opportunity" => self.written.place(object, id).or_else(|| {
                let index =
                    ids::number(Prefix::Opportunity, id).filter(|&index| object.name == "Opportunity" && index < self.people.count())?;
                Some(self.written.count(object) + index)
            }),
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
            (Record::Contact(person), "Account") => Some(Record::Account(company_number(person.index))),
            (Record::Lead(person), "ConvertedContact") if person.kind == PersonKind::Converted => Some(Record::Contact(person.clone())),
            (Record::Lead(person), "ConvertedAccount") if person.kind == PersonKind::Converted => {
                Some(Record::Account(company_number(person.index)))
            }
            (Record::Lead(person), "ConvertedOpportunity") if person.kind == PersonKind::Converted => {
                self.by_id("Opportunity", person.opportunity_id.as_deref()?)
            }
            (Record::Opportunity(person), "Owner") => self.owner(person.owner_id.as_deref()?),
            (Record::Opportunity(person), "Account") => Some(Record::Account(company_number(person.index))),
            (Record::Written(record), relationship) => self.related_to_written(record, relationship),
            (Record::Lead(_) | Record::Contact(_) | Record::Opportunity(_), "CreatedBy") => {
                self.users.first().cloned().map(|user| Record::User(Box::new(user)))
            }
            _ => None,
        }
    }

    /// The record of an object with this id.
    pub fn by_id(&self, object: &str, id: &str) -> Option<Record> {
        let object = schema::find(object)?;
        self.at(object, self.place(object, id)?, false)
    }

    fn related_to_written(&self, record: &WrittenRecord, relationship: &str) -> Option<Record> {
        let field = record.object.fields.iter().find(|field| matches!(field.kind, Kind::Reference(_, name) if name == relationship))?;
        let Value::Text(id) = self.written_value(record, field.name) else { return None };
        match field.kind {
            Kind::Reference(_, "Owner") => self.owner(&id),
            Kind::Reference(targets, _) => targets.iter().find_map(|target| self.by_id(target, &id)),
            _ => None,
        }
    }

    /// A field of a record that a caller made: what was written, or what follows from it.
    fn written_value(&self, record: &WrittenRecord, name: &str) -> Value {
        match name {
            // A task belongs to the account of what it is about, else of its contact.
            "AccountId" if record.object.name == "Task" => {
                let text = |name: &str| match record.value(name) {
                    Value::Text(id) => Some(id),
                    _ => None,
                };
                let what = text("WhatId").filter(|id| id.starts_with(Prefix::Account.text()));
                let of_contact = || match self.by_id("Contact", &text("WhoId")?)? {
                    Record::Contact(person) => person.account_id(),
                    _ => None,
                };
                Value::text(what.or_else(of_contact))
            }
            name => record.value(name),
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
                "Type" => Value::Text("Lead".into()),
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
                "Type" => Value::Text("Contact".into()),
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
            Record::Written(record) => self.written_value(record, name),
            Record::Opportunity(person) => match name {
                "Id" => Value::text(person.opportunity_id.clone()),
                "AccountId" => Value::text(person.account_id()),
                "Name" => Value::Text(format!("{}-", person.company.as_deref().unwrap_or("Unknown"))),
                "StageName" => Value::Text("Prospecting".into()),
                "Probability" => Value::Number(10.0),
                "CloseDate" => Value::Date((person.updated_at - person.updated_at.rem_euclid(86_400)) + 90 * 86_400),
                "IsClosed" | "IsWon" => Value::Boolean(false),
                "LeadSource" | "OwnerId" | "IsDeleted" | "CreatedById" | "SystemModstamp" => self.person_value(person, name),
                // It came to be when the lead was converted.
                "CreatedDate" | "LastModifiedDate" => Value::Moment(person.updated_at),
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

    fn person_value(&self, person: &SandboxPerson, name: &str) -> Value {
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
