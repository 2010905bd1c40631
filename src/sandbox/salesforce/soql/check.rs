//! Holds a query against the schema: every name must exist and every value fit its field.

use super::ast::{Aggregation, Condition, Item, Literal, Name, Operator, Order, Query, Select, Selected};
use super::resolved::{Operand, Resolved};
use crate::sandbox::salesforce::errors::ApiError;
use crate::sandbox::salesforce::ids;
use crate::sandbox::salesforce::schema::{self, Kind, Object};

/// Checks `query`, whose text is `text`.
///
/// # Errors
/// `INVALID_TYPE` for an unknown object, `INVALID_FIELD` for an unknown field or a value of another type,
/// `INVALID_QUERY_FILTER_OPERATOR` for a text that is no id.
pub fn check(query: Query, text: &str) -> Result<(&'static Object, Query<Resolved>), ApiError> {
    let object = schema::find(&query.object).ok_or_else(|| {
        let name = &query.object;
        ApiError::bad(
            "INVALID_TYPE",
            format!(
                "sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the \
                 entity name. Please reference your WSDL or the describe call for the appropriate names."
            ),
        )
    })?;
    let resolver = Resolver { object, text };
    let select = match query.select {
        Select::Count => Select::Count,
        Select::Aggregates(aggregation) => Select::Aggregates(resolver.aggregation(aggregation)?),
        Select::Fields(names) => {
            let fields = names.iter().map(|name| resolver.field(name)).collect::<Result<Vec<_>, _>>()?;
            if let Some(repeated) =
                fields.iter().enumerate().find_map(|(place, field)| fields[..place].contains(field).then(|| field.header()))
            {
                return Err(ApiError::bad("INVALID_FIELD", format!("duplicate field selected: {repeated}")));
            }
            Select::Fields(fields)
        }
    };
    let condition = query.condition.map(|condition| resolver.condition(condition)).transpose()?;
    let order = query
        .order
        .into_iter()
        .map(|order| Ok(Order { field: resolver.field(&order.field)?, descending: order.descending, nulls_last: order.nulls_last }))
        .collect::<Result<_, _>>()?;
    Ok((object, Query { select, object: object.name.to_owned(), condition, order, limit: query.limit, offset: query.offset }))
}

struct Resolver<'a> {
    object: &'static Object,
    text: &'a str,
}

impl Resolver<'_> {
    fn field(&self, name: &Name) -> Result<Resolved, ApiError> {
        let mut object = self.object;
        let mut path = Vec::new();
        let mut parts: Vec<&str> = name.text.split('.').collect();
        let last = parts.pop().unwrap_or_default();
        // The object's own name may stand in front of its fields.
        if parts.first().is_some_and(|part| part.eq_ignore_ascii_case(object.name)) {
            parts.remove(0);
        }
        for part in parts {
            let (relationship, target) = object.relationship(part).ok_or_else(|| {
                let message = format!(
                    "Didn't understand relationship '{part}' in field path. If you are attempting to use a custom relationship, be sure to append \
                     the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names."
                );
                self.at(name, &message)
            })?;
            path.push(relationship);
            object = target;
        }
        let field = object.field(last).ok_or_else(|| {
            let message = format!(
                "No such column '{last}' on entity '{}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom \
                 field name. Please reference your WSDL or the describe call for the appropriate names.",
                object.name
            );
            self.at(name, &message)
        })?;
        Ok(Resolved { path, field })
    }

    /// The message below a line that shows where: the query, a caret, row and column.
    fn at(&self, name: &Name, message: &str) -> ApiError {
        let line = self.text.replace(['\n', '\r'], " ");
        let caret = " ".repeat(name.column.saturating_sub(1));
        ApiError::bad("INVALID_FIELD", format!("\n{line}\n{caret}^\nERROR at Row:1:Column:{}\n{message}", name.column))
    }

    fn condition(&self, condition: Condition<Name>) -> Result<Condition<Resolved>, ApiError> {
        self.each_operand(condition, &|name| {
            let resolved = self.field(&name)?;
            let kind = resolved.field.kind;
            Ok((resolved, name, kind))
        })
    }

    /// Checks each operand of a condition, which `resolve` finds together with its name and kind.
    fn each_operand<F, G>(
        &self,
        condition: Condition<F>,
        resolve: &impl Fn(F) -> Result<(G, Name, Kind), ApiError>,
    ) -> Result<Condition<G>, ApiError> {
        let all = |conditions: Vec<Condition<F>>| {
            conditions.into_iter().map(|one| self.each_operand(one, resolve)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match condition {
            Condition::And(conditions) => Condition::And(all(conditions)?),
            Condition::Or(conditions) => Condition::Or(all(conditions)?),
            Condition::Not(inner) => Condition::Not(Box::new(self.each_operand(*inner, resolve)?)),
            Condition::Compare(operand, operator, literal) => {
                let (resolved, name, kind) = resolve(operand)?;
                self.fits(&name, kind, operator, &literal)?;
                Condition::Compare(resolved, operator, literal)
            }
            Condition::In(operand, included, literals) => {
                let (resolved, name, kind) = resolve(operand)?;
                for literal in &literals {
                    self.fits(&name, kind, Operator::Equal, literal)?;
                }
                Condition::In(resolved, included, literals)
            }
        })
    }

    fn aggregation(&self, asked: Aggregation<Name>) -> Result<Aggregation<Resolved>, ApiError> {
        let groups = asked.groups.iter().map(|name| self.field(name)).collect::<Result<Vec<_>, _>>()?;
        let item = |item: Item<Name>| -> Result<(Item<Resolved>, Name), ApiError> {
            match item {
                Item::Field(name) => {
                    let field = self.field(&name)?;
                    if groups.contains(&field) {
                        Ok((Item::Field(field), name))
                    } else {
                        Err(ApiError::bad("MALFORMED_QUERY", format!("Field must be grouped or aggregated: {}", name.text)))
                    }
                }
                Item::Aggregate(function, name) => {
                    let field = self.field(&name)?;
                    if function.takes(field.field.kind) {
                        return Ok((Item::Aggregate(function, field), name));
                    }
                    let message = format!("field {} does not support aggregate operator {}", name.text, function.name());
                    Err(ApiError::bad("MALFORMED_QUERY", message))
                }
            }
        };
        let selected = asked
            .selected
            .into_iter()
            .map(|one| Ok(Selected { item: item(one.item)?.0, alias: one.alias }))
            .collect::<Result<Vec<_>, ApiError>>()?;
        let having = asked.having.map(|condition| {
            self.each_operand(condition, &|operand| {
                let (operand, name) = item(operand)?;
                let kind = operand.kind();
                Ok((operand, name, kind))
            })
        });
        let order = asked
            .order
            .into_iter()
            .map(|key| Ok(Order { field: item(key.field)?.0, descending: key.descending, nulls_last: key.nulls_last }))
            .collect::<Result<Vec<_>, ApiError>>()?;
        Ok(Aggregation { selected, having: having.transpose()?, order, groups })
    }

    fn fits(&self, name: &Name, kind: Kind, operator: Operator, literal: &Literal) -> Result<(), ApiError> {
        let wrong = |kind: &str, quoted: bool| {
            let ending = if quoted { "should be enclosed in quotes" } else { "should not be enclosed in quotes" };
            Err(self.at(name, &format!("value of filter criterion for field '{}' must be of type {kind} and {ending}", name.text)))
        };
        match (kind, literal) {
            (_, Literal::Null) => Ok(()),
            (Kind::Moment | Kind::Date, Literal::Moment(_)) | (Kind::Boolean, Literal::Boolean(_)) => Ok(()),
            (Kind::Number(_), Literal::Number(_)) => Ok(()),
            (Kind::Number(_), _) => wrong("double", false),
            (Kind::Date, _) => wrong("date", false),
            (Kind::TextArea(_), _) => Err(self.at(name, &format!("field '{}' can not be filtered in a query call", name.text))),
            (Kind::Moment, _) => wrong("dateTime", false),
            (Kind::Boolean, _) => wrong("boolean", false),
            (Kind::Id | Kind::Reference(..), Literal::Text(text)) if operator == Operator::Equal || operator == Operator::Unequal => {
                let plausible = matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
                let suffix_fits = text.len() != 18 || ids::checksum(&text[..15]).eq_ignore_ascii_case(&text[15..]);
                if plausible && suffix_fits {
                    Ok(())
                } else {
                    Err(ApiError::bad("INVALID_QUERY_FILTER_OPERATOR", format!("invalid ID field: {text}")))
                }
            }
            (_, Literal::Text(_)) => Ok(()),
            (_, _) => wrong("string", true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::salesforce::soql::parse;

    fn checked(text: &str) -> Result<Query<Resolved>, ApiError> {
        check(parse(text)?, text).map(|(_, query)| query)
    }

    #[test]
    fn names_are_found_without_case_and_across_relationships() {
        let query = checked("SELECT id, owner.type, Account.name FROM contact").map(|query| query.select);
        let error = query.expect_err("a contact's owner is a user").message;
        assert!(!error.contains("No such column 'id'"), "{error}");
        let Ok(Query { select: Select::Fields(fields), .. }) = checked("SELECT id, OWNER.type, Owner.Name FROM lead") else {
            panic!("must be accepted")
        };
        assert_eq!(fields.iter().map(Resolved::header).collect::<Vec<_>>(), ["Id", "Owner.Type", "Owner.Name"]);
    }

    #[test]
    fn unknown_names_and_wrong_values_are_refused_with_their_place() {
        let refused = |text: &str| checked(text).expect_err("must be refused");
        let error = refused("SELECT Id, Nope__c FROM Lead");
        assert_eq!(error.code, "INVALID_FIELD");
        assert!(error.message.contains("ERROR at Row:1:Column:12\nNo such column 'Nope__c' on entity 'Lead'"), "{}", error.message);
        assert_eq!(refused("SELECT Id FROM Prospect").code, "INVALID_TYPE");
        assert_eq!(refused("SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01'").code, "INVALID_FIELD");
        assert_eq!(refused("SELECT Id FROM Lead WHERE Id = 'nonsense'").code, "INVALID_QUERY_FILTER_OPERATOR");
        assert!(checked("SELECT Id FROM Lead WHERE Company = null").is_ok());
    }
}
