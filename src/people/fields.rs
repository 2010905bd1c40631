//! The synced fields, each declared once. The record of a person, its columns and files, what the sync looks for in Marketo, stages,
//! compares and writes, and what the preview shows follow from the declaration below. A new field is added at its end, because files list
//! the columns in this order, as a column to `people` in a migration of each engine, and to the OpenAPI document, which is written from
//! the code.

use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};

use crate::clock::Timestamp;

/// What the values of a synced field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// The number by which Marketo knows a person.
    MarketoId,
    Text,
    /// A text that an index holds, and that is therefore shorter than others.
    EmailAddress,
    /// The id of a Salesforce record, kept with 18 characters.
    SalesforceId,
}

/// A synced field as it is declared.
#[derive(Debug)]
pub struct FieldDefinition {
    /// Our name: that of the column, and in JSON.
    pub name: &'static str,
    /// The name people know it by.
    pub title: &'static str,
    /// Marketo's REST names that the field may have, the likeliest first.
    pub marketo_names: &'static [&'static str],
    pub kind: FieldKind,
    /// What to do when a subscription lacks it.
    pub remedy_if_missing: &'static str,
    /// Its place in the preview, from 1.
    pub preview_position: usize,
}

const STANDARD_FIELD: &str = "Marketo has this field in every subscription: check in Marketo that the API user's role may read people.";
const FIELD_OF_SALESFORCE_SYNC: &str = "Set up the Salesforce sync in Marketo, which adds this field, then look at the preview again.";
const LINKEDIN_FIELD: &str = "To sync it, add a custom field of the type String with the API name linkedInURL in Marketo under Admin > Field Management; \
     people are synced without it otherwise.";

/// Declares [`Person`] and [`SyncField`]: of the key and of each text, the column, the variant and the rest of its [`FieldDefinition`].
macro_rules! declare_fields {
    (
        key: $(#[$key_meta:meta])* $key:ident $key_variant:ident { $($key_definition:tt)* }
        texts: $($(#[$meta:meta])* $column:ident $variant:ident { $($definition:tt)* })*
    ) => {
        /// A synced person. What Marketo has no value for is absent.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, utoipa::ToSchema)]
        pub struct Person {
            $(#[$key_meta])*
            pub $key: i64,
            $(
                $(#[$meta])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $column: Option<String>,
            )*
            /// The Salesforce user who owns the contact or else the lead.
            pub owner_id: String,
            /// When the copy last changed.
            pub synced_at: Timestamp,
        }

        impl Person {
            /// All columns, in order.
            pub const COLUMNS: &'static [&'static str] = &[stringify!($key), $(stringify!($column),)* "owner_id", "synced_at"];

            /// The values of [`SyncField::TEXTS`].
            #[must_use]
            pub fn texts(&self) -> [Option<&str>; SyncField::TEXTS.len()] {
                [$(self.$column.as_deref()),*]
            }
        }

        /// A synced field, by our name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum SyncField {
            $key_variant,
            $($variant),*
        }

        impl SyncField {
            /// All but the key, in the order of their columns.
            pub const TEXTS: &'static [Self] = &[$(Self::$variant),*];

            /// How it is declared.
            #[must_use]
            pub const fn definition(self) -> &'static FieldDefinition {
                match self {
                    Self::$key_variant => &FieldDefinition { name: stringify!($key), $($key_definition)* },
                    $(Self::$variant => &FieldDefinition { name: stringify!($column), $($definition)* },)*
                }
            }
        }
    };
}

declare_fields! {
    key:
    /// Marketo's id: the key.
    #[schema(minimum = 1)]
    marketo_id MarketoId {
        title: "Marketo Id",
        marketo_names: &["id"],
        kind: FieldKind::MarketoId,
        remedy_if_missing: STANDARD_FIELD,
        preview_position: 7,
    }

    texts:
    first_name FirstName {
        title: "First Name",
        marketo_names: &["firstName"],
        kind: FieldKind::Text,
        remedy_if_missing: STANDARD_FIELD,
        preview_position: 1,
    }
    last_name LastName {
        title: "Last Name",
        marketo_names: &["lastName"],
        kind: FieldKind::Text,
        remedy_if_missing: STANDARD_FIELD,
        preview_position: 2,
    }
    /// Two people may have the same address.
    email Email {
        title: "Email",
        marketo_names: &["email"],
        kind: FieldKind::EmailAddress,
        remedy_if_missing: STANDARD_FIELD,
        preview_position: 10,
    }
    company Company {
        title: "Company",
        marketo_names: &["company"],
        kind: FieldKind::Text,
        remedy_if_missing: STANDARD_FIELD,
        preview_position: 8,
    }
    title Title {
        title: "Job Title",
        marketo_names: &["title"],
        kind: FieldKind::Text,
        remedy_if_missing: STANDARD_FIELD,
        preview_position: 9,
    }
    phone Phone {
        title: "Phone",
        marketo_names: &["phone"],
        kind: FieldKind::Text,
        remedy_if_missing: STANDARD_FIELD,
        preview_position: 11,
    }
    linkedin_url LinkedinUrl {
        title: "LinkedIn URL",
        marketo_names: &["linkedInURL", "linkedinUrl", "linkedInUrl", "linkedIn_URL", "linkedInURL__c", "linkedIn_URL__c"],
        kind: FieldKind::Text,
        remedy_if_missing: LINKEDIN_FIELD,
        preview_position: 12,
    }
    /// Where the person came from, in Marketo's words.
    source Source {
        title: "Source",
        marketo_names: &["leadSource"],
        kind: FieldKind::Text,
        remedy_if_missing: STANDARD_FIELD,
        preview_position: 13,
    }
    /// 18 characters, as are all Salesforce ids here.
    salesforce_contact_id SalesforceContactId {
        title: "Salesforce Contact Id",
        marketo_names: &["sfdcContactId"],
        kind: FieldKind::SalesforceId,
        remedy_if_missing: FIELD_OF_SALESFORCE_SYNC,
        preview_position: 3,
    }
    salesforce_lead_id SalesforceLeadId {
        title: "Salesforce Lead Id",
        marketo_names: &["sfdcLeadId"],
        kind: FieldKind::SalesforceId,
        remedy_if_missing: FIELD_OF_SALESFORCE_SYNC,
        preview_position: 4,
    }
    salesforce_account_id SalesforceAccountId {
        title: "Salesforce Account Id",
        marketo_names: &["sfdcAccountId"],
        kind: FieldKind::SalesforceId,
        remedy_if_missing: FIELD_OF_SALESFORCE_SYNC,
        preview_position: 5,
    }
    salesforce_opportunity_id SalesforceOpportunityId {
        title: "Salesforce Opportunity Id",
        marketo_names: &["sfdcOpptyId"],
        kind: FieldKind::SalesforceId,
        remedy_if_missing: FIELD_OF_SALESFORCE_SYNC,
        preview_position: 6,
    }
}

impl SyncField {
    /// All, in the order of the preview.
    pub const ALL: [Self; 1 + Self::TEXTS.len()] = {
        let mut all = [Self::MarketoId; 1 + Self::TEXTS.len()];
        all[Self::MarketoId.definition().preview_position - 1] = Self::MarketoId;
        let mut index = 0;
        while index < Self::TEXTS.len() {
            all[Self::TEXTS[index].definition().preview_position - 1] = Self::TEXTS[index];
            index += 1;
        }
        all
    };
}

/// Written out, because the document names the fields in the order of the preview.
impl utoipa::PartialSchema for SyncField {
    fn schema() -> RefOr<Schema> {
        let names = Self::ALL.map(|field| field.definition().name);
        let field = ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).enum_values(Some(names));
        field.description(Some("A synced field, by our name.")).into()
    }
}

impl utoipa::ToSchema for SyncField {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_a_place_in_the_preview_and_its_column_as_name() {
        for (position, field) in (1..).zip(SyncField::ALL) {
            assert_eq!(field.definition().preview_position, position, "{field:?}");
            assert_eq!(serde_json::to_value(field).unwrap(), field.definition().name);
            assert!(Person::COLUMNS.contains(&field.definition().name));
        }
    }
}
