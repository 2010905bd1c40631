//! Which resources a filter lets through (RFC 7644, section 3.4.2.2).

use std::cmp::Ordering;

use scim_v2::filter::{AttrExp, AttrPath, CompValue, CompareOp, Filter, ValFilter};
use serde_json::Value;

use super::ScimRefusal;
use super::schema::{Attribute, AttributeKind, Schema};
use crate::clock::Timestamp;

/// Most characters of a filter.
const MAX_FILTER: usize = 2000;

/// Reads a filter.
///
/// # Errors
/// [`ScimRefusal::InvalidFilter`].
pub fn parse(text: &str) -> Result<Filter, ScimRefusal> {
    if text.chars().count() > MAX_FILTER {
        return Err(ScimRefusal::InvalidFilter(format!("it has more than {MAX_FILTER} characters")));
    }
    text.parse().map_err(|error| ScimRefusal::InvalidFilter(format!("{error}")))
}

/// Whether the filter lets the resource through. The first of `schemas` is the resource's; what only the others know, of resources
/// that are searched with it, it doesn't have (RFC 7644, section 3.4.2.1). An attribute that the resource doesn't have matches
/// nothing but `ne` and `not`.
///
/// # Errors
/// [`ScimRefusal::InvalidFilter`] for an attribute that no schema knows, or a comparison that its kind doesn't have; whatever the
/// resource holds.
pub fn passes(schemas: &[&'static Schema], resource: &Value, filter: &Filter) -> Result<bool, ScimRefusal> {
    match filter {
        Filter::Attr(expression) => {
            let (path, _) = parts(expression);
            let (attribute, is_own) = resolve(schemas, path)?;
            compare(attribute, resource.get(attribute.name).filter(|_| is_own), expression)
        }
        Filter::ValuePath(value_path) => {
            let (attribute, is_own) = resolve(schemas, &value_path.attr)?;
            // Looked at without a value, too, so that an error in the brackets is told.
            value_passes(attribute, &Value::Null, &value_path.filter)?;
            let values = values_of(resource.get(attribute.name).filter(|_| is_own));
            any(&values, |value| value_passes(attribute, value, &value_path.filter))
        }
        Filter::Not(inner) => Ok(!passes(schemas, resource, inner)?),
        Filter::And(operands) => all(operands.as_slice(), |one| passes(schemas, resource, one)),
        Filter::Or(operands) => any(operands.as_slice(), |one| passes(schemas, resource, one)),
    }
}

/// Whether the filter in brackets lets one value of a complex attribute through.
///
/// # Errors
/// As [`passes`].
pub fn value_passes(attribute: &'static Attribute, value: &Value, filter: &ValFilter) -> Result<bool, ScimRefusal> {
    match filter {
        ValFilter::Attr(expression) => {
            let (path, _) = parts(expression);
            let sub = attribute.sub(&path.name).ok_or_else(|| unknown(path))?;
            matches(sub, &values_of(value.get(sub.name)), expression)
        }
        ValFilter::Not(inner) => Ok(!value_passes(attribute, value, inner)?),
        ValFilter::And(operands) => all(operands.as_slice(), |one| value_passes(attribute, value, one)),
        ValFilter::Or(operands) => any(operands.as_slice(), |one| value_passes(attribute, value, one)),
    }
}

fn all<T>(items: &[T], mut holds: impl FnMut(&T) -> Result<bool, ScimRefusal>) -> Result<bool, ScimRefusal> {
    // Every operand is looked at, so that an error is told whatever the resources are.
    items.iter().try_fold(true, |so_far, item| Ok(holds(item)? && so_far))
}

fn any<T>(items: &[T], mut holds: impl FnMut(&T) -> Result<bool, ScimRefusal>) -> Result<bool, ScimRefusal> {
    items.iter().try_fold(false, |so_far, item| Ok(holds(item)? || so_far))
}

fn parts(expression: &AttrExp) -> (&AttrPath, Option<(&CompareOp, &CompValue)>) {
    match expression {
        AttrExp::Present(path) => (path, None),
        AttrExp::Comparison(path, operator, value) => (path, Some((operator, value))),
    }
}

fn unknown(path: &AttrPath) -> ScimRefusal {
    ScimRefusal::InvalidFilter(format!("there is no attribute {path}"))
}

/// The attribute of a path, by the schema it may name, and whether the resource's own schema knows it.
fn resolve(schemas: &[&'static Schema], path: &AttrPath) -> Result<(&'static Attribute, bool), ScimRefusal> {
    let named = |schema: &Schema| path.uri.as_deref().is_none_or(|uri| uri.eq_ignore_ascii_case(schema.id));
    let known = schemas.iter().enumerate().filter(|(_, schema)| named(schema));
    let mut found = known.filter_map(|(at, schema)| schema.attribute(&path.name).map(|attribute| (attribute, at == 0)));
    found.next().ok_or_else(|| unknown(path))
}

/// An attribute's values: those of an array, the value, or none.
fn values_of(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(values)) => values.iter().collect(),
        Some(value) => vec![value],
    }
}

fn compare(attribute: &'static Attribute, value: Option<&Value>, expression: &AttrExp) -> Result<bool, ScimRefusal> {
    let (path, comparison) = parts(expression);
    let values = values_of(value);
    let sub = match &path.sub_attr {
        Some(name) => Some(attribute.sub(name).ok_or_else(|| unknown(path))?),
        // A complex attribute without a sub-attribute means its `value`, if it has one.
        None if comparison.is_some() => attribute.sub("value"),
        None => None,
    };
    match sub {
        Some(sub) => {
            let values: Vec<_> = values.iter().flat_map(|value| values_of(value.get(sub.name))).collect();
            matches(sub, &values, expression)
        }
        None => matches(attribute, &values, expression),
    }
}

/// Whether one of the values is as the expression says; for `ne`, whether none is equal.
fn matches(attribute: &'static Attribute, values: &[&Value], expression: &AttrExp) -> Result<bool, ScimRefusal> {
    let (path, comparison) = parts(expression);
    let Some((operator, wanted)) = comparison else {
        return Ok(values.iter().any(|value| !matches!(value, Value::String(text) if text.is_empty())));
    };
    let unfit = || ScimRefusal::InvalidFilter(format!("{path} can't be compared so: {expression}"));
    if *wanted == CompValue::Null {
        return match operator {
            CompareOp::Eq => Ok(values.is_empty()),
            CompareOp::Ne => Ok(!values.is_empty()),
            _ => Err(unfit()),
        };
    }
    let wanted = ComparisonValue::read(attribute, wanted).ok_or_else(unfit)?;
    if matches!(wanted, ComparisonValue::Boolean(_)) && !matches!(operator, CompareOp::Eq | CompareOp::Ne) {
        return Err(unfit());
    }
    if *operator == CompareOp::Ne {
        return Ok(!values.iter().any(|value| wanted.holds(&CompareOp::Eq, value)));
    }
    Ok(values.iter().any(|value| wanted.holds(operator, value)))
}

/// What is compared with.
enum ComparisonValue {
    Text { text: String, exact: bool },
    Moment(Timestamp, String),
    Boolean(bool),
}

impl ComparisonValue {
    fn read(attribute: &Attribute, value: &CompValue) -> Option<Self> {
        match (attribute.kind, value) {
            (AttributeKind::Boolean, CompValue::True) => Some(Self::Boolean(true)),
            (AttributeKind::Boolean, CompValue::False) => Some(Self::Boolean(false)),
            // Entra ID sends "True" and "False" as texts.
            (AttributeKind::Boolean, CompValue::Str(text)) => text.to_ascii_lowercase().parse().ok().map(Self::Boolean),
            (AttributeKind::DateTime, CompValue::Str(text)) => Some(Self::Moment(Timestamp::parse(text)?, text.clone())),
            (AttributeKind::String | AttributeKind::Reference(_), CompValue::Str(text)) => {
                Some(Self::Text { text: folded(text, attribute.case_exact), exact: attribute.case_exact })
            }
            _ => None,
        }
    }

    fn holds(&self, operator: &CompareOp, value: &Value) -> bool {
        match (self, value) {
            (Self::Boolean(wanted), Value::Bool(value)) => wanted == value,
            (Self::Moment(wanted, text), Value::String(value)) => match operator {
                CompareOp::Co => value.contains(text.as_str()),
                CompareOp::Sw => value.starts_with(text.as_str()),
                CompareOp::Ew => value.ends_with(text.as_str()),
                _ => Timestamp::parse(value).is_some_and(|value| ordered(operator, value.cmp(wanted))),
            },
            (Self::Text { text, exact }, Value::String(value)) => {
                let value = folded(value, *exact);
                match operator {
                    CompareOp::Co => value.contains(text.as_str()),
                    CompareOp::Sw => value.starts_with(text.as_str()),
                    CompareOp::Ew => value.ends_with(text.as_str()),
                    _ => ordered(operator, value.as_str().cmp(text)),
                }
            }
            _ => false,
        }
    }
}

fn folded(text: &str, exact: bool) -> String {
    if exact { text.to_owned() } else { text.to_lowercase() }
}

fn ordered(operator: &CompareOp, found: Ordering) -> bool {
    match operator {
        CompareOp::Eq => found.is_eq(),
        CompareOp::Ne => found.is_ne(),
        CompareOp::Gt => found.is_gt(),
        CompareOp::Ge => found.is_ge(),
        CompareOp::Lt => found.is_lt(),
        CompareOp::Le => found.is_le(),
        CompareOp::Co | CompareOp::Sw | CompareOp::Ew => false,
    }
}
