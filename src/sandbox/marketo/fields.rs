//! The fields of a person in this subscription: standard ones, those of the Salesforce sync and one custom field.

use serde_json::{Value, json};

use crate::sandbox::people::person::SandboxPerson;

/// One field of a person.
#[derive(Debug, Clone, Copy)]
pub struct MarketoField {
    pub id: u32,
    pub name: &'static str,
    pub label: &'static str,
    pub data_type: &'static str,
    pub length: Option<u32>,
    pub is_read_only: bool,
    soap: Option<&'static str>,
    /// Whether Get Leads may filter by it.
    pub is_searchable: bool,
}

const fn field(id: u32, name: &'static str, label: &'static str, data_type: &'static str, length: u32) -> MarketoField {
    MarketoField {
        id,
        name,
        label,
        data_type,
        length: if length == 0 { None } else { Some(length) },
        is_read_only: false,
        soap: None,
        is_searchable: false,
    }
}

impl MarketoField {
    const fn read_only(mut self) -> Self {
        self.is_read_only = true;
        self
    }

    const fn soap(mut self, name: &'static str) -> Self {
        self.soap = Some(name);
        self
    }

    const fn searchable(mut self) -> Self {
        self.is_searchable = true;
        self
    }

    fn is_crm_managed(&self) -> bool {
        self.name.starts_with("sfdc")
    }
}

/// Every field of the subscription.
pub const FIELDS: &[MarketoField] = &[
    field(2, "company", "Company Name", "string", 255).soap("Company"),
    field(3, "site", "Site", "string", 255).soap("Site"),
    field(4, "billingStreet", "Billing Address", "text", 2000).soap("BillingStreet"),
    field(5, "billingCity", "Billing City", "string", 255).soap("BillingCity"),
    field(6, "billingState", "Billing State", "string", 255).soap("BillingState"),
    field(7, "billingCountry", "Billing Country", "string", 255).soap("BillingCountry"),
    field(8, "billingPostalCode", "Billing Postal Code", "string", 255).soap("BillingPostalCode"),
    field(9, "website", "Website", "url", 255).soap("Website"),
    field(10, "mainPhone", "Main Phone", "phone", 255).soap("MainPhone"),
    field(11, "annualRevenue", "Annual Revenue", "currency", 0).soap("AnnualRevenue"),
    field(12, "numberOfEmployees", "Num Employees", "integer", 0).soap("NumberOfEmployees"),
    field(13, "industry", "Industry", "string", 255).soap("Industry"),
    field(14, "sicCode", "SIC Code", "string", 40).soap("SICCode"),
    field(16, "mktoCompanyNotes", "Company Notes", "text", 2000).soap("MktoCompanyNotes"),
    field(24, "externalCompanyId", "External Company Id", "string", 100).soap("ExternalCompanyId").searchable(),
    field(29, "id", "Id", "integer", 0).read_only().soap("Id").searchable(),
    field(30, "mktoName", "Full Name", "string", 255).read_only().soap("MktoName"),
    field(31, "personType", "Person Type", "string", 50).soap("PersonType"),
    field(33, "mktoIsPartner", "Is Partner", "boolean", 0).soap("MktoIsPartner"),
    field(44, "salutation", "Salutation", "string", 255).soap("Salutation"),
    field(48, "firstName", "First Name", "string", 255).soap("FirstName"),
    field(49, "middleName", "Middle Name", "string", 255).soap("MiddleName"),
    field(50, "lastName", "Last Name", "string", 255).soap("LastName"),
    field(51, "email", "Email Address", "email", 255).soap("Email").searchable(),
    field(52, "phone", "Phone Number", "phone", 255).soap("Phone"),
    field(53, "mobilePhone", "Mobile Phone Number", "phone", 255).soap("MobilePhone"),
    field(54, "fax", "Fax Number", "phone", 255).soap("Fax"),
    field(55, "title", "Job Title", "string", 255).soap("Title"),
    field(57, "dateOfBirth", "Date of Birth", "date", 0).soap("DateofBirth"),
    field(58, "address", "Address", "text", 2000).soap("Address"),
    field(59, "city", "City", "string", 255).soap("City"),
    field(60, "state", "State", "string", 255).soap("State"),
    field(61, "country", "Country", "string", 255).soap("Country"),
    field(62, "postalCode", "Postal Code", "string", 255).soap("PostalCode"),
    field(64, "leadSource", "Lead Source", "string", 255).soap("LeadSource"),
    field(65, "originalSourceType", "Original Source Type", "string", 255).read_only().soap("OriginalSourceType"),
    field(66, "leadStatus", "Lead Status", "string", 255).soap("LeadStatus"),
    field(67, "leadScore", "Lead Score", "integer", 0).soap("LeadScore"),
    field(68, "rating", "Lead Rating", "string", 255).soap("Rating"),
    field(69, "department", "Department", "string", 255).soap("Department"),
    field(70, "doNotCall", "Do Not Call", "boolean", 0).soap("DoNotCall"),
    field(72, "unsubscribed", "Unsubscribed", "boolean", 0).soap("Unsubscribed"),
    field(73, "unsubscribedReason", "Unsubscribed Reason", "text", 2000).soap("UnsubscribedReason"),
    field(74, "emailInvalid", "Email Invalid", "boolean", 0).soap("EmailInvalid"),
    field(80, "createdAt", "Created At", "datetime", 0).read_only().soap("CreatedAt"),
    field(81, "updatedAt", "Updated At", "datetime", 0).read_only().soap("UpdatedAt"),
    field(82, "cookies", "Cookies", "string", 255).soap("Cookies").searchable(),
    field(90, "sfdcType", "SFDC Type", "string", 50).read_only().soap("SFDCType"),
    field(91, "sfdcId", "SFDC Id", "string", 255).read_only().soap("SFDCId"),
    field(92, "sfdcLeadId", "SFDC Lead Id", "string", 255).read_only().soap("SFDCLeadId").searchable(),
    field(93, "sfdcContactId", "SFDC Contact Id", "string", 255).read_only().soap("SFDCContactId").searchable(),
    field(94, "sfdcAccountId", "SFDC Account Id", "string", 255).read_only().soap("SFDCAccountId").searchable(),
    field(95, "sfdcOpptyId", "SFDC Opportunity Id", "string", 255).read_only().soap("SFDCOpptyId").searchable(),
    field(96, "sfdcLeadOwnerId", "SFDC Lead Owner Id", "string", 255).read_only().soap("SFDCLeadOwnerId").searchable(),
    field(97, "sfdcContactOwnerId", "SFDC Contact Owner Id", "string", 255).read_only().soap("SFDCContactOwnerId"),
    field(1001, "linkedInURL", "LinkedIn URL", "string", 255).searchable(),
    field(1002, "newsletterLanguage", "Newsletter Language", "string", 255).searchable(),
];

/// The field with this REST name. Names are compared with their case.
pub fn find_field(name: &str) -> Option<&'static MarketoField> {
    FIELDS.iter().find(|field| field.name == name)
}

/// An element of `describe.json`'s result.
pub fn describe_field(field: &MarketoField) -> Value {
    let mut rendered = json!({
        "id": field.id,
        "displayName": field.label,
        "dataType": field.data_type,
        "rest": {"name": field.name, "readOnly": field.is_read_only},
    });
    if let Some(length) = field.length {
        rendered["length"] = json!(length);
    }
    if let Some(soap) = field.soap {
        rendered["soap"] = json!({"name": soap, "readOnly": field.is_read_only});
    }
    rendered
}

/// An element of `describe2.json`'s `fields`.
pub fn describe2_field(field: &MarketoField) -> Value {
    let mut rendered = json!({
        "name": field.name,
        "displayName": field.label,
        "dataType": field.data_type,
        "updateable": !field.is_read_only,
        "crmManaged": field.is_crm_managed(),
    });
    if let Some(length) = field.length {
        rendered["length"] = json!(length);
    }
    rendered
}

/// A field's value as JSON of its type; null when empty.
pub fn field_json(person: &SandboxPerson, field: &MarketoField) -> Value {
    match person.marketo_value(field.name) {
        None => Value::Null,
        Some(text) => match field.data_type {
            "integer" => text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)),
            "boolean" => json!(text == "true"),
            _ => json!(text),
        },
    }
}
