//! Objects and fields of the org, as far as this stand-in has them.

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Id,
    Text(u32),
    Email,
    Phone,
    Url,
    Picklist(&'static [&'static str]),
    /// A long text, which no query can filter by.
    TextArea(u32),
    Boolean,
    Moment,
    /// A day.
    Date,
    Number(NumberKind),
    /// Objects it may point to and the name under which their fields are reached.
    Reference(&'static [&'static str], &'static str),
}

/// What a number stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberKind {
    Double,
    Currency,
    Percent,
}

/// A field.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub kind: Kind,
    pub nillable: bool,
    /// Whether a caller may set it.
    pub writable: bool,
    /// Whether records can be found by it to be changed (upsert).
    pub external_id: bool,
    /// What a new record has in it when nothing is said.
    pub default: Option<&'static str>,
}

const fn field(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field { name, label, kind, nillable: true, writable: true, external_id: false, default: None }
}

impl Field {
    const fn required(mut self) -> Self {
        self.nillable = false;
        self
    }

    const fn system(mut self) -> Self {
        self.nillable = false;
        self.writable = false;
        self
    }

    const fn external_id(mut self) -> Self {
        self.external_id = true;
        self
    }

    const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    const fn computed(mut self) -> Self {
        self.writable = false;
        self
    }
}

/// An object.
#[derive(Debug, PartialEq, Eq)]
pub struct Object {
    pub name: &'static str,
    pub label: &'static str,
    pub key_prefix: &'static str,
    pub fields: &'static [Field],
    /// Whether records can be made, changed and deleted over the API. People are made and changed by control calls.
    pub writable: bool,
}

impl Object {
    /// The field of this name, without regard to case.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// The reference reached under this relationship name, and the object it leads to. Owners may be of two kinds, so
    /// their fields are those of the common object `Name`.
    pub fn relationship(&self, name: &str) -> Option<(&'static str, &'static Object)> {
        self.fields.iter().find_map(|field| match field.kind {
            Kind::Reference(targets, relationship) if relationship.eq_ignore_ascii_case(name) => {
                Some((relationship, if targets.len() > 1 { &NAME } else { find(targets.first()?)? }))
            }
            _ => None,
        })
    }
}

/// The object of this name, without regard to case.
pub fn find(name: &str) -> Option<&'static Object> {
    OBJECTS.iter().find(|object| object.name.eq_ignore_ascii_case(name))
}

const SOURCES: &[&str] = crate::sandbox::people::names::LEAD_SOURCES;
const USER: Kind = Kind::Reference(&["User"], "CreatedBy");

/// Every object that can be queried.
pub static OBJECTS: [Object; 8] = [
    Object { name: "Lead", label: "Lead", key_prefix: "00Q", fields: LEAD, writable: false },
    Object { name: "Contact", label: "Contact", key_prefix: "003", fields: CONTACT, writable: false },
    Object { name: "Account", label: "Account", key_prefix: "001", fields: ACCOUNT, writable: false },
    Object { name: "User", label: "User", key_prefix: "005", fields: USER_FIELDS, writable: false },
    Object { name: "Group", label: "Group", key_prefix: "00G", fields: GROUP, writable: false },
    Object { name: "Organization", label: "Organization", key_prefix: "00D", fields: ORGANIZATION, writable: false },
    Object { name: "Task", label: "Task", key_prefix: "00T", fields: TASK, writable: true },
    Object { name: "Opportunity", label: "Opportunity", key_prefix: "006", fields: OPPORTUNITY, writable: true },
];

static NAME: Object = Object {
    name: "Name",
    label: "Name",
    key_prefix: "",
    writable: false,
    fields: &[
        field("Id", "Name ID", Kind::Id).system(),
        field("Name", "Name", Kind::Text(255)).computed(),
        field("FirstName", "First Name", Kind::Text(40)).computed(),
        field("LastName", "Last Name", Kind::Text(80)).computed(),
        field("Type", "Type", Kind::Picklist(&["User", "Queue"])).computed(),
        field("Username", "Username", Kind::Text(80)).computed(),
        field("Email", "Email", Kind::Email).computed(),
        field("IsActive", "Active", Kind::Boolean).computed(),
    ],
};

const LEAD: &[Field] = &[
    field("Id", "Lead ID", Kind::Id).system(),
    field("IsDeleted", "Deleted", Kind::Boolean).system(),
    field("MasterRecordId", "Master Record ID", Kind::Reference(&["Lead"], "MasterRecord")).computed(),
    field("LastName", "Last Name", Kind::Text(80)).required(),
    field("FirstName", "First Name", Kind::Text(40)),
    field("Salutation", "Salutation", Kind::Picklist(&["Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."])),
    field("Name", "Full Name", Kind::Text(121)).computed(),
    field("Title", "Title", Kind::Text(128)),
    field("Company", "Company", Kind::Text(255)).required(),
    field("Phone", "Phone", Kind::Phone),
    field("MobilePhone", "Mobile Phone", Kind::Phone),
    field("Email", "Email", Kind::Email),
    field("Website", "Website", Kind::Url),
    field("LeadSource", "Lead Source", Kind::Picklist(SOURCES)),
    field(
        "Status",
        "Status",
        Kind::Picklist(&["Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted"]),
    )
    .required(),
    field("Industry", "Industry", Kind::Picklist(&[])),
    field("OwnerId", "Owner ID", Kind::Reference(&["Group", "User"], "Owner")).required(),
    field("HasOptedOutOfEmail", "Email Opt Out", Kind::Boolean).required(),
    field("IsConverted", "Converted", Kind::Boolean).system(),
    field("ConvertedDate", "Converted Date", Kind::Moment).computed(),
    field("ConvertedAccountId", "Converted Account ID", Kind::Reference(&["Account"], "ConvertedAccount")).computed(),
    field("ConvertedContactId", "Converted Contact ID", Kind::Reference(&["Contact"], "ConvertedContact")).computed(),
    field("ConvertedOpportunityId", "Converted Opportunity ID", Kind::Reference(&["Opportunity"], "ConvertedOpportunity")).computed(),
    field("CreatedDate", "Created Date", Kind::Moment).system(),
    field("CreatedById", "Created By ID", USER).system(),
    field("LastModifiedDate", "Last Modified Date", Kind::Moment).system(),
    field("SystemModstamp", "System Modstamp", Kind::Moment).system(),
    field("LinkedIn_URL__c", "LinkedIn URL", Kind::Url),
];

const CONTACT: &[Field] = &[
    field("Id", "Contact ID", Kind::Id).system(),
    field("IsDeleted", "Deleted", Kind::Boolean).system(),
    field("MasterRecordId", "Master Record ID", Kind::Reference(&["Contact"], "MasterRecord")).computed(),
    field("AccountId", "Account ID", Kind::Reference(&["Account"], "Account")),
    field("LastName", "Last Name", Kind::Text(80)).required(),
    field("FirstName", "First Name", Kind::Text(40)),
    field("Salutation", "Salutation", Kind::Picklist(&["Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."])),
    field("Name", "Full Name", Kind::Text(121)).computed(),
    field("Title", "Title", Kind::Text(128)),
    field("Department", "Department", Kind::Text(80)),
    field("Phone", "Business Phone", Kind::Phone),
    field("MobilePhone", "Mobile Phone", Kind::Phone),
    field("Email", "Email", Kind::Email),
    field("LeadSource", "Lead Source", Kind::Picklist(SOURCES)),
    field("OwnerId", "Owner ID", Kind::Reference(&["User"], "Owner")).required(),
    field("ReportsToId", "Reports To ID", Kind::Reference(&["Contact"], "ReportsTo")),
    field("HasOptedOutOfEmail", "Email Opt Out", Kind::Boolean).required(),
    field("CreatedDate", "Created Date", Kind::Moment).system(),
    field("CreatedById", "Created By ID", USER).system(),
    field("LastModifiedDate", "Last Modified Date", Kind::Moment).system(),
    field("SystemModstamp", "System Modstamp", Kind::Moment).system(),
    field("LinkedIn_URL__c", "LinkedIn URL", Kind::Url),
];

const ACCOUNT: &[Field] = &[
    field("Id", "Account ID", Kind::Id).system(),
    field("IsDeleted", "Deleted", Kind::Boolean).system(),
    field("Name", "Account Name", Kind::Text(255)).required(),
    field("Type", "Account Type", Kind::Picklist(&["Prospect", "Customer", "Partner"])),
    field("CreatedDate", "Created Date", Kind::Moment).system(),
    field("LastModifiedDate", "Last Modified Date", Kind::Moment).system(),
    field("SystemModstamp", "System Modstamp", Kind::Moment).system(),
];

const USER_FIELDS: &[Field] = &[
    field("Id", "User ID", Kind::Id).system(),
    field("Username", "Username", Kind::Text(80)).required(),
    field("LastName", "Last Name", Kind::Text(80)).required(),
    field("FirstName", "First Name", Kind::Text(40)),
    field("Name", "Full Name", Kind::Text(121)).computed(),
    field("Email", "Email", Kind::Email).required(),
    field("IsActive", "Active", Kind::Boolean).required(),
    field("UserType", "User Type", Kind::Picklist(&["Standard"])).system(),
    field("CreatedDate", "Created Date", Kind::Moment).system(),
    field("LastModifiedDate", "Last Modified Date", Kind::Moment).system(),
    field("SystemModstamp", "System Modstamp", Kind::Moment).system(),
];

const GROUP: &[Field] = &[
    field("Id", "Group ID", Kind::Id).system(),
    field("Name", "Name", Kind::Text(40)).required(),
    field("DeveloperName", "Developer Name", Kind::Text(80)),
    field("Type", "Type", Kind::Picklist(&["Queue", "Regular"])).required(),
];

const ORGANIZATION: &[Field] = &[
    field("Id", "Organization ID", Kind::Id).system(),
    field("Name", "Name", Kind::Text(80)).required(),
    field("OrganizationType", "Edition", Kind::Picklist(&["Developer Edition", "Enterprise Edition"])).system(),
    field("InstanceName", "Instance Name", Kind::Text(5)).system(),
    field("IsSandbox", "Is Sandbox", Kind::Boolean).system(),
];

const TASK: &[Field] = &[
    field("Id", "Activity ID", Kind::Id).system(),
    field("WhoId", "Name ID", Kind::Reference(&["Contact", "Lead"], "Who")),
    field("WhatId", "Related To ID", Kind::Reference(&["Account", "Opportunity"], "What")),
    field("Subject", "Subject", Kind::Text(255)),
    field("ActivityDate", "Due Date Only", Kind::Date),
    field("Status", "Status", Kind::Picklist(&["Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"]))
        .required()
        .default("Not Started"),
    field("Priority", "Priority", Kind::Picklist(&["High", "Normal", "Low"])).required().default("Normal"),
    field("OwnerId", "Assigned To ID", Kind::Reference(&["Group", "User"], "Owner")).required(),
    field("Description", "Description", Kind::TextArea(32_000)),
    field("TaskSubtype", "Task Subtype", Kind::Picklist(&["Task", "Email", "List Email", "Cadence", "Call"])).default("Task"),
    field("AccountId", "Account ID", Kind::Reference(&["Account"], "Account")).computed(),
    field("IsClosed", "Closed", Kind::Boolean).system(),
    field("CompletedDateTime", "Completed Date", Kind::Moment).computed(),
    field("IsArchived", "Archived", Kind::Boolean).system(),
    field("IsDeleted", "Deleted", Kind::Boolean).system(),
    field("CreatedDate", "Created Date", Kind::Moment).system(),
    field("CreatedById", "Created By ID", USER).system(),
    field("LastModifiedDate", "Last Modified Date", Kind::Moment).system(),
    field("SystemModstamp", "System Modstamp", Kind::Moment).system(),
    field("External_Key__c", "External Key", Kind::Text(255)).external_id(),
];

const OPPORTUNITY: &[Field] = &[
    field("Id", "Opportunity ID", Kind::Id).system(),
    field("IsDeleted", "Deleted", Kind::Boolean).system(),
    field("AccountId", "Account ID", Kind::Reference(&["Account"], "Account")),
    field("Name", "Name", Kind::Text(120)).required(),
    field("Description", "Description", Kind::TextArea(32_000)),
    field(
        "StageName",
        "Stage",
        Kind::Picklist(&["Prospecting", "Qualification", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost"]),
    )
    .required(),
    field("Amount", "Amount", Kind::Number(NumberKind::Currency)),
    field("Probability", "Probability (%)", Kind::Number(NumberKind::Percent)),
    field("CloseDate", "Close Date", Kind::Date).required(),
    field("Type", "Opportunity Type", Kind::Picklist(&["Existing Business", "New Business"])),
    field("LeadSource", "Lead Source", Kind::Picklist(SOURCES)),
    field("IsClosed", "Closed", Kind::Boolean).system(),
    field("IsWon", "Won", Kind::Boolean).system(),
    field("OwnerId", "Owner ID", Kind::Reference(&["User"], "Owner")).required(),
    field("CreatedDate", "Created Date", Kind::Moment).system(),
    field("CreatedById", "Created By ID", USER).system(),
    field("LastModifiedDate", "Last Modified Date", Kind::Moment).system(),
    field("SystemModstamp", "System Modstamp", Kind::Moment).system(),
    field("External_Key__c", "External Key", Kind::Text(255)).external_id(),
];
