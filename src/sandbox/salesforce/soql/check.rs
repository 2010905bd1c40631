//! Checks a query against the schema: every name must exist, and every value fit its field.

use super::ast::{
    Aggregation, ComparisonOperator, SelectClause, SelectedExpression, SoqlCondition, SoqlExpression, SoqlLiteral, SoqlName, SoqlQuery,
    SortKey,
};
use super::field_path::{FieldPath, Operand};
use crate::sandbox::salesforce::errors::SalesforceApiError;
use crate::sandbox::salesforce::ids;
use crate::sandbox::salesforce::schema::{self, FieldType, ObjectSchema};

/// Checks `query`, which was parsed from `text`, and finds its object.
///
/// # Errors
/// `INVALID_TYPE` for an unknown object, `INVALID_FIELD` for an unknown field or a value of another type,
/// `INVALID_QUERY_FILTER_OPERATOR` for a text that isn't an id.
pub fn check_query(query: SoqlQuery, text: &str) -> Result<(&'static ObjectSchema, SoqlQuery<FieldPath>), SalesforceApiError> {
    let object = schema::find_object(&query.object).ok_or_else(|| {
        let name = &query.object;
        SalesforceApiError::bad_request(
            "INVALID_TYPE",
            format!(
                "sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the \
                 entity name. Please reference your WSDL or the describe call for the appropriate names."
            ),
        )
    })?;
    let checker = QueryChecker { object, text };
    let select = match query.select {
        SelectClause::Count => SelectClause::Count,
        SelectClause::Aggregates(aggregation) => SelectClause::Aggregates(checker.resolve_aggregation(aggregation)?),
        SelectClause::Fields(names) => {
            let fields = names.iter().map(|name| checker.resolve_field(name)).collect::<Result<Vec<_>, _>>()?;
            if let Some(repeated) =
                fields.iter().enumerate().find_map(|(position, field)| fields[..position].contains(field).then(|| field.column_header()))
            {
                return Err(SalesforceApiError::bad_request("INVALID_FIELD", format!("duplicate field selected: {repeated}")));
            }
            SelectClause::Fields(fields)
        }
    };
    let condition = query.condition.map(|condition| checker.resolve_condition(condition)).transpose()?;
    let order = query
        .order
        .into_iter()
        .map(|order| {
            Ok(SortKey {
                field: checker.resolve_field(&order.field)?,
                is_descending: order.is_descending,
                has_nulls_last: order.has_nulls_last,
            })
        })
        .collect::<Result<_, _>>()?;
    Ok((object, SoqlQuery { select, object: object.name.to_owned(), condition, order, limit: query.limit, offset: query.offset }))
}

struct QueryChecker<'a> {
    object: &'static ObjectSchema,
    text: &'a str,
}

impl QueryChecker<'_> {
    fn resolve_field(&self, name: &SoqlName) -> Result<FieldPath, SalesforceApiError> {
        let mut object = self.object;
        let mut relationships = Vec::new();
        let mut parts: Vec<&str> = name.text.split('.').collect();
        let last = parts.pop().unwrap_or_default();
        // The object's own name may precede its fields.
        if parts.first().is_some_and(|part| part.eq_ignore_ascii_case(object.name)) {
            parts.remove(0);
        }
        for part in parts {
            let (relationship, target) = object.relationship(part).ok_or_else(|| {
                let message = format!(
                    "Didn't understand relationship '{part}' in field path. If you are attempting to use a custom relationship, be sure to append \
                     the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names."
                );
                self.error_at(name, &message)
            })?;
            relationships.push(relationship);
            object = target;
        }
        let field = object.field(last).ok_or_else(|| {
            let message = format!(
                "No such column '{last}' on entity '{}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom \
                 field name. Please reference your WSDL or the describe call for the appropriate names.",
                object.name
            );
            self.error_at(name, &message)
        })?;
        Ok(FieldPath { relationships, field })
    }

    /// An error about a name: the query, a caret below the name, row and column, and the message.
    fn error_at(&self, name: &SoqlName, message: &str) -> SalesforceApiError {
        let line = self.text.replace(['\n', '\r'], " ");
        let caret = " ".repeat(name.column.saturating_sub(1));
        SalesforceApiError::bad_request("INVALID_FIELD", format!("\n{line}\n{caret}^\nERROR at Row:1:Column:{}\n{message}", name.column))
    }

    fn resolve_condition(&self, condition: SoqlCondition<SoqlName>) -> Result<SoqlCondition<FieldPath>, SalesforceApiError> {
        self.resolve_operands(condition, &|name| {
            let resolved = self.resolve_field(&name)?;
            let field_type = resolved.field.field_type;
            Ok((resolved, name, field_type))
        })
    }

    /// Checks each operand of a condition, which `resolve` finds together with its name and kind.
    fn resolve_operands<F, G>(
        &self,
        condition: SoqlCondition<F>,
        resolve: &impl Fn(F) -> Result<(G, SoqlName, FieldType), SalesforceApiError>,
    ) -> Result<SoqlCondition<G>, SalesforceApiError> {
        let all = |conditions: Vec<SoqlCondition<F>>| {
            conditions.into_iter().map(|one| self.resolve_operands(one, resolve)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match condition {
            SoqlCondition::And(conditions) => SoqlCondition::And(all(conditions)?),
            SoqlCondition::Or(conditions) => SoqlCondition::Or(all(conditions)?),
            SoqlCondition::Not(inner) => SoqlCondition::Not(Box::new(self.resolve_operands(*inner, resolve)?)),
            SoqlCondition::Compare(operand, operator, literal) => {
                let (resolved, name, field_type) = resolve(operand)?;
                self.check_literal(&name, field_type, operator, &literal)?;
                SoqlCondition::Compare(resolved, operator, literal)
            }
            SoqlCondition::In(operand, included, literals) => {
                let (resolved, name, field_type) = resolve(operand)?;
                for literal in &literals {
                    self.check_literal(&name, field_type, ComparisonOperator::Equal, literal)?;
                }
                SoqlCondition::In(resolved, included, literals)
            }
        })
    }

    fn resolve_aggregation(&self, aggregation: Aggregation<SoqlName>) -> Result<Aggregation<FieldPath>, SalesforceApiError> {
        let groups = aggregation.groups.iter().map(|name| self.resolve_field(name)).collect::<Result<Vec<_>, _>>()?;
        let check_expression =
            |check_expression: SoqlExpression<SoqlName>| -> Result<(SoqlExpression<FieldPath>, SoqlName), SalesforceApiError> {
                match check_expression {
                    SoqlExpression::Field(name) => {
                        let field = self.resolve_field(&name)?;
                        if groups.contains(&field) {
                            Ok((SoqlExpression::Field(field), name))
                        } else {
                            Err(SalesforceApiError::bad_request(
                                "MALFORMED_QUERY",
                                format!("Field must be grouped or aggregated: {}", name.text),
                            ))
                        }
                    }
                    SoqlExpression::Aggregate(function, name) => {
                        let field = self.resolve_field(&name)?;
                        if function.takes(field.field.field_type) {
                            return Ok((SoqlExpression::Aggregate(function, field), name));
                        }
                        let message = format!("field {} does not support aggregate operator {}", name.text, function.name());
                        Err(SalesforceApiError::bad_request("MALFORMED_QUERY", message))
                    }
                }
            };
        let selected = aggregation
            .selected
            .into_iter()
            .map(|one| Ok(SelectedExpression { expression: check_expression(one.expression)?.0, alias: one.alias }))
            .collect::<Result<Vec<_>, SalesforceApiError>>()?;
        let having = aggregation.having.map(|condition| {
            self.resolve_operands(condition, &|operand| {
                let (operand, name) = check_expression(operand)?;
                let field_type = operand.field_type();
                Ok((operand, name, field_type))
            })
        });
        let order = aggregation
            .order
            .into_iter()
            .map(|key| {
                Ok(SortKey { field: check_expression(key.field)?.0, is_descending: key.is_descending, has_nulls_last: key.has_nulls_last })
            })
            .collect::<Result<Vec<_>, SalesforceApiError>>()?;
        Ok(Aggregation { selected, having: having.transpose()?, order, groups })
    }

    fn check_literal(
        &self,
        name: &SoqlName,
        field_type: FieldType,
        operator: ComparisonOperator,
        literal: &SoqlLiteral,
    ) -> Result<(), SalesforceApiError> {
        let wrong = |field_type: &str, quoted: bool| {
            let ending = if quoted { "should be enclosed in quotes" } else { "should not be enclosed in quotes" };
            Err(self
                .error_at(name, &format!("value of filter criterion for field '{}' must be of type {field_type} and {ending}", name.text)))
        };
        match (field_type, literal) {
            (_, SoqlLiteral::Null) => Ok(()),
            (FieldType::DateTime | FieldType::Date, SoqlLiteral::DateTime(_)) | (FieldType::Boolean, SoqlLiteral::Boolean(_)) => Ok(()),
            (FieldType::Number(_), SoqlLiteral::Number(_)) => Ok(()),
            (FieldType::Number(_), _) => wrong("double", false),
            (FieldType::Date, _) => wrong("date", false),
            (FieldType::TextArea(_), _) => Err(self.error_at(name, &format!("field '{}' can not be filtered in a query call", name.text))),
            (FieldType::DateTime, _) => wrong("dateTime", false),
            (FieldType::Boolean, _) => wrong("boolean", false),
            (FieldType::Id | FieldType::Reference(..), SoqlLiteral::Text(text))
                if operator == ComparisonOperator::Equal || operator == ComparisonOperator::Unequal =>
            {
                let is_well_formed = matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
                let has_checksum = text.len() != 18 || ids::checksum(&text[..15]).eq_ignore_ascii_case(&text[15..]);
                if is_well_formed && has_checksum {
                    Ok(())
                } else {
                    Err(SalesforceApiError::bad_request("INVALID_QUERY_FILTER_OPERATOR", format!("invalid ID field: {text}")))
                }
            }
            (_, SoqlLiteral::Text(_)) => Ok(()),
            (_, _) => wrong("string", true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::salesforce::soql::parse_query;

    fn check(text: &str) -> Result<SoqlQuery<FieldPath>, SalesforceApiError> {
        check_query(parse_query(text)?, text).map(|(_, query)| query)
    }

    #[test]
    fn names_are_found_without_case_and_through_relationships() {
        let query = check("SELECT id, owner.type, Account.name FROM contact").map(|query| query.select);
        let error = query.expect_err("a contact's owner is a user").message;
        assert!(!error.contains("No such column 'id'"), "{error}");
        let Ok(SoqlQuery { select: SelectClause::Fields(fields), .. }) = check("SELECT id, OWNER.type, Owner.Name FROM lead") else {
            panic!("must be accepted")
        };
        assert_eq!(fields.iter().map(FieldPath::column_header).collect::<Vec<_>>(), ["Id", "Owner.Type", "Owner.Name"]);
    }

    #[test]
    fn unknown_names_and_wrong_values_are_refused_with_their_column() {
        let refused = |text: &str| check(text).expect_err("must be refused");
        let error = refused("SELECT Id, Nope__c FROM Lead");
        assert_eq!(error.code, "INVALID_FIELD");
        assert!(error.message.contains("ERROR at Row:1:Column:12\nNo such column 'Nope__c' on entity 'Lead'"), "{}", error.message);
        assert_eq!(refused("SELECT Id FROM Prospect").code, "INVALID_TYPE");
        assert_eq!(refused("SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01'").code, "INVALID_FIELD");
        assert_eq!(refused("SELECT Id FROM Lead WHERE Id = 'nonsense'").code, "INVALID_QUERY_FILTER_OPERATOR");
        assert!(check("SELECT Id FROM Lead WHERE Company = null").is_ok());
    }
}
