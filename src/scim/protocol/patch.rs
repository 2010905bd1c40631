//! Changing a resource (RFC 7644, section 3.5.2). The operations are applied to the resource as JSON; what comes out is read as a
//! replacement would be, so that both obey one set of rules. Either all operations are applied or none.

use scim_v2::filter::{AttrExp, AttrPath, CompValue, CompareOp, PatchPath, PatchValuePath, ValFilter};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::ScimRefusal;
use super::filter::value_passes;
use super::schema::{Attribute, Mutability, Schema};

/// The schema of the body.
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// Most operations of a request.
pub const MAX_OPERATIONS: usize = 1000;

/// The body of a change.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Patch {
    #[serde(default)]
    pub schemas: Vec<String>,
    #[serde(rename = "Operations", alias = "operations")]
    pub operations: Vec<PatchOperation>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PatchOperation {
    /// `add`, `replace` or `remove`, in any case, as Entra ID sends it.
    pub op: String,
    pub path: Option<String>,
    pub value: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

/// The resource after all operations.
///
/// # Errors
/// The [`ScimRefusal`] of the first operation that can't be applied.
pub fn apply(schema: &Schema, resource: &Value, patch: &Patch) -> Result<Value, ScimRefusal> {
    if !patch.schemas.iter().any(|named| named.eq_ignore_ascii_case(PATCH_OP)) {
        return Err(ScimRefusal::InvalidSyntax(format!("schemas must name {PATCH_OP}")));
    }
    if patch.operations.is_empty() || patch.operations.len() > MAX_OPERATIONS {
        return Err(ScimRefusal::InvalidSyntax(format!("Operations holds 1 to {MAX_OPERATIONS} operations")));
    }
    let mut changed = resource.as_object().cloned().unwrap_or_default();
    for operation in &patch.operations {
        let verb = match operation.op.to_ascii_lowercase().as_str() {
            "add" => Verb::Add,
            "replace" => Verb::Replace,
            "remove" => Verb::Remove,
            _ => return Err(ScimRefusal::InvalidSyntax(format!("{:?} is no operation; use add, replace or remove", operation.op))),
        };
        let value = operation.value.clone().unwrap_or(Value::Null);
        match (&operation.path, verb) {
            (Some(path), _) => apply_at(schema, &mut changed, verb, path, value)?,
            (None, Verb::Remove) => return Err(ScimRefusal::NoTarget("(none)".into())),
            (None, _) => {
                let Value::Object(members) = value else {
                    return Err(ScimRefusal::InvalidValue("without a path, the value is an object of attributes".into()));
                };
                for (path, value) in members {
                    // A whole resource may be sent; what only we set is passed over then.
                    if !schema.attribute(&path).is_some_and(|attribute| attribute.mutability == Mutability::ReadOnly || attribute.always) {
                        apply_at(schema, &mut changed, verb, &path, value)?;
                    }
                }
            }
        }
    }
    Ok(changed.into())
}

fn apply_at(schema: &Schema, resource: &mut Map<String, Value>, verb: Verb, path: &str, value: Value) -> Result<(), ScimRefusal> {
    let unknown = || ScimRefusal::InvalidPath(format!("{path:?} names no attribute"));
    if schema.passes_over_extension(path) {
        return Ok(());
    }
    let parsed: PatchPath = path.parse().map_err(|_| unknown())?;
    let at = match &parsed {
        PatchPath::Attr(attr) => attr,
        PatchPath::Value(value_path) => &value_path.attr,
    };
    let sub = match &parsed {
        PatchPath::Attr(attr) => attr.sub_attr.as_deref(),
        PatchPath::Value(value_path) => value_path.sub_attr.as_deref(),
    };
    // Not kept when a whole resource is sent, so not refused when it is sent alone.
    if schema.passes_over(&at.name, sub) {
        return Ok(());
    }
    let attribute = resolve(schema, at).ok_or_else(unknown)?;
    if attribute.mutability == Mutability::ReadOnly || attribute.always {
        return Err(ScimRefusal::Mutability(format!("{} can't be changed by clients", attribute.name)));
    }
    // To set nothing is to remove.
    let verb = if value.is_null() { Verb::Remove } else { verb };
    match &parsed {
        PatchPath::Value(value_path) => at_values(attribute, resource, verb, value_path, value),
        PatchPath::Attr(AttrPath { sub_attr: Some(name), .. }) => {
            let sub = attribute.sub(name).ok_or_else(unknown)?;
            at_sub(attribute, sub, resource, verb, value)
        }
        PatchPath::Attr(_) => at_attribute(attribute, resource, verb, value),
    }
}

fn resolve(schema: &Schema, path: &AttrPath) -> Option<&'static Attribute> {
    if path.uri.as_deref().is_some_and(|uri| !uri.eq_ignore_ascii_case(schema.id)) {
        return None;
    }
    schema.attribute(&path.name)
}

fn values_of(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        value => vec![value],
    }
}

fn at_attribute(attribute: &Attribute, resource: &mut Map<String, Value>, verb: Verb, value: Value) -> Result<(), ScimRefusal> {
    let name = attribute.name;
    match verb {
        Verb::Remove if attribute.multi_valued && !value.is_null() => {
            // Entra ID removes members by naming them in the value.
            let gone = values_of(value);
            let left: Vec<_> = values_of(resource.remove(name).unwrap_or_else(|| Value::Array(Vec::new())))
                .into_iter()
                .filter(|one| !gone.iter().any(|other| same_value(one, other)))
                .collect();
            keep(attribute, resource, left)
        }
        Verb::Remove => {
            refuse_if_required(attribute)?;
            resource.remove(name);
            Ok(())
        }
        Verb::Replace if attribute.multi_valued => {
            resource.insert(name.to_owned(), values_of(value).into());
            Ok(())
        }
        Verb::Add if attribute.multi_valued => {
            let mut all = resource.remove(name).map(values_of).unwrap_or_default();
            let added = values_of(value);
            if added.iter().any(is_primary) {
                all.iter_mut().for_each(be_secondary);
            }
            for one in added {
                if !all.iter().any(|other| same_value(&one, other)) {
                    all.push(one);
                }
            }
            resource.insert(name.to_owned(), all.into());
            Ok(())
        }
        _ => {
            match (resource.get_mut(name), value) {
                (Some(Value::Object(old)), Value::Object(new)) => {
                    old.extend(new.into_iter().map(|(key, value)| (own_name(attribute, key), value)))
                }
                (_, value) => drop(resource.insert(name.to_owned(), value)),
            }
            Ok(())
        }
    }
}

fn is_true(value: &Value) -> bool {
    *value == true || value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

fn is_primary(value: &Value) -> bool {
    value.get("primary").is_some_and(is_true)
}

/// One value at most is the primary one: who makes another so takes it from the rest (RFC 7644, section 3.5.2).
fn be_secondary(value: &mut Value) {
    if is_primary(value) {
        value["primary"] = false.into();
    }
}

/// The name of a sub-attribute as the schema writes it.
fn own_name(attribute: &Attribute, name: String) -> String {
    attribute.sub(&name).map_or(name, |sub| sub.name.to_owned())
}

/// Whether two values of a multi-valued attribute are the same one: by `value`, if they have it.
fn same_value(one: &Value, other: &Value) -> bool {
    match (one.get("value"), other.get("value")) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

fn refuse_if_required(attribute: &Attribute) -> Result<(), ScimRefusal> {
    match attribute.required {
        true => Err(ScimRefusal::Mutability(format!("{} is required and can't be removed", attribute.name))),
        false => Ok(()),
    }
}

fn keep(attribute: &Attribute, resource: &mut Map<String, Value>, values: Vec<Value>) -> Result<(), ScimRefusal> {
    if values.is_empty() {
        refuse_if_required(attribute)?;
    } else {
        resource.insert(attribute.name.to_owned(), values.into());
    }
    Ok(())
}

fn at_sub(attribute: &Attribute, sub: &Attribute, resource: &mut Map<String, Value>, verb: Verb, value: Value) -> Result<(), ScimRefusal> {
    if verb == Verb::Remove && attribute.required && sub.required {
        return Err(ScimRefusal::Mutability(format!("{}.{} is required and can't be removed", attribute.name, sub.name)));
    }
    let empty = || if attribute.multi_valued { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
    let slot = resource.entry(attribute.name).or_insert_with(empty);
    // Of several values, each gets it.
    let objects = match slot {
        Value::Array(values) => values.iter_mut().filter_map(Value::as_object_mut).collect(),
        Value::Object(members) => vec![members],
        _ => Vec::new(),
    };
    for members in objects {
        match verb {
            Verb::Remove => drop(members.remove(sub.name)),
            _ => drop(members.insert(sub.name.to_owned(), value.clone())),
        }
    }
    Ok(())
}

fn at_values(
    attribute: &'static Attribute,
    resource: &mut Map<String, Value>,
    verb: Verb,
    path: &PatchValuePath,
    value: Value,
) -> Result<(), ScimRefusal> {
    let sub = match &path.sub_attr {
        Some(name) => Some(attribute.sub(name).ok_or_else(|| ScimRefusal::InvalidPath(format!("{path} names no attribute")))?),
        None => None,
    };
    let bad = |refusal| match refusal {
        ScimRefusal::InvalidFilter(text) => ScimRefusal::InvalidPath(text),
        other => other,
    };
    let mut values = resource.remove(attribute.name).map(values_of).unwrap_or_default();
    let chosen: Vec<bool> = values.iter().map(|one| value_passes(attribute, one, &path.filter)).collect::<Result<_, _>>().map_err(bad)?;
    if !chosen.contains(&true) {
        // Entra ID adds the first work address by such a path.
        match (verb, added(attribute, path, sub, &value)) {
            (Verb::Add, Some(one)) => values.push(one),
            _ => return Err(ScimRefusal::NoTarget(path.to_string())),
        }
        resource.insert(attribute.name.to_owned(), values.into());
        return Ok(());
    }
    let makes_primary = match sub {
        Some(sub) => sub.name == "primary" && is_true(&value),
        None => is_primary(&value),
    };
    let mut at = 0;
    values.retain_mut(|one| {
        at += 1;
        if !chosen[at - 1] {
            if makes_primary {
                be_secondary(one);
            }
            return true;
        }
        match (verb, sub, one.as_object_mut(), &value) {
            (Verb::Remove, None, _, _) => return false,
            (Verb::Remove, Some(sub), Some(members), _) => drop(members.remove(sub.name)),
            (_, Some(sub), Some(members), value) => drop(members.insert(sub.name.to_owned(), value.clone())),
            (_, None, Some(members), Value::Object(new)) => {
                members.extend(new.iter().map(|(key, value)| (own_name(attribute, key.clone()), value.clone())));
            }
            (_, _, _, value) => *one = value.clone(),
        }
        true
    });
    keep(attribute, resource, values)
}

/// The value that an `add` with a filter of one equality makes: what the filter asks for, and what is added.
fn added(attribute: &Attribute, path: &PatchValuePath, sub: Option<&Attribute>, value: &Value) -> Option<Value> {
    let ValFilter::Attr(AttrExp::Comparison(asked, CompareOp::Eq, CompValue::Str(text))) = &path.filter else { return None };
    let mut members = Map::new();
    members.insert(attribute.sub(&asked.name)?.name.to_owned(), text.as_str().into());
    match (sub, value) {
        (Some(sub), value) => drop(members.insert(sub.name.to_owned(), value.clone())),
        (None, Value::Object(new)) => members.extend(new.iter().map(|(key, value)| (own_name(attribute, key.clone()), value.clone()))),
        (None, _) => return None,
    }
    Some(members.into())
}
