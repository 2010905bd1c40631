//! Objects and fields as the describe calls show them.

use serde_json::{Value, json};

use super::schema::{Field, Kind, NumberKind, OBJECTS, Object};

/// Every object, without fields.
pub fn global(version: &str) -> Value {
    let shown: Vec<Value> = OBJECTS.iter().map(|object| brief(object, version)).collect();
    json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": shown})
}

/// An object without its fields.
pub fn brief(object: &Object, version: &str) -> Value {
    let base = format!("/services/data/{version}/sobjects/{}", object.name);
    json!({
        "name": object.name,
        "label": object.label,
        "labelPlural": format!("{}s", object.label),
        "keyPrefix": object.key_prefix,
        "custom": false,
        "createable": object.writable,
        "updateable": object.writable,
        "deletable": object.writable,
        "queryable": true,
        "replicateable": true,
        "retrieveable": true,
        "searchable": true,
        "urls": {"sobject": base, "describe": format!("{base}/describe"), "rowTemplate": format!("{base}/{{ID}}")},
    })
}

/// An object with its fields.
pub fn full(object: &Object, version: &str) -> Value {
    let mut shown = brief(object, version);
    shown["recordTypeInfos"] = json!([]);
    shown["childRelationships"] = json!([]);
    shown["fields"] = object.fields.iter().map(described).collect();
    shown
}

fn described(field: &Field) -> Value {
    let (kind, length, picklist): (&str, u32, &[&str]) = match field.kind {
        Kind::Id => ("id", 18, &[]),
        Kind::Text(length) => ("string", length, &[]),
        Kind::Email => ("email", 80, &[]),
        Kind::Phone => ("phone", 40, &[]),
        Kind::Url => ("url", 255, &[]),
        Kind::Picklist(values) => ("picklist", 255, values),
        Kind::TextArea(length) => ("textarea", length, &[]),
        Kind::Boolean => ("boolean", 0, &[]),
        Kind::Moment => ("datetime", 0, &[]),
        Kind::Date => ("date", 0, &[]),
        Kind::Number(NumberKind::Double) => ("double", 0, &[]),
        Kind::Number(NumberKind::Currency) => ("currency", 0, &[]),
        Kind::Number(NumberKind::Percent) => ("percent", 0, &[]),
        Kind::Reference(..) => ("reference", 18, &[]),
    };
    let (targets, relationship): (&[&str], Option<&str>) = match field.kind {
        Kind::Reference(targets, relationship) => (targets, Some(relationship)),
        _ => (&[], None),
    };
    json!({
        "name": field.name,
        "label": field.label,
        "type": kind,
        "length": length,
        "byteLength": length * 3,
        "custom": field.name.ends_with("__c"),
        "nillable": field.nillable,
        "createable": field.writable,
        "updateable": field.writable,
        "filterable": kind != "textarea",
        "sortable": kind != "textarea",
        "externalId": field.external_id,
        "unique": field.external_id,
        "calculated": false,
        "defaultedOnCreate": !field.writable || kind == "boolean" || field.default.is_some() || field.name == "OwnerId",
        "namePointing": targets.len() > 1,
        "polymorphicForeignKey": targets.len() > 1,
        "referenceTo": targets,
        "relationshipName": relationship,
        "picklistValues": picklist.iter().map(|value| json!({"value": value, "label": value, "active": true, "defaultValue": field.default == Some(*value)})).collect::<Value>(),
    })
}
