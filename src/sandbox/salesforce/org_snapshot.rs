//! Records of the org at one moment, most of them computed from the people, and their field values.

use std::sync::Arc;

use super::field_value::FieldValue;
use super::ids::{self, KeyPrefix};
use super::schema::{self, FieldType, ObjectSchema};
use super::soql::FieldPath;
use super::stored_records::{StoredRecord, StoredRecords};
use super::users::{QUEUES, SalesforceQueue, SalesforceUser, organization_id};
use crate::sandbox::people::People;
use crate::sandbox::people::person::{PEOPLE_PER_COMPANY, PersonKind, SandboxPerson, company_number};

/// One record.
#[derive(Debug, Clone)]
pub enum SalesforceRecord {
    Lead(Box<SandboxPerson>),
    Contact(Box<SandboxPerson>),
    /// By its number, see [`company_number`].
    Account(u64),
    User(Box<SalesforceUser>),
    Queue(SalesforceQueue),
    Organization,
    /// A task or opportunity that a caller created.
    Stored(Arc<StoredRecord>),
    /// The opportunity that was created when a lead was converted.
    Opportunity(Box<SandboxPerson>),
}

/// The org at one moment.
#[derive(Debug)]
pub struct OrgSnapshot<'a> {
    pub people: &'a People,
    pub users: Vec<SalesforceUser>,
    /// When the org was created, in Unix seconds.
    pub created_at: i64,
    /// Whether deleted records are gone from the recycle bin.
    pub is_bin_emptied: bool,
    pub stored_records: StoredRecords,
}

impl OrgSnapshot<'_> {
    /// How many positions an object has. Records stand at positions; some positions are empty.
    pub fn position_count(&self, object: &ObjectSchema) -> u64 {
        match object.name {
            "Lead" | "Contact" => self.people.count(),
            "Account" => company_number(self.people.count() + 2),
            "User" => self.users.len() as u64,
            "Group" => QUEUES.len() as u64,
            "Task" => self.stored_records.count(object),
            // Those of converted leads come after those that callers created.
            "Opportunity" => self.stored_records.count(object) + self.people.count(),
            _ => 1,
        }
    }

    /// The record at a position; `None` where there is none. Deleted ones only with `includes_deleted`.
    pub fn record_at(&self, object: &ObjectSchema, position: u64, includes_deleted: bool) -> Option<SalesforceRecord> {
        let number = usize::try_from(position).ok()?;
        match object.name {
            "Lead" | "Contact" => {
                let is_lead = object.name == "Lead";
                let is_of_kind =
                    |kind| matches!((is_lead, kind), (_, PersonKind::Converted) | (true, PersonKind::Lead) | (false, PersonKind::Contact));
                if !is_of_kind(self.people.kind(position)) {
                    return None;
                }
                let includes_deleted = includes_deleted && !self.is_bin_emptied;
                let person = self
                    .people
                    .find_in_salesforce(position)
                    .filter(|person| includes_deleted || !person.is_deleted_in_salesforce)
                    .map(Box::new)?;
                Some(if is_lead { SalesforceRecord::Lead(person) } else { SalesforceRecord::Contact(person) })
            }
            "Account" => {
                let members =
                    (position * PEOPLE_PER_COMPANY..(position + 1) * PEOPLE_PER_COMPANY).filter(|&index| index < self.people.count());
                let mut kinds = members.map(|index| self.people.kind(index));
                kinds.any(|kind| matches!(kind, PersonKind::Contact | PersonKind::Converted)).then_some(SalesforceRecord::Account(position))
            }
            "User" => self.users.get(number).cloned().map(|user| SalesforceRecord::User(Box::new(user))),
            "Group" => QUEUES.get(number).copied().map(SalesforceRecord::Queue),
            "Task" | "Opportunity" if position < self.stored_records.count(object) => {
                let record = self.stored_records.record_at(object, number)?;
                let is_visible = !record.is_deleted || (includes_deleted && !self.is_bin_emptied);
                is_visible.then_some(SalesforceRecord::Stored(record))
            }
            "Opportunity" => {
                let index = position - self.stored_records.count(object);
                self.people
                    .find_in_salesforce(index)
                    .filter(|person| {
                        person.kind == PersonKind::Converted && person.opportunity_id == Some(ids::record_id(KeyPrefix::Opportunity, index))
                    })
                    .map(|person| SalesforceRecord::Opportunity(Box::new(person)))
            }
            "Task" => None,
            _ => (position == 0).then_some(SalesforceRecord::Organization),
        }
    }

    /// The position of the record with this id.
    pub fn position_of(&self, object: &ObjectSchema, id: &str) -> Option<u64> {
        match object.name {
            "Lead" => ids::record_number(KeyPrefix::Lead, id),
            "Contact" => ids::record_number(KeyPrefix::Contact, id),
            "Account" => ids::record_number(KeyPrefix::Account, id),
            "User" => self.users.iter().position(|user| ids::is_same_record(&user.id, id)).map(|position| position as u64),
            "Group" => QUEUES.iter().position(|queue| ids::is_same_record(&queue.id(), id)).map(|position| position as u64),
            "Task" | "Opportunity" => self.stored_records.position_of(object, id).or_else(|| {
                let index = ids::record_number(KeyPrefix::Opportunity, id)
                    .filter(|&index| object.name == "Opportunity" && index < self.people.count())?;
                Some(self.stored_records.count(object) + index)
            }),
            _ => ids::is_same_record(&organization_id(), id).then_some(0),
        }
    }

    /// The value of a field, reached through its relationships.
    pub fn field_value(&self, record: &SalesforceRecord, field: &FieldPath) -> FieldValue {
        let mut related;
        let mut current = record;
        for relationship in &field.relationships {
            match self.related_record(current, relationship) {
                Some(next) => {
                    related = next;
                    current = &related;
                }
                None => return FieldValue::Null,
            }
        }
        self.own_value(current, field.field.name)
    }

    /// The record that a relationship leads to.
    pub fn related_record(&self, record: &SalesforceRecord, relationship: &str) -> Option<SalesforceRecord> {
        match (record, relationship) {
            (SalesforceRecord::Lead(person) | SalesforceRecord::Contact(person), "Owner") => self.find_owner(person.owner_id.as_deref()?),
            (SalesforceRecord::Contact(person), "Account") => Some(SalesforceRecord::Account(company_number(person.index))),
            (SalesforceRecord::Lead(person), "ConvertedContact") if person.kind == PersonKind::Converted => {
                Some(SalesforceRecord::Contact(person.clone()))
            }
            (SalesforceRecord::Lead(person), "ConvertedAccount") if person.kind == PersonKind::Converted => {
                Some(SalesforceRecord::Account(company_number(person.index)))
            }
            (SalesforceRecord::Lead(person), "ConvertedOpportunity") if person.kind == PersonKind::Converted => {
                self.find_by_id("Opportunity", person.opportunity_id.as_deref()?)
            }
            (SalesforceRecord::Opportunity(person), "Owner") => self.find_owner(person.owner_id.as_deref()?),
            (SalesforceRecord::Opportunity(person), "Account") => Some(SalesforceRecord::Account(company_number(person.index))),
            (SalesforceRecord::Stored(record), relationship) => self.related_to_stored(record, relationship),
            (SalesforceRecord::Lead(_) | SalesforceRecord::Contact(_) | SalesforceRecord::Opportunity(_), "CreatedBy") => {
                self.users.first().cloned().map(|user| SalesforceRecord::User(Box::new(user)))
            }
            _ => None,
        }
    }

    /// The record of an object with this id, unless it is deleted.
    pub fn find_by_id(&self, object: &str, id: &str) -> Option<SalesforceRecord> {
        let object = schema::find_object(object)?;
        self.record_at(object, self.position_of(object, id)?, false)
    }

    fn related_to_stored(&self, record: &StoredRecord, relationship: &str) -> Option<SalesforceRecord> {
        let field =
            record.object.fields.iter().find(|field| matches!(field.field_type, FieldType::Reference(_, name) if name == relationship))?;
        let FieldValue::Text(id) = self.stored_value(record, field.name) else { return None };
        match field.field_type {
            FieldType::Reference(_, "Owner") => self.find_owner(&id),
            FieldType::Reference(targets, _) => targets.iter().find_map(|target| self.find_by_id(target, &id)),
            _ => None,
        }
    }

    /// A field of a record that a caller created: what was stored, or what follows from it.
    fn stored_value(&self, record: &StoredRecord, name: &str) -> FieldValue {
        match name {
            // A task belongs to the account of what it is about, else of its contact.
            "AccountId" if record.object.name == "Task" => {
                let text = |name: &str| match record.value(name) {
                    FieldValue::Text(id) => Some(id),
                    _ => None,
                };
                let what = text("WhatId").filter(|id| id.starts_with(KeyPrefix::Account.as_str()));
                let of_contact = || match self.find_by_id("Contact", &text("WhoId")?)? {
                    SalesforceRecord::Contact(person) => person.account_id(),
                    _ => None,
                };
                FieldValue::from_text(what.or_else(of_contact))
            }
            name => record.value(name),
        }
    }

    fn find_owner(&self, id: &str) -> Option<SalesforceRecord> {
        let user = self.users.iter().find(|user| ids::is_same_record(&user.id, id)).cloned();
        user.map(|user| SalesforceRecord::User(Box::new(user)))
            .or_else(|| QUEUES.into_iter().find(|queue| ids::is_same_record(&queue.id(), id)).map(SalesforceRecord::Queue))
    }

    fn own_value(&self, record: &SalesforceRecord, name: &str) -> FieldValue {
        match record {
            SalesforceRecord::Lead(person) => match name {
                "Id" => FieldValue::from_text(person.lead_id()),
                "Type" => FieldValue::Text("Lead".into()),
                "MasterRecordId" => FieldValue::from_text(person.merged_into.map(|master| ids::record_id(KeyPrefix::Lead, master))),
                "Company" => FieldValue::from_text(person.company.clone()),
                "IsConverted" => FieldValue::Boolean(person.kind == PersonKind::Converted),
                "ConvertedDate" if person.kind == PersonKind::Converted => FieldValue::DateTime(person.updated_at),
                "ConvertedContactId" => FieldValue::from_text(person.contact_id()),
                "ConvertedAccountId" => FieldValue::from_text(person.account_id()),
                "ConvertedOpportunityId" if person.kind == PersonKind::Converted => FieldValue::from_text(person.opportunity_id.clone()),
                "Status" => FieldValue::Text(
                    if person.kind == PersonKind::Converted { "Closed - Converted" } else { "Open - Not Contacted" }.into(),
                ),
                _ => self.person_value(person, name),
            },
            SalesforceRecord::Contact(person) => match name {
                "Id" => FieldValue::from_text(person.contact_id()),
                "Type" => FieldValue::Text("Contact".into()),
                "MasterRecordId" => FieldValue::from_text(person.merged_into.map(|master| ids::record_id(KeyPrefix::Contact, master))),
                "AccountId" => FieldValue::from_text(person.account_id()),
                _ => self.person_value(person, name),
            },
            SalesforceRecord::Account(number) => match name {
                "Id" => FieldValue::Text(ids::record_id(KeyPrefix::Account, *number)),
                "Name" => FieldValue::Text(self.people.company_name(*number)),
                "Type" => FieldValue::Text("Prospect".into()),
                "IsDeleted" => FieldValue::Boolean(false),
                _ => FieldValue::DateTime(self.people.company_created_at(*number)),
            },
            SalesforceRecord::User(user) => match name {
                "Id" => FieldValue::Text(user.id.clone()),
                "Username" => FieldValue::Text(user.username.clone()),
                "FirstName" => FieldValue::Text(user.first_name.clone()),
                "LastName" => FieldValue::Text(user.last_name.clone()),
                "Name" => FieldValue::Text(user.name()),
                "Type" => FieldValue::Text("User".into()),
                "UserType" => FieldValue::Text("Standard".into()),
                "Email" => FieldValue::Text(user.email.clone()),
                "IsActive" => FieldValue::Boolean(user.active),
                _ => FieldValue::DateTime(self.created_at),
            },
            SalesforceRecord::Queue(queue) => match name {
                "Id" => FieldValue::Text(queue.id()),
                "Name" => FieldValue::Text(queue.name.into()),
                "DeveloperName" => FieldValue::Text(queue.name.replace(' ', "_")),
                "Type" => FieldValue::Text("Queue".into()),
                _ => FieldValue::Null,
            },
            SalesforceRecord::Stored(record) => self.stored_value(record, name),
            SalesforceRecord::Opportunity(person) => match name {
                "Id" => FieldValue::from_text(person.opportunity_id.clone()),
                "AccountId" => FieldValue::from_text(person.account_id()),
                "Name" => FieldValue::Text(format!("{}-", person.company.as_deref().unwrap_or("Unknown"))),
                "StageName" => FieldValue::Text("Prospecting".into()),
                "Probability" => FieldValue::Number(10.0),
                "CloseDate" => FieldValue::Date((person.updated_at - person.updated_at.rem_euclid(86_400)) + 90 * 86_400),
                "IsClosed" | "IsWon" => FieldValue::Boolean(false),
                "LeadSource" | "OwnerId" | "IsDeleted" | "CreatedById" | "SystemModstamp" => self.person_value(person, name),
                // It was created when the lead was converted.
                "CreatedDate" | "LastModifiedDate" => FieldValue::DateTime(person.updated_at),
                _ => FieldValue::Null,
            },
            SalesforceRecord::Organization => match name {
                "Id" => FieldValue::Text(organization_id()),
                "Name" => FieldValue::Text("MSI Actions Sandbox Org".into()),
                "OrganizationType" => FieldValue::Text("Developer Edition".into()),
                "InstanceName" => FieldValue::Text("SBX1".into()),
                "IsSandbox" => FieldValue::Boolean(false),
                _ => FieldValue::Null,
            },
        }
    }

    fn person_value(&self, person: &SandboxPerson, name: &str) -> FieldValue {
        match name {
            "FirstName" => FieldValue::from_text(person.first_name.clone()),
            // Salesforce requires a last name.
            "LastName" => FieldValue::Text(person.last_name.clone().unwrap_or_else(|| "[not provided]".into())),
            "Name" => FieldValue::Text(
                [person.first_name.as_deref(), person.last_name.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" "),
            ),
            "Title" => FieldValue::from_text(person.title.clone()),
            "Phone" => FieldValue::from_text(person.phone.clone()),
            "Email" => FieldValue::from_text(person.email.clone()),
            "LeadSource" => FieldValue::from_text(person.lead_source.clone()),
            "LinkedIn_URL__c" => FieldValue::from_text(person.linked_in_url.clone()),
            "OwnerId" => FieldValue::from_text(person.owner_id.clone()),
            "HasOptedOutOfEmail" => FieldValue::Boolean(person.is_unsubscribed),
            "IsDeleted" => FieldValue::Boolean(person.is_deleted_in_salesforce),
            "CreatedDate" => FieldValue::DateTime(person.created_at),
            "CreatedById" => FieldValue::from_text(self.users.first().map(|user| user.id.clone())),
            "LastModifiedDate" => FieldValue::DateTime(person.updated_at),
            "SystemModstamp" => FieldValue::DateTime(person.salesforce_updated_at),
            _ => FieldValue::Null,
        }
    }
}
