//! Whether a record meets a condition, and in which order records come.

use std::cmp::Ordering;

use super::ast::{Condition, Literal, Operator, Order};
use super::resolved::{Operand, Resolved};
use crate::sandbox::salesforce::field_value::Value;
use crate::sandbox::salesforce::ids;
use crate::sandbox::salesforce::schema::Kind;

/// Whether the record, or the group, behind `value_of` meets `condition`.
pub fn holds<F: Operand>(condition: &Condition<F>, value_of: &impl Fn(&F) -> Value) -> bool {
    match condition {
        Condition::And(conditions) => conditions.iter().all(|one| holds(one, value_of)),
        Condition::Or(conditions) => conditions.iter().any(|one| holds(one, value_of)),
        Condition::Not(inner) => !holds(inner, value_of),
        Condition::Compare(field, operator, literal) => compares(field.kind(), &value_of(field), *operator, literal),
        Condition::In(field, included, literals) => {
            let value = value_of(field);
            literals.iter().any(|literal| compares(field.kind(), &value, Operator::Equal, literal)) == *included
        }
    }
}

fn compares(kind: Kind, value: &Value, operator: Operator, literal: &Literal) -> bool {
    let ordering = match (value, literal) {
        (Value::Null, Literal::Null) => Some(Ordering::Equal),
        (Value::Null, _) | (_, Literal::Null) => None,
        (Value::Text(own), Literal::Text(wanted)) => {
            if operator == Operator::Like {
                return like(&own.to_lowercase(), &wanted.to_lowercase());
            }
            match matches!(kind, Kind::Id | Kind::Reference(..)) {
                true if ids::same(own, wanted) => Some(Ordering::Equal),
                // In the order in which they are sorted.
                true => Some(own.cmp(wanted)),
                false => Some(own.to_lowercase().cmp(&wanted.to_lowercase())),
            }
        }
        (Value::Boolean(own), Literal::Boolean(wanted)) => Some(own.cmp(wanted)),
        (Value::Moment(own) | Value::Date(own), Literal::Moment(wanted)) => Some(own.cmp(wanted)),
        (Value::Number(own), Literal::Number(wanted)) => own.partial_cmp(wanted),
        (Value::Integer(own), Literal::Number(wanted)) => (*own as f64).partial_cmp(wanted),
        _ => None,
    };
    match operator {
        Operator::Equal => ordering == Some(Ordering::Equal),
        Operator::Unequal => ordering != Some(Ordering::Equal),
        // Comparing with nothing is never true.
        _ if *value == Value::Null || *literal == Literal::Null => false,
        Operator::Less => ordering == Some(Ordering::Less),
        Operator::LessOrEqual => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
        Operator::Greater => ordering == Some(Ordering::Greater),
        Operator::GreaterOrEqual => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
        Operator::Like => false,
    }
}

/// `%` stands for any text, `_` for one character.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut want, mut retry) = (0, 0, None);
    while at < text.len() {
        match pattern.get(want) {
            Some('%') => {
                retry = Some((at, want));
                want += 1;
            }
            Some(&character) if character == '_' || character == text[at] => {
                at += 1;
                want += 1;
            }
            _ => match retry {
                Some((from, percent)) => {
                    retry = Some((from + 1, percent));
                    at = from + 1;
                    want = percent + 1;
                }
                None => return false,
            },
        }
    }
    pattern[want..].iter().all(|&rest| rest == '%')
}

/// The order of two records by their sort keys.
pub fn compare<F: Operand>(order: &[Order<F>], left: &[Value], right: &[Value]) -> Ordering {
    for ((key, left), right) in order.iter().zip(left).zip(right) {
        let ordering = match (left, right) {
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) => return if key.nulls_last { Ordering::Greater } else { Ordering::Less },
            (_, Value::Null) => return if key.nulls_last { Ordering::Less } else { Ordering::Greater },
            (Value::Moment(left), Value::Moment(right)) | (Value::Date(left), Value::Date(right)) => left.cmp(right),
            (Value::Number(left), Value::Number(right)) => left.total_cmp(right),
            (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
            (Value::Boolean(left), Value::Boolean(right)) => left.cmp(right),
            // Ids sort with their case, other texts without.
            (Value::Text(left), Value::Text(right)) if matches!(key.field.kind(), Kind::Id | Kind::Reference(..)) => left.cmp(right),
            (Value::Text(left), Value::Text(right)) => left.to_lowercase().cmp(&right.to_lowercase()),
            _ => Ordering::Equal,
        };
        let ordering = if key.descending { ordering.reverse() } else { ordering };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    Ordering::Equal
}

/// The ids that every match must be among, when the condition says so at its top.
pub fn identified(condition: &Condition<Resolved>) -> Option<Vec<&str>> {
    fn text(literal: &Literal) -> Option<&str> {
        if let Literal::Text(text) = literal { Some(text) } else { None }
    }
    match condition {
        Condition::Compare(field, Operator::Equal, literal) if field.path.is_empty() && field.field.kind == Kind::Id => {
            text(literal).map(|id| vec![id])
        }
        Condition::In(field, true, literals) if field.path.is_empty() && field.field.kind == Kind::Id => {
            literals.iter().map(text).collect()
        }
        Condition::And(conditions) => conditions.iter().find_map(identified),
        _ => None,
    }
}

/// The time before which no match was modified, when the condition says so at its top.
pub fn modified_since(condition: &Condition<Resolved>) -> Option<i64> {
    match condition {
        Condition::Compare(field, Operator::GreaterOrEqual | Operator::Greater, Literal::Moment(at))
            if field.path.is_empty() && field.field.name == "SystemModstamp" =>
        {
            Some(*at)
        }
        Condition::And(conditions) => conditions.iter().filter_map(modified_since).max(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_knows_both_wildcards() {
        for (text, pattern, matches) in [
            ("o'neill", "o'n%", true),
            ("o'neill", "%neil_", true),
            ("o'neill", "neil", false),
            ("", "%", true),
            ("aaab", "a%b", true),
            ("abc", "a_", false),
        ] {
            assert_eq!(like(text, pattern), matches, "{text} like {pattern}");
        }
    }
}
