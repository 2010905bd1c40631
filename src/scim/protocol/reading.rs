//! Reading a resource that a client sends (RFC 7643, section 2.1 and 2.2): names of attributes in any case, null for nothing,
//! and what clients can't set passed over.

use serde_json::{Map, Value};

use super::ScimRefusal;
use super::schema::{Attribute, AttributeKind, Mutability, Schema};

/// The attributes that the client may set, named as the schema names them and of the form it says. Attributes that the schema
/// doesn't know are passed over (RFC 7644, section 3.3).
///
/// # Errors
/// [`ScimRefusal::InvalidSyntax`] when it is no object that names the schema; [`ScimRefusal::InvalidValue`] with every error.
pub fn read(schema: &Schema, body: &Value) -> Result<Map<String, Value>, ScimRefusal> {
    let Value::Object(members) = body else { return Err(ScimRefusal::InvalidSyntax("the body must be a JSON object".into())) };
    let schemas = members.iter().find(|(name, _)| name.eq_ignore_ascii_case("schemas")).map(|(_, named)| named);
    let named = schemas
        .and_then(Value::as_array)
        .is_some_and(|named| named.iter().filter_map(Value::as_str).any(|one| one.eq_ignore_ascii_case(schema.id)));
    if !named {
        return Err(ScimRefusal::InvalidSyntax(format!("schemas must name {}", schema.id)));
    }
    let mut errors = Vec::new();
    let mut read = Map::new();
    for (name, value) in members {
        let Some(attribute) = schema.attribute(name) else { continue };
        if attribute.mutability == Mutability::ReadOnly || attribute.always {
            continue;
        }
        if let Some(value) = read_attribute(attribute, attribute.name, value, &mut errors) {
            read.insert(attribute.name.to_owned(), value);
        }
    }
    for attribute in schema.attributes {
        if attribute.required && !read.contains_key(attribute.name) {
            errors.push(format!("{} is missing", attribute.name));
        }
    }
    if errors.is_empty() { Ok(read) } else { Err(ScimRefusal::InvalidValue(errors.join("; "))) }
}

/// The value, or none when it stands for nothing.
fn read_attribute(attribute: &'static Attribute, path: &str, value: &Value, errors: &mut Vec<String>) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(values) if attribute.multi_valued => {
            let read: Vec<_> = values.iter().filter_map(|value| read_one(attribute, path, value, errors)).collect();
            (!read.is_empty()).then(|| read.into())
        }
        // One value in place of an array is what some clients send.
        value if attribute.multi_valued => read_one(attribute, path, value, errors).map(|one| vec![one].into()),
        value => read_one(attribute, path, value, errors),
    }
}

fn read_one(attribute: &'static Attribute, path: &str, value: &Value, errors: &mut Vec<String>) -> Option<Value> {
    match (attribute.kind, value) {
        (AttributeKind::String | AttributeKind::Reference(_) | AttributeKind::DateTime, Value::String(text)) => {
            let canonical = attribute.canonical.iter().find(|one| one.eq_ignore_ascii_case(text));
            match canonical {
                Some(canonical) => Some((*canonical).into()),
                None if attribute.canonical.is_empty() => Some(value.clone()),
                None => {
                    errors.push(format!("{path} is one of {}", attribute.canonical.join(", ")));
                    None
                }
            }
        }
        (AttributeKind::Boolean, Value::Bool(_)) => Some(value.clone()),
        // Entra ID sends "True" and "False".
        (AttributeKind::Boolean, Value::String(text)) if matches!(text.to_ascii_lowercase().as_str(), "true" | "false") => {
            Some(text.eq_ignore_ascii_case("true").into())
        }
        (AttributeKind::Complex(_), Value::Object(members)) => {
            let mut read = Map::new();
            for (name, value) in members {
                let Some(sub) = attribute.sub(name) else { continue };
                if sub.mutability == Mutability::ReadOnly {
                    continue;
                }
                if let Some(value) = read_attribute(sub, &format!("{path}.{}", sub.name), value, errors) {
                    read.insert(sub.name.to_owned(), value);
                }
            }
            for sub in attribute.subs().iter().filter(|sub| sub.required) {
                if !read.contains_key(sub.name) {
                    errors.push(format!("{path}.{} is missing", sub.name));
                }
            }
            (!read.is_empty()).then(|| read.into())
        }
        // Some clients send roles and the like as plain texts.
        (AttributeKind::Complex(_), Value::String(_)) if attribute.multi_valued && attribute.sub("value").is_some() => {
            let one = serde_json::json!({ "value": value });
            read_one(attribute, path, &one, errors)
        }
        (kind, _) => {
            let wanted = match kind {
                AttributeKind::Boolean => "true or false",
                AttributeKind::Complex(_) => "an object",
                _ => "a text",
            };
            errors.push(format!("{path} must be {wanted}"));
            None
        }
    }
}
