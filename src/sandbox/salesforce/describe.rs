//! Objects and fields as the describe calls show them.

use serde_json::{Value, json};

use super::schema::{FieldSchema, FieldType, NumberType, OBJECTS, ObjectSchema};

/// Every object, without fields.
pub fn list_objects(version: &str) -> Value {
    let rendered: Vec<Value> = OBJECTS.iter().map(|object| summarize_object(object, version)).collect();
    json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": rendered})
}

/// An object without its fields.
pub fn summarize_object(object: &ObjectSchema, version: &str) -> Value {
    let base = format!("/services/data/{version}/sobjects/{}", object.name);
    json!({
        "name": object.name,
        "label": object.label,
        "labelPlural": format!("{}s", object.label),
        "keyPrefix": object.key_prefix,
        "custom": false,
        "createable": object.is_writable,
        "updateable": object.is_writable,
        "deletable": object.is_writable,
        "queryable": true,
        "replicateable": true,
        "retrieveable": true,
        "searchable": true,
        "urls": {"sobject": base, "describe": format!("{base}/describe"), "rowTemplate": format!("{base}/{{ID}}")},
    })
}

/// An object with its fields.
pub fn describe_object(object: &ObjectSchema, version: &str) -> Value {
    let mut rendered = summarize_object(object, version);
    rendered["recordTypeInfos"] = json!([]);
    rendered["childRelationships"] = json!([]);
    rendered["fields"] = object.fields.iter().map(describe_field).collect();
    rendered
}

fn describe_field(field: &FieldSchema) -> Value {
    let (kind, length, picklist): (&str, u32, &[&str]) = match field.field_type {
        FieldType::Id => ("id", 18, &[]),
        FieldType::Text(length) => ("string", length, &[]),
        FieldType::Email => ("email", 80, &[]),
        FieldType::Phone => ("phone", 40, &[]),
        FieldType::Url => ("url", 255, &[]),
        FieldType::Picklist(values) => ("picklist", 255, values),
        FieldType::TextArea(length) => ("textarea", length, &[]),
        FieldType::Boolean => ("boolean", 0, &[]),
        FieldType::DateTime => ("datetime", 0, &[]),
        FieldType::Date => ("date", 0, &[]),
        FieldType::Number(NumberType::Double) => ("double", 0, &[]),
        FieldType::Number(NumberType::Currency) => ("currency", 0, &[]),
        FieldType::Number(NumberType::Percent) => ("percent", 0, &[]),
        FieldType::Reference(..) => ("reference", 18, &[]),
    };
    let (targets, relationship): (&[&str], Option<&str>) = match field.field_type {
        FieldType::Reference(targets, relationship) => (targets, Some(relationship)),
        _ => (&[], None),
    };
    json!({
        "name": field.name,
        "label": field.label,
        "type": kind,
        "length": length,
        "byteLength": length * 3,
        "custom": field.name.ends_with("__c"),
        "nillable": field.is_nillable,
        "createable": field.is_writable,
        "updateable": field.is_writable,
        "filterable": kind != "textarea",
        "sortable": kind != "textarea",
        "externalId": field.is_external_id,
        "unique": field.is_external_id,
        "calculated": false,
        "defaultedOnCreate": !field.is_writable || kind == "boolean" || field.default.is_some() || field.name == "OwnerId",
        "namePointing": targets.len() > 1,
        "polymorphicForeignKey": targets.len() > 1,
        "referenceTo": targets,
        "relationshipName": relationship,
        "picklistValues": picklist.iter().map(|value| json!({"value": value, "label": value, "active": true, "defaultValue": field.default == Some(*value)})).collect::<Value>(),
    })
}
