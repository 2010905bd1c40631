//! Gives every schema a name: generators make a type of each component, and an unnamed or second type of whatever is written in
//! place. Lists of rows, enums and objects refer to components; answers leave out what they lack, so nothing in them is null.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::responses::operations;

/// How the components of lists are named before: by the generic type.
const LISTING: &str = "Listing_";
const REFERENCE: &str = "#/components/schemas/";

/// Orders the schemas of the document.
pub(super) fn name_all(document: &mut Value) {
    rename_listings(document);
    hoist_titled(document);
    refer_to_components(document);
    merge_all_of(document);
    let in_requests = reachable_from_requests(document);
    for (_, schema) in schemas_of(document).iter_mut().filter(|(name, _)| !in_requests.contains(*name)) {
        drop_null(schema);
    }
}

fn schemas_of(document: &mut Value) -> &mut Map<String, Value> {
    document["components"]["schemas"].as_object_mut().expect("the document has schemas: the problem is one")
}

/// Calls `visit` with every object of the document, the outermost first.
fn visit_objects(value: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(object);
            object.values_mut().for_each(|one| visit_objects(one, visit));
        }
        Value::Array(array) => array.iter_mut().for_each(|one| visit_objects(one, visit)),
        _ => {}
    }
}

fn reference_to(name: &str) -> Value {
    json!(format!("{REFERENCE}{name}"))
}

fn referred_name(schema: &Map<String, Value>) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix(REFERENCE)
}

/// `Listing_Member` becomes `MemberPage`, whose rows refer to `Member`.
fn rename_listings(document: &mut Value) {
    let schemas = schemas_of(document);
    for name in schemas.keys().filter(|name| name.starts_with(LISTING)).cloned().collect::<Vec<_>>() {
        let row = name[LISTING.len()..].to_owned();
        if let Some(mut page) = schemas.remove(&name) {
            page["properties"]["data"]["items"] = json!({ "$ref": reference_to(&row) });
            schemas.insert(format!("{row}Page"), page);
        }
    }
    visit_objects(document, &mut |object| {
        if let Some(row) = referred_name(object).and_then(|name| name.strip_prefix(LISTING)) {
            let page = reference_to(&format!("{row}Page"));
            object.insert("$ref".to_owned(), page);
        }
    });
}

/// A schema in place whose title is a name becomes a component of that name. Parameters have no other way to say the name of their
/// type.
fn hoist_titled(document: &mut Value) {
    let mut hoisted = Map::new();
    for operation in operations(document) {
        for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(schema) = parameter.get_mut("schema").and_then(Value::as_object_mut) else { continue };
            let Some(title) = schema.get("title").and_then(Value::as_str).map(str::to_owned) else { continue };
            let mut component = std::mem::take(schema);
            component.remove("title");
            schema.insert("$ref".to_owned(), reference_to(&title));
            hoisted.insert(title, Value::Object(component));
        }
    }
    schemas_of(document).extend(hoisted);
}

/// What two schemas have in common that describe the same values.
fn shape(schema: &Map<String, Value>) -> Option<String> {
    let is_named_kind = schema.contains_key("enum") || schema.contains_key("properties");
    let told_elsewhere = ["description", "title", "example", "examples", "default"];
    let facts: Map<_, _> =
        schema.iter().filter(|(key, _)| !told_elsewhere.contains(&key.as_str())).map(|(key, value)| (key.clone(), value.clone())).collect();
    is_named_kind.then(|| Value::Object(facts).to_string())
}

/// Enums and objects that are written in place and equal a component refer to it.
fn refer_to_components(document: &mut Value) {
    let shapes: HashMap<_, _> =
        schemas_of(document).iter().filter_map(|(name, schema)| Some((shape(schema.as_object()?)?, name.clone()))).collect();
    let refer = |object: &mut Map<String, Value>| {
        if let Some(name) = shape(object).and_then(|shape| shapes.get(&shape)) {
            let description = object.remove("description");
            object.clear();
            object.insert("$ref".to_owned(), reference_to(name));
            object.extend(description.map(|text| ("description".to_owned(), text)));
        }
    };
    visit_objects(&mut document["paths"], &mut { refer });
    for component in schemas_of(document).values_mut().filter_map(Value::as_object_mut) {
        component.values_mut().for_each(|part| visit_objects(part, &mut { refer }));
    }
}

/// An object that is composed of others is written as one.
fn merge_all_of(document: &mut Value) {
    let before = schemas_of(document).clone();
    for schema in schemas_of(document).values_mut().filter_map(Value::as_object_mut) {
        let Some(Value::Array(parts)) = schema.remove("allOf") else { continue };
        let (mut properties, mut required) = (Map::new(), BTreeSet::new());
        for part in parts {
            let whole = part.as_object().and_then(referred_name).and_then(|name| before.get(name)).cloned().unwrap_or(part);
            properties.extend(whole["properties"].as_object().cloned().unwrap_or_default());
            required.extend(whole["required"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
        }
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("properties".to_owned(), Value::Object(properties));
        schema.insert("required".to_owned(), json!(required));
    }
}

/// The components that bodies of requests and parameters are made of. There, null is taken for what is left out.
fn reachable_from_requests(document: &mut Value) -> BTreeSet<String> {
    let mut names = Vec::new();
    for operation in operations(document) {
        for part in ["requestBody", "parameters"] {
            if let Some(part) = operation.get_mut(part) {
                visit_objects(part, &mut |object| names.extend(referred_name(object).map(str::to_owned)));
            }
        }
    }
    let mut found = BTreeSet::new();
    while let Some(name) = names.pop() {
        if found.insert(name.clone())
            && let Some(schema) = schemas_of(document).get_mut(&name)
        {
            visit_objects(schema, &mut |object| names.extend(referred_name(object).map(str::to_owned)));
        }
    }
    found
}

/// Takes null from what a schema allows, at any depth.
fn drop_null(schema: &mut Value) {
    let is_null = |one: &Value| one == "null" || one["type"] == "null";
    visit_objects(schema, &mut |object| {
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|one| !is_null(one));
            if let [only] = types.as_slice() {
                let only = only.clone();
                object.insert("type".to_owned(), only);
            }
        }
        let Some(Value::Array(choices)) = object.get_mut("oneOf") else { return };
        choices.retain(|one| !is_null(one));
        if choices.len() == 1
            && let Some(Value::Object(only)) = choices.pop()
        {
            object.remove("oneOf");
            for (key, value) in only {
                object.entry(key).or_insert(value);
            }
        }
    });
}
