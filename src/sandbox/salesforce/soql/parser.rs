//! Parses the text of a query.

use super::ast::{
    AggregateFunction, Aggregation, ComparisonOperator, SelectClause, SelectedExpression, SoqlCondition, SoqlExpression, SoqlLiteral,
    SoqlName, SoqlQuery, SortKey,
};
use super::lexer::{self, SoqlToken, SoqlTokenKind};
use crate::sandbox::salesforce::errors::SalesforceApiError;
use crate::sandbox::timestamps;

/// Parses a query, without checking its names.
///
/// # Errors
/// `MALFORMED_QUERY` with the unexpected token.
pub fn parse_query(text: &str) -> Result<SoqlQuery, SalesforceApiError> {
    let tokens = lexer::tokenize(text).map_err(|column| {
        malformed_query(format!("line 1:{column} no viable alternative at character '{}'", text.chars().nth(column - 1).unwrap_or(' ')))
    })?;
    let mut parser = SoqlParser { tokens, at: 0 };
    let query = parser.parse_select_query()?;
    match parser.peek() {
        None => Ok(query),
        Some(_) => Err(parser.unexpected()),
    }
}

fn malformed_query(message: impl Into<String>) -> SalesforceApiError {
    SalesforceApiError::bad_request("MALFORMED_QUERY", message)
}

struct SoqlParser {
    tokens: Vec<SoqlToken>,
    at: usize,
}

impl SoqlParser {
    fn peek(&self) -> Option<&SoqlTokenKind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn unexpected(&self) -> SalesforceApiError {
        match self.tokens.get(self.at) {
            Some(token) => malformed_query(format!("unexpected token: '{}'", token.kind.quoted())),
            None => malformed_query("unexpected token: '<EOF>'"),
        }
    }

    fn is_word(&self, expected: &str) -> bool {
        matches!(self.peek(), Some(SoqlTokenKind::Word(word)) if word.eq_ignore_ascii_case(expected))
    }

    fn take_word(&mut self, expected: &str) -> bool {
        let found = self.is_word(expected);
        self.at += usize::from(found);
        found
    }

    fn take_symbol(&mut self, expected: &str) -> bool {
        let found = matches!(self.peek(), Some(SoqlTokenKind::Symbol(symbol)) if *symbol == expected);
        self.at += usize::from(found);
        found
    }

    fn expect_word(&mut self, expected: &str) -> Result<(), SalesforceApiError> {
        if self.take_word(expected) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn expect_symbol(&mut self, expected: &str) -> Result<(), SalesforceApiError> {
        if self.take_symbol(expected) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn parse_name(&mut self) -> Result<SoqlName, SalesforceApiError> {
        const RESERVED: [&str; 10] = ["select", "from", "where", "order", "limit", "offset", "group", "having", "typeof", "and"];
        match self.tokens.get(self.at) {
            Some(SoqlToken { kind: SoqlTokenKind::Word(word), column })
                if word.starts_with(|first: char| first.is_alphabetic()) && !RESERVED.contains(&word.to_lowercase().as_str()) =>
            {
                let name = SoqlName { text: word.clone(), column: *column };
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn parse_select_query(&mut self) -> Result<SoqlQuery, SalesforceApiError> {
        self.expect_word("SELECT")?;
        let selected = self.parse_select()?;
        self.expect_word("FROM")?;
        let object = self.parse_name()?.text;
        let condition = if self.take_word("WHERE") { Some(self.parse_condition(Self::parse_name)?) } else { None };
        let mut groups = Vec::new();
        if self.take_word("GROUP") {
            self.expect_word("BY")?;
            groups = self.parse_list(Self::parse_name)?;
        }
        let having =
            if !groups.is_empty() && self.take_word("HAVING") { Some(self.parse_condition(Self::parse_expression)?) } else { None };
        let mut order = Vec::new();
        if self.take_word("ORDER") {
            self.expect_word("BY")?;
            order = self.parse_list(Self::parse_sort_key)?;
        }
        let limit = if self.take_word("LIMIT") { Some(self.parse_number()?) } else { None };
        let offset = if self.take_word("OFFSET") { Some(self.parse_number()?) } else { None };
        let Some(selected) = selected else {
            return Ok(SoqlQuery { select: SelectClause::Count, object, condition, order: Vec::new(), limit, offset });
        };
        let is_aggregate = |expression: &SoqlExpression<SoqlName>| matches!(expression, SoqlExpression::Aggregate(..));
        if groups.is_empty() && !selected.iter().any(|one| is_aggregate(&one.expression)) {
            let fields = selected.into_iter().map(SelectedExpression::into_plain_field).collect::<Result<_, _>>()?;
            let order = order
                .into_iter()
                .map(|key| match key.field {
                    SoqlExpression::Field(field) => {
                        Ok(SortKey { field, is_descending: key.is_descending, has_nulls_last: key.has_nulls_last })
                    }
                    SoqlExpression::Aggregate(..) => Err(malformed_query("Ordered field must be grouped or aggregated")),
                })
                .collect::<Result<_, _>>()?;
            return Ok(SoqlQuery { select: SelectClause::Fields(fields), object, condition, order, limit, offset });
        }
        let select = SelectClause::Aggregates(Aggregation { selected, groups, having, order });
        Ok(SoqlQuery { select, object, condition, order: Vec::new(), limit, offset })
    }

    fn parse_list<T>(&mut self, one: fn(&mut Self) -> Result<T, SalesforceApiError>) -> Result<Vec<T>, SalesforceApiError> {
        let mut all = vec![one(self)?];
        while self.take_symbol(",") {
            all.push(one(self)?);
        }
        Ok(all)
    }

    /// The selected expressions; `None` for `COUNT()`.
    fn parse_select(&mut self) -> Result<Option<Vec<SelectedExpression<SoqlName>>>, SalesforceApiError> {
        let count = self.is_word("COUNT") && self.is_symbol_at(1, "(") && self.is_symbol_at(2, ")");
        if count {
            self.at += 3;
            return Ok(None);
        }
        self.parse_list(Self::parse_selected).map(Some)
    }

    fn parse_selected(&mut self) -> Result<SelectedExpression<SoqlName>, SalesforceApiError> {
        let expression = self.parse_expression()?;
        // An alias follows directly, and after it comes a comma or FROM.
        let may_be_alias = self.is_symbol_at(1, ",")
            || matches!(self.tokens.get(self.at + 1), Some(SoqlToken { kind: SoqlTokenKind::Word(word), .. }) if word.eq_ignore_ascii_case("FROM"));
        let alias = if may_be_alias && !self.is_word("FROM") { self.parse_name().ok().map(|name| name.text) } else { None };
        Ok(SelectedExpression { expression, alias })
    }

    fn is_symbol_at(&self, ahead: usize, expected: &str) -> bool {
        matches!(self.tokens.get(self.at + ahead), Some(SoqlToken { kind: SoqlTokenKind::Symbol(symbol), .. }) if *symbol == expected)
    }

    fn parse_expression(&mut self) -> Result<SoqlExpression<SoqlName>, SalesforceApiError> {
        let function = match self.peek() {
            Some(SoqlTokenKind::Word(word)) if self.is_symbol_at(1, "(") => {
                Some(AggregateFunction::from_name(word).ok_or_else(|| self.unexpected())?)
            }
            _ => None,
        };
        let Some(function) = function else { return self.parse_name().map(SoqlExpression::Field) };
        self.at += 2;
        let field = self.parse_name()?;
        self.expect_symbol(")")?;
        Ok(SoqlExpression::Aggregate(function, field))
    }

    fn parse_sort_key(&mut self) -> Result<SortKey<SoqlExpression<SoqlName>>, SalesforceApiError> {
        let field = self.parse_expression()?;
        let is_descending = self.take_word("DESC");
        if !is_descending {
            self.take_word("ASC");
        }
        let mut has_nulls_last = false;
        if self.take_word("NULLS") {
            has_nulls_last = self.take_word("LAST");
            if !has_nulls_last {
                self.expect_word("FIRST")?;
            }
        }
        Ok(SortKey { field, is_descending, has_nulls_last })
    }

    fn parse_number(&mut self) -> Result<u64, SalesforceApiError> {
        match self.peek() {
            Some(SoqlTokenKind::Word(word)) if word.bytes().all(|byte| byte.is_ascii_digit()) => {
                let number = word.parse().map_err(|_| self.unexpected())?;
                self.at += 1;
                Ok(number)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// `a AND b AND c` or `a OR b OR c`; mixing them needs parentheses, as in the real language.
    fn parse_condition<F>(
        &mut self,
        operand: fn(&mut Self) -> Result<F, SalesforceApiError>,
    ) -> Result<SoqlCondition<F>, SalesforceApiError> {
        let first = self.parse_term(operand)?;
        for (word, joined) in [("AND", SoqlCondition::And as fn(Vec<_>) -> _), ("OR", SoqlCondition::Or as fn(Vec<_>) -> _)] {
            if self.is_word(word) {
                let mut terms = vec![first];
                while self.take_word(word) {
                    terms.push(self.parse_term(operand)?);
                }
                return if self.is_word("AND") || self.is_word("OR") { Err(self.unexpected()) } else { Ok(joined(terms)) };
            }
        }
        Ok(first)
    }

    fn parse_term<F>(&mut self, operand: fn(&mut Self) -> Result<F, SalesforceApiError>) -> Result<SoqlCondition<F>, SalesforceApiError> {
        if self.take_symbol("(") {
            let inner = self.parse_condition(operand)?;
            self.expect_symbol(")")?;
            return Ok(inner);
        }
        if self.take_word("NOT") {
            return Ok(SoqlCondition::Not(Box::new(self.parse_term(operand)?)));
        }
        let field = operand(self)?;
        let is_negated = self.take_word("NOT");
        if self.take_word("IN") {
            self.expect_symbol("(")?;
            let mut values = vec![self.parse_literal()?];
            while self.take_symbol(",") {
                values.push(self.parse_literal()?);
            }
            self.expect_symbol(")")?;
            return Ok(SoqlCondition::In(field, !is_negated, values));
        }
        if is_negated {
            return Err(self.unexpected());
        }
        let operator = match self.peek() {
            Some(SoqlTokenKind::Symbol("=")) => ComparisonOperator::Equal,
            Some(SoqlTokenKind::Symbol("!=" | "<>")) => ComparisonOperator::Unequal,
            Some(SoqlTokenKind::Symbol("<")) => ComparisonOperator::Less,
            Some(SoqlTokenKind::Symbol("<=")) => ComparisonOperator::LessOrEqual,
            Some(SoqlTokenKind::Symbol(">")) => ComparisonOperator::Greater,
            Some(SoqlTokenKind::Symbol(">=")) => ComparisonOperator::GreaterOrEqual,
            Some(SoqlTokenKind::Word(word)) if word.eq_ignore_ascii_case("LIKE") => ComparisonOperator::Like,
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(SoqlCondition::Compare(field, operator, self.parse_literal()?))
    }

    fn parse_literal(&mut self) -> Result<SoqlLiteral, SalesforceApiError> {
        let literal = match self.peek() {
            Some(SoqlTokenKind::Text(text)) => SoqlLiteral::Text(text.clone()),
            Some(SoqlTokenKind::Word(word)) => match word.to_lowercase().as_str() {
                "null" => SoqlLiteral::Null,
                "true" => SoqlLiteral::Boolean(true),
                "false" => SoqlLiteral::Boolean(false),
                _ => match (word.parse::<f64>(), timestamps::parse_timestamp(word)) {
                    (Ok(number), _) if number.is_finite() => SoqlLiteral::Number(number),
                    (_, Some(seconds)) => SoqlLiteral::DateTime(seconds),
                    _ => return Err(self.unexpected()),
                },
            },
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(literal)
    }
}

impl SelectedExpression<SoqlName> {
    /// The field of a query without aggregates, where aliases aren't allowed.
    fn into_plain_field(self) -> Result<SoqlName, SalesforceApiError> {
        match (self.expression, self.alias) {
            (SoqlExpression::Field(name), None) => Ok(name),
            (SoqlExpression::Field(name), Some(_)) => Err(SalesforceApiError::bad_request(
                "MALFORMED_QUERY",
                format!("only aggregate expressions use field aliasing: {}", name.text),
            )),
            (SoqlExpression::Aggregate(function, _), _) => {
                Err(SalesforceApiError::bad_request("MALFORMED_QUERY", format!("unexpected token: '{}'", function.name())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_with_every_part_is_parsed() {
        let query = parse_query(
            "select Id, Owner.Name FROM Lead WHERE (IsConverted = false OR Email != null) AND SystemModstamp >= 2026-01-02T03:04:05Z \
             AND Name LIKE 'O\\'N%' AND Id NOT IN ('a','b') ORDER BY SystemModstamp DESC NULLS LAST, Id LIMIT 20",
        )
        .expect("the query is well formed");
        assert!(matches!(&query.select, SelectClause::Fields(fields) if fields.len() == 2 && fields[1].text == "Owner.Name"));
        let Some(SoqlCondition::And(terms)) = &query.condition else { panic!("{:?}", query.condition) };
        assert!(matches!(&terms[0], SoqlCondition::Or(inner) if inner.len() == 2));
        assert!(matches!(&terms[1], SoqlCondition::Compare(_, ComparisonOperator::GreaterOrEqual, SoqlLiteral::DateTime(1_767_323_045))));
        assert!(matches!(&terms[2], SoqlCondition::Compare(_, ComparisonOperator::Like, SoqlLiteral::Text(text)) if text == "O'N%"));
        assert!(matches!(&terms[3], SoqlCondition::In(_, false, values) if values.len() == 2));
        assert!(query.order[0].is_descending && query.order[0].has_nulls_last && !query.order[1].is_descending);
        assert_eq!(query.limit, Some(20));
    }

    #[test]
    fn a_malformed_query_is_refused_with_the_token() {
        for (text, word) in [
            ("SELECT Id Lead", "Lead"),
            ("SELECT Id FROM Lead WHERE", "<EOF>"),
            ("SELECT Id FROM Lead WHERE Id = 'a' AND Id = 'b' OR Id = 'c'", "OR"),
            ("SELECT Id, FROM Lead", "FROM"),
            ("SELECT Id FROM Lead LIMIT many", "many"),
            ("DELETE FROM Lead", "DELETE"),
        ] {
            let error = parse_query(text).expect_err("malformed");
            assert_eq!((error.code, error.message), ("MALFORMED_QUERY", format!("unexpected token: '{word}'")), "{text}");
        }
        assert_eq!(parse_query("SELECT Id FROM Lead WHERE Name = 'open").map_err(|error| error.code), Err("MALFORMED_QUERY"));
    }
}
