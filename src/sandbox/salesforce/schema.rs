//! The objects of the simulated org and their fields.

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    Id,
    Text(u32),
    Email,
    Phone,
    Url,
    Picklist(&'static [&'static str]),
    /// A long text; queries can't filter by it.
    TextArea(u32),
    Boolean,
    DateTime,
    /// A day.
    Date,
    Number(NumberType),
    /// The objects that it may point to, and the name of the relationship by which their fields are reached.
    Reference(&'static [&'static str], &'static str),
}

/// The type of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberType {
    Double,
    Currency,
    Percent,
}

/// A field.
#[derive(Debug, PartialEq, Eq)]
pub struct FieldSchema {
    pub name: &'static str,
    pub label: &'static str,
    pub field_type: FieldType,
    pub is_nillable: bool,
    /// Whether a caller may set it.
    pub is_writable: bool,
    /// Whether it identifies records in an upsert.
    pub is_external_id: bool,
    /// The value of a new record that sets none.
    pub default: Option<&'static str>,
}

const fn field(name: &'static str, label: &'static str, field_type: FieldType) -> FieldSchema {
    FieldSchema { name, label, field_type, is_nillable: true, is_writable: true, is_external_id: false, default: None }
}

impl FieldSchema {
    const fn required(mut self) -> Self {
        self.is_nillable = false;
        self
    }

    const fn system(mut self) -> Self {
        self.is_nillable = false;
        self.is_writable = false;
        self
    }

    const fn external_id(mut self) -> Self {
        self.is_external_id = true;
        self
    }

    const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    const fn computed(mut self) -> Self {
        self.is_writable = false;
        self
    }
}

/// An object.
#[derive(Debug, PartialEq, Eq)]
pub struct ObjectSchema {
    pub name: &'static str,
    pub label: &'static str,
    pub key_prefix: &'static str,
    pub fields: &'static [FieldSchema],
    /// Whether the API may create, change and delete records. People change by control calls only.
    pub is_writable: bool,
}

impl ObjectSchema {
    /// The field of this name, without regard to case.
    pub fn field(&self, name: &str) -> Option<&'static FieldSchema> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// The relationship of this name in its proper case, and the object that it leads to. Owners may be of two objects, so their fields are
    /// those of the common object `Name`.
    pub fn relationship(&self, name: &str) -> Option<(&'static str, &'static ObjectSchema)> {
        self.fields.iter().find_map(|field| match field.field_type {
            FieldType::Reference(targets, relationship) if relationship.eq_ignore_ascii_case(name) => {
                Some((relationship, if targets.len() > 1 { &NAME } else { find_object(targets.first()?)? }))
            }
            _ => None,
        })
    }
}

/// The object of this name, without regard to case.
pub fn find_object(name: &str) -> Option<&'static ObjectSchema> {
    OBJECTS.iter().find(|object| object.name.eq_ignore_ascii_case(name))
}

const SOURCES: &[&str] = crate::sandbox::people::names::LEAD_SOURCES;
const USER: FieldType = FieldType::Reference(&["User"], "CreatedBy");

/// Every object that can be queried.
pub static OBJECTS: [ObjectSchema; 8] = [
    ObjectSchema { name: "Lead", label: "Lead", key_prefix: "00Q", fields: LEAD, is_writable: false },
    ObjectSchema { name: "Contact", label: "Contact", key_prefix: "003", fields: CONTACT, is_writable: false },
    ObjectSchema { name: "Account", label: "Account", key_prefix: "001", fields: ACCOUNT, is_writable: false },
    ObjectSchema { name: "User", label: "User", key_prefix: "005", fields: USER_FIELDS, is_writable: false },
    ObjectSchema { name: "Group", label: "Group", key_prefix: "00G", fields: GROUP, is_writable: false },
    ObjectSchema { name: "Organization", label: "Organization", key_prefix: "00D", fields: ORGANIZATION, is_writable: false },
    ObjectSchema { name: "Task", label: "Task", key_prefix: "00T", fields: TASK, is_writable: true },
    ObjectSchema { name: "Opportunity", label: "Opportunity", key_prefix: "006", fields: OPPORTUNITY, is_writable: true },
];

static NAME: ObjectSchema = ObjectSchema {
    name: "Name",
    label: "Name",
    key_prefix: "",
    is_writable: false,
    fields: &[
        field("Id", "Name ID", FieldType::Id).system(),
        field("Name", "Name", FieldType::Text(255)).computed(),
        field("FirstName", "First Name", FieldType::Text(40)).computed(),
        field("LastName", "Last Name", FieldType::Text(80)).computed(),
        field("Type", "Type", FieldType::Picklist(&["User", "Queue"])).computed(),
        field("Username", "Username", FieldType::Text(80)).computed(),
        field("Email", "Email", FieldType::Email).computed(),
        field("IsActive", "Active", FieldType::Boolean).computed(),
    ],
};

const LEAD: &[FieldSchema] = &[
    field("Id", "Lead ID", FieldType::Id).system(),
    field("IsDeleted", "Deleted", FieldType::Boolean).system(),
    field("MasterRecordId", "Master Record ID", FieldType::Reference(&["Lead"], "MasterRecord")).computed(),
    field("LastName", "Last Name", FieldType::Text(80)).required(),
    field("FirstName", "First Name", FieldType::Text(40)),
    field("Salutation", "Salutation", FieldType::Picklist(&["Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."])),
    field("Name", "Full Name", FieldType::Text(121)).computed(),
    field("Title", "Title", FieldType::Text(128)),
    field("Company", "Company", FieldType::Text(255)).required(),
    field("Phone", "Phone", FieldType::Phone),
    field("MobilePhone", "Mobile Phone", FieldType::Phone),
    field("Email", "Email", FieldType::Email),
    field("Website", "Website", FieldType::Url),
    field("LeadSource", "Lead Source", FieldType::Picklist(SOURCES)),
    field(
        "Status",
        "Status",
        FieldType::Picklist(&["Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted"]),
    )
    .required(),
    field("Industry", "Industry", FieldType::Picklist(&[])),
    field("OwnerId", "Owner ID", FieldType::Reference(&["Group", "User"], "Owner")).required(),
    field("HasOptedOutOfEmail", "Email Opt Out", FieldType::Boolean).required(),
    field("IsConverted", "Converted", FieldType::Boolean).system(),
    field("ConvertedDate", "Converted Date", FieldType::DateTime).computed(),
    field("ConvertedAccountId", "Converted Account ID", FieldType::Reference(&["Account"], "ConvertedAccount")).computed(),
    field("ConvertedContactId", "Converted Contact ID", FieldType::Reference(&["Contact"], "ConvertedContact")).computed(),
    field("ConvertedOpportunityId", "Converted Opportunity ID", FieldType::Reference(&["Opportunity"], "ConvertedOpportunity")).computed(),
    field("CreatedDate", "Created Date", FieldType::DateTime).system(),
    field("CreatedById", "Created By ID", USER).system(),
    field("LastModifiedDate", "Last Modified Date", FieldType::DateTime).system(),
    field("SystemModstamp", "System Modstamp", FieldType::DateTime).system(),
    field("LinkedIn_URL__c", "LinkedIn URL", FieldType::Url),
];

const CONTACT: &[FieldSchema] = &[
    field("Id", "Contact ID", FieldType::Id).system(),
    field("IsDeleted", "Deleted", FieldType::Boolean).system(),
    field("MasterRecordId", "Master Record ID", FieldType::Reference(&["Contact"], "MasterRecord")).computed(),
    field("AccountId", "Account ID", FieldType::Reference(&["Account"], "Account")),
    field("LastName", "Last Name", FieldType::Text(80)).required(),
    field("FirstName", "First Name", FieldType::Text(40)),
    field("Salutation", "Salutation", FieldType::Picklist(&["Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."])),
    field("Name", "Full Name", FieldType::Text(121)).computed(),
    field("Title", "Title", FieldType::Text(128)),
    field("Department", "Department", FieldType::Text(80)),
    field("Phone", "Business Phone", FieldType::Phone),
    field("MobilePhone", "Mobile Phone", FieldType::Phone),
    field("Email", "Email", FieldType::Email),
    field("LeadSource", "Lead Source", FieldType::Picklist(SOURCES)),
    field("OwnerId", "Owner ID", FieldType::Reference(&["User"], "Owner")).required(),
    field("ReportsToId", "Reports To ID", FieldType::Reference(&["Contact"], "ReportsTo")),
    field("HasOptedOutOfEmail", "Email Opt Out", FieldType::Boolean).required(),
    field("CreatedDate", "Created Date", FieldType::DateTime).system(),
    field("CreatedById", "Created By ID", USER).system(),
    field("LastModifiedDate", "Last Modified Date", FieldType::DateTime).system(),
    field("SystemModstamp", "System Modstamp", FieldType::DateTime).system(),
    field("LinkedIn_URL__c", "LinkedIn URL", FieldType::Url),
];

const ACCOUNT: &[FieldSchema] = &[
    field("Id", "Account ID", FieldType::Id).system(),
    field("IsDeleted", "Deleted", FieldType::Boolean).system(),
    field("Name", "Account Name", FieldType::Text(255)).required(),
    field("Type", "Account Type", FieldType::Picklist(&["Prospect", "Customer", "Partner"])),
    field("CreatedDate", "Created Date", FieldType::DateTime).system(),
    field("LastModifiedDate", "Last Modified Date", FieldType::DateTime).system(),
    field("SystemModstamp", "System Modstamp", FieldType::DateTime).system(),
];

const USER_FIELDS: &[FieldSchema] = &[
    field("Id", "User ID", FieldType::Id).system(),
    field("Username", "Username", FieldType::Text(80)).required(),
    field("LastName", "Last Name", FieldType::Text(80)).required(),
    field("FirstName", "First Name", FieldType::Text(40)),
    field("Name", "Full Name", FieldType::Text(121)).computed(),
    field("Email", "Email", FieldType::Email).required(),
    field("IsActive", "Active", FieldType::Boolean).required(),
    field("UserType", "User Type", FieldType::Picklist(&["Standard"])).system(),
    field("CreatedDate", "Created Date", FieldType::DateTime).system(),
    field("LastModifiedDate", "Last Modified Date", FieldType::DateTime).system(),
    field("SystemModstamp", "System Modstamp", FieldType::DateTime).system(),
];

const GROUP: &[FieldSchema] = &[
    field("Id", "Group ID", FieldType::Id).system(),
    field("Name", "Name", FieldType::Text(40)).required(),
    field("DeveloperName", "Developer Name", FieldType::Text(80)),
    field("Type", "Type", FieldType::Picklist(&["Queue", "Regular"])).required(),
];

const ORGANIZATION: &[FieldSchema] = &[
    field("Id", "Organization ID", FieldType::Id).system(),
    field("Name", "Name", FieldType::Text(80)).required(),
    field("OrganizationType", "Edition", FieldType::Picklist(&["Developer Edition", "Enterprise Edition"])).system(),
    field("InstanceName", "Instance Name", FieldType::Text(5)).system(),
    field("IsSandbox", "Is Sandbox", FieldType::Boolean).system(),
];

const TASK: &[FieldSchema] = &[
    field("Id", "Activity ID", FieldType::Id).system(),
    field("WhoId", "Name ID", FieldType::Reference(&["Contact", "Lead"], "Who")),
    field("WhatId", "Related To ID", FieldType::Reference(&["Account", "Opportunity"], "What")),
    field("Subject", "Subject", FieldType::Text(255)),
    field("ActivityDate", "Due Date Only", FieldType::Date),
    field("Status", "Status", FieldType::Picklist(&["Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"]))
        .required()
        .default("Not Started"),
    field("Priority", "Priority", FieldType::Picklist(&["High", "Normal", "Low"])).required().default("Normal"),
    field("OwnerId", "Assigned To ID", FieldType::Reference(&["Group", "User"], "Owner")).required(),
    field("Description", "Description", FieldType::TextArea(32_000)),
    field("TaskSubtype", "Task Subtype", FieldType::Picklist(&["Task", "Email", "List Email", "Cadence", "Call"])).default("Task"),
    field("AccountId", "Account ID", FieldType::Reference(&["Account"], "Account")).computed(),
    field("IsClosed", "Closed", FieldType::Boolean).system(),
    field("CompletedDateTime", "Completed Date", FieldType::DateTime).computed(),
    field("IsArchived", "Archived", FieldType::Boolean).system(),
    field("IsDeleted", "Deleted", FieldType::Boolean).system(),
    field("CreatedDate", "Created Date", FieldType::DateTime).system(),
    field("CreatedById", "Created By ID", USER).system(),
    field("LastModifiedDate", "Last Modified Date", FieldType::DateTime).system(),
    field("SystemModstamp", "System Modstamp", FieldType::DateTime).system(),
    field("External_Key__c", "External Key", FieldType::Text(255)).external_id(),
];

const OPPORTUNITY: &[FieldSchema] = &[
    field("Id", "Opportunity ID", FieldType::Id).system(),
    field("IsDeleted", "Deleted", FieldType::Boolean).system(),
    field("AccountId", "Account ID", FieldType::Reference(&["Account"], "Account")),
    field("Name", "Name", FieldType::Text(120)).required(),
    field("Description", "Description", FieldType::TextArea(32_000)),
    field(
        "StageName",
        "Stage",
        FieldType::Picklist(&["Prospecting", "Qualification", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost"]),
    )
    .required(),
    field("Amount", "Amount", FieldType::Number(NumberType::Currency)),
    field("Probability", "Probability (%)", FieldType::Number(NumberType::Percent)),
    field("CloseDate", "Close Date", FieldType::Date).required(),
    field("Type", "Opportunity Type", FieldType::Picklist(&["Existing Business", "New Business"])),
    field("LeadSource", "Lead Source", FieldType::Picklist(SOURCES)),
    field("IsClosed", "Closed", FieldType::Boolean).system(),
    field("IsWon", "Won", FieldType::Boolean).system(),
    field("OwnerId", "Owner ID", FieldType::Reference(&["User"], "Owner")).required(),
    field("CreatedDate", "Created Date", FieldType::DateTime).system(),
    field("CreatedById", "Created By ID", USER).system(),
    field("LastModifiedDate", "Last Modified Date", FieldType::DateTime).system(),
    field("SystemModstamp", "System Modstamp", FieldType::DateTime).system(),
    field("External_Key__c", "External Key", FieldType::Text(255)).external_id(),
];
