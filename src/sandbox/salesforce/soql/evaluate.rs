//! Evaluates conditions and sort keys.

use std::cmp::Ordering;

use super::ast::{ComparisonOperator, SoqlCondition, SoqlLiteral, SortKey};
use super::field_path::{FieldPath, Operand};
use crate::sandbox::salesforce::field_value::FieldValue;
use crate::sandbox::salesforce::ids;
use crate::sandbox::salesforce::schema::FieldType;

/// Whether the record, or the group, behind `value_of` meets `condition`.
pub fn is_met<F: Operand>(condition: &SoqlCondition<F>, value_of: &impl Fn(&F) -> FieldValue) -> bool {
    match condition {
        SoqlCondition::And(conditions) => conditions.iter().all(|one| is_met(one, value_of)),
        SoqlCondition::Or(conditions) => conditions.iter().any(|one| is_met(one, value_of)),
        SoqlCondition::Not(inner) => !is_met(inner, value_of),
        SoqlCondition::Compare(field, operator, literal) => is_match(field.field_type(), &value_of(field), *operator, literal),
        SoqlCondition::In(field, included, literals) => {
            let value = value_of(field);
            literals.iter().any(|literal| is_match(field.field_type(), &value, ComparisonOperator::Equal, literal)) == *included
        }
    }
}

fn is_match(field_type: FieldType, value: &FieldValue, operator: ComparisonOperator, literal: &SoqlLiteral) -> bool {
    let ordering = match (value, literal) {
        (FieldValue::Null, SoqlLiteral::Null) => Some(Ordering::Equal),
        (FieldValue::Null, _) | (_, SoqlLiteral::Null) => None,
        (FieldValue::Text(own), SoqlLiteral::Text(expected)) => {
            if operator == ComparisonOperator::Like {
                return is_like(&own.to_lowercase(), &expected.to_lowercase());
            }
            match matches!(field_type, FieldType::Id | FieldType::Reference(..)) {
                true if ids::is_same_record(own, expected) => Some(Ordering::Equal),
                // Ids are ordered as they are sorted.
                true => Some(own.cmp(expected)),
                false => Some(own.to_lowercase().cmp(&expected.to_lowercase())),
            }
        }
        (FieldValue::Boolean(own), SoqlLiteral::Boolean(expected)) => Some(own.cmp(expected)),
        (FieldValue::DateTime(own) | FieldValue::Date(own), SoqlLiteral::DateTime(expected)) => Some(own.cmp(expected)),
        (FieldValue::Number(own), SoqlLiteral::Number(expected)) => own.partial_cmp(expected),
        (FieldValue::Integer(own), SoqlLiteral::Number(expected)) => (*own as f64).partial_cmp(expected),
        _ => None,
    };
    match operator {
        ComparisonOperator::Equal => ordering == Some(Ordering::Equal),
        ComparisonOperator::Unequal => ordering != Some(Ordering::Equal),
        // No other comparison with null is true.
        _ if *value == FieldValue::Null || *literal == SoqlLiteral::Null => false,
        ComparisonOperator::Less => ordering == Some(Ordering::Less),
        ComparisonOperator::LessOrEqual => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
        ComparisonOperator::Greater => ordering == Some(Ordering::Greater),
        ComparisonOperator::GreaterOrEqual => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
        ComparisonOperator::Like => false,
    }
}

/// Whether a text matches a pattern, in which `%` stands for any text and `_` for one character.
fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut pattern_at, mut retry) = (0, 0, None);
    while at < text.len() {
        match pattern.get(pattern_at) {
            Some('%') => {
                retry = Some((at, pattern_at));
                pattern_at += 1;
            }
            Some(&character) if character == '_' || character == text[at] => {
                at += 1;
                pattern_at += 1;
            }
            _ => match retry {
                Some((from, percent)) => {
                    retry = Some((from + 1, percent));
                    at = from + 1;
                    pattern_at = percent + 1;
                }
                None => return false,
            },
        }
    }
    pattern[pattern_at..].iter().all(|&rest| rest == '%')
}

/// Compares two rows by their sort keys.
pub fn compare_rows<F: Operand>(order: &[SortKey<F>], left: &[FieldValue], right: &[FieldValue]) -> Ordering {
    for ((key, left), right) in order.iter().zip(left).zip(right) {
        let ordering = match (left, right) {
            (FieldValue::Null, FieldValue::Null) => Ordering::Equal,
            (FieldValue::Null, _) => return if key.has_nulls_last { Ordering::Greater } else { Ordering::Less },
            (_, FieldValue::Null) => return if key.has_nulls_last { Ordering::Less } else { Ordering::Greater },
            (FieldValue::DateTime(left), FieldValue::DateTime(right)) | (FieldValue::Date(left), FieldValue::Date(right)) => {
                left.cmp(right)
            }
            (FieldValue::Number(left), FieldValue::Number(right)) => left.total_cmp(right),
            (FieldValue::Integer(left), FieldValue::Integer(right)) => left.cmp(right),
            (FieldValue::Boolean(left), FieldValue::Boolean(right)) => left.cmp(right),
            // Ids sort with their case, other texts without.
            (FieldValue::Text(left), FieldValue::Text(right))
                if matches!(key.field.field_type(), FieldType::Id | FieldType::Reference(..)) =>
            {
                left.cmp(right)
            }
            (FieldValue::Text(left), FieldValue::Text(right)) => left.to_lowercase().cmp(&right.to_lowercase()),
            _ => Ordering::Equal,
        };
        let ordering = if key.is_descending { ordering.reverse() } else { ordering };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    Ordering::Equal
}

/// The ids that every match is among, when the condition names ids at its top level.
pub fn named_ids(condition: &SoqlCondition<FieldPath>) -> Option<Vec<&str>> {
    fn literal_text(literal: &SoqlLiteral) -> Option<&str> {
        if let SoqlLiteral::Text(text) = literal { Some(text) } else { None }
    }
    match condition {
        SoqlCondition::Compare(field, ComparisonOperator::Equal, literal)
            if field.relationships.is_empty() && field.field.field_type == FieldType::Id =>
        {
            literal_text(literal).map(|id| vec![id])
        }
        SoqlCondition::In(field, true, literals) if field.relationships.is_empty() && field.field.field_type == FieldType::Id => {
            literals.iter().map(literal_text).collect()
        }
        SoqlCondition::And(conditions) => conditions.iter().find_map(named_ids),
        _ => None,
    }
}

/// The time since which every match was modified, when the condition says so at its top level.
pub fn modified_since(condition: &SoqlCondition<FieldPath>) -> Option<i64> {
    match condition {
        SoqlCondition::Compare(field, ComparisonOperator::GreaterOrEqual | ComparisonOperator::Greater, SoqlLiteral::DateTime(at))
            if field.relationships.is_empty() && field.field.name == "SystemModstamp" =>
        {
            Some(*at)
        }
        SoqlCondition::And(conditions) => conditions.iter().filter_map(modified_since).max(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_matches_both_wildcards() {
        for (text, pattern, matches) in [
            ("o'neill", "o'n%", true),
            ("o'neill", "%neil_", true),
            ("o'neill", "neil", false),
            ("", "%", true),
            ("aaab", "a%b", true),
            ("abc", "a_", false),
        ] {
            assert_eq!(is_like(text, pattern), matches, "{text} like {pattern}");
        }
    }
}
