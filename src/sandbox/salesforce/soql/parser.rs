//! Reads the text of a query.

use super::ast::{Aggregation, Condition, Function, Item, Literal, Name, Operator, Order, Query, Select, Selected};
use super::lexer::{self, Token, TokenKind};
use crate::sandbox::moment;
use crate::sandbox::salesforce::errors::ApiError;

/// Reads a query.
///
/// # Errors
/// `MALFORMED_QUERY` with the word that doesn't belong.
pub fn parse(text: &str) -> Result<Query, ApiError> {
    let tokens = lexer::tokens(text).map_err(|column| {
        malformed(format!("line 1:{column} no viable alternative at character '{}'", text.chars().nth(column - 1).unwrap_or(' ')))
    })?;
    let mut parser = Parser { tokens, at: 0 };
    let query = parser.query()?;
    match parser.peek() {
        None => Ok(query),
        Some(_) => Err(parser.unexpected()),
    }
}

fn malformed(message: impl Into<String>) -> ApiError {
    ApiError::bad("MALFORMED_QUERY", message)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&TokenKind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn unexpected(&self) -> ApiError {
        match self.tokens.get(self.at) {
            Some(token) => malformed(format!("unexpected token: '{}'", token.kind.shown())),
            None => malformed("unexpected token: '<EOF>'"),
        }
    }

    fn is_word(&self, wanted: &str) -> bool {
        matches!(self.peek(), Some(TokenKind::Word(word)) if word.eq_ignore_ascii_case(wanted))
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        let found = self.is_word(wanted);
        self.at += usize::from(found);
        found
    }

    fn take_symbol(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Some(TokenKind::Symbol(symbol)) if *symbol == wanted);
        self.at += usize::from(found);
        found
    }

    fn expect_word(&mut self, wanted: &str) -> Result<(), ApiError> {
        if self.take_word(wanted) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn expect_symbol(&mut self, wanted: &str) -> Result<(), ApiError> {
        if self.take_symbol(wanted) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn name(&mut self) -> Result<Name, ApiError> {
        const RESERVED: [&str; 10] = ["select", "from", "where", "order", "limit", "offset", "group", "having", "typeof", "and"];
        match self.tokens.get(self.at) {
            Some(Token { kind: TokenKind::Word(word), column })
                if word.starts_with(|first: char| first.is_alphabetic()) && !RESERVED.contains(&word.to_lowercase().as_str()) =>
            {
                let name = Name { text: word.clone(), column: *column };
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn query(&mut self) -> Result<Query, ApiError> {
        self.expect_word("SELECT")?;
        let selected = self.select()?;
        self.expect_word("FROM")?;
        let object = self.name()?.text;
        let condition = if self.take_word("WHERE") { Some(self.condition(Self::name)?) } else { None };
        let mut groups = Vec::new();
        if self.take_word("GROUP") {
            self.expect_word("BY")?;
            groups = self.list(Self::name)?;
        }
        let having = if !groups.is_empty() && self.take_word("HAVING") { Some(self.condition(Self::item)?) } else { None };
        let mut order = Vec::new();
        if self.take_word("ORDER") {
            self.expect_word("BY")?;
            order = self.list(Self::order)?;
        }
        let limit = if self.take_word("LIMIT") { Some(self.number()?) } else { None };
        let offset = if self.take_word("OFFSET") { Some(self.number()?) } else { None };
        let Some(selected) = selected else {
            return Ok(Query { select: Select::Count, object, condition, order: Vec::new(), limit, offset });
        };
        let is_aggregate = |item: &Item<Name>| matches!(item, Item::Aggregate(..));
        if groups.is_empty() && !selected.iter().any(|one| is_aggregate(&one.item)) {
            let fields = selected.into_iter().map(Selected::into_plain_field).collect::<Result<_, _>>()?;
            let order = order
                .into_iter()
                .map(|key| match key.field {
                    Item::Field(field) => Ok(Order { field, descending: key.descending, nulls_last: key.nulls_last }),
                    Item::Aggregate(..) => Err(malformed("Ordered field must be grouped or aggregated")),
                })
                .collect::<Result<_, _>>()?;
            return Ok(Query { select: Select::Fields(fields), object, condition, order, limit, offset });
        }
        let select = Select::Aggregates(Aggregation { selected, groups, having, order });
        Ok(Query { select, object, condition, order: Vec::new(), limit, offset })
    }

    fn list<T>(&mut self, one: fn(&mut Self) -> Result<T, ApiError>) -> Result<Vec<T>, ApiError> {
        let mut all = vec![one(self)?];
        while self.take_symbol(",") {
            all.push(one(self)?);
        }
        Ok(all)
    }

    /// What is selected; `None` for `COUNT()`.
    fn select(&mut self) -> Result<Option<Vec<Selected<Name>>>, ApiError> {
        let count = self.is_word("COUNT") && self.is_symbol_at(1, "(") && self.is_symbol_at(2, ")");
        if count {
            self.at += 3;
            return Ok(None);
        }
        self.list(Self::selected).map(Some)
    }

    fn selected(&mut self) -> Result<Selected<Name>, ApiError> {
        let item = self.item()?;
        // An alias stands behind without a word between, and the list goes on or ends after it.
        let goes_on = self.is_symbol_at(1, ",")
            || matches!(self.tokens.get(self.at + 1), Some(Token { kind: TokenKind::Word(word), .. }) if word.eq_ignore_ascii_case("FROM"));
        let alias = if goes_on && !self.is_word("FROM") { self.name().ok().map(|name| name.text) } else { None };
        Ok(Selected { item, alias })
    }

    fn is_symbol_at(&self, ahead: usize, wanted: &str) -> bool {
        matches!(self.tokens.get(self.at + ahead), Some(Token { kind: TokenKind::Symbol(symbol), .. }) if *symbol == wanted)
    }

    /// A field, or a function of one.
    fn item(&mut self) -> Result<Item<Name>, ApiError> {
        let function = match self.peek() {
            Some(TokenKind::Word(word)) if self.is_symbol_at(1, "(") => Some(Function::named(word).ok_or_else(|| self.unexpected())?),
            _ => None,
        };
        let Some(function) = function else { return self.name().map(Item::Field) };
        self.at += 2;
        let field = self.name()?;
        self.expect_symbol(")")?;
        Ok(Item::Aggregate(function, field))
    }

    fn order(&mut self) -> Result<Order<Item<Name>>, ApiError> {
        let field = self.item()?;
        let descending = self.take_word("DESC");
        if !descending {
            self.take_word("ASC");
        }
        let mut nulls_last = false;
        if self.take_word("NULLS") {
            nulls_last = self.take_word("LAST");
            if !nulls_last {
                self.expect_word("FIRST")?;
            }
        }
        Ok(Order { field, descending, nulls_last })
    }

    fn number(&mut self) -> Result<u64, ApiError> {
        match self.peek() {
            Some(TokenKind::Word(word)) if word.bytes().all(|byte| byte.is_ascii_digit()) => {
                let number = word.parse().map_err(|_| self.unexpected())?;
                self.at += 1;
                Ok(number)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// `a AND b AND c` or `a OR b OR c`; mixing them needs parentheses, as in the real language.
    fn condition<F>(&mut self, operand: fn(&mut Self) -> Result<F, ApiError>) -> Result<Condition<F>, ApiError> {
        let first = self.term(operand)?;
        for (word, joined) in [("AND", Condition::And as fn(Vec<_>) -> _), ("OR", Condition::Or as fn(Vec<_>) -> _)] {
            if self.is_word(word) {
                let mut terms = vec![first];
                while self.take_word(word) {
                    terms.push(self.term(operand)?);
                }
                return if self.is_word("AND") || self.is_word("OR") { Err(self.unexpected()) } else { Ok(joined(terms)) };
            }
        }
        Ok(first)
    }

    fn term<F>(&mut self, operand: fn(&mut Self) -> Result<F, ApiError>) -> Result<Condition<F>, ApiError> {
        if self.take_symbol("(") {
            let inner = self.condition(operand)?;
            self.expect_symbol(")")?;
            return Ok(inner);
        }
        if self.take_word("NOT") {
            return Ok(Condition::Not(Box::new(self.term(operand)?)));
        }
        let field = operand(self)?;
        let excluded = self.take_word("NOT");
        if self.take_word("IN") {
            self.expect_symbol("(")?;
            let mut values = vec![self.literal()?];
            while self.take_symbol(",") {
                values.push(self.literal()?);
            }
            self.expect_symbol(")")?;
            return Ok(Condition::In(field, !excluded, values));
        }
        if excluded {
            return Err(self.unexpected());
        }
        let operator = match self.peek() {
            Some(TokenKind::Symbol("=")) => Operator::Equal,
            Some(TokenKind::Symbol("!=" | "<>")) => Operator::Unequal,
            Some(TokenKind::Symbol("<")) => Operator::Less,
            Some(TokenKind::Symbol("<=")) => Operator::LessOrEqual,
            Some(TokenKind::Symbol(">")) => Operator::Greater,
            Some(TokenKind::Symbol(">=")) => Operator::GreaterOrEqual,
            Some(TokenKind::Word(word)) if word.eq_ignore_ascii_case("LIKE") => Operator::Like,
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(Condition::Compare(field, operator, self.literal()?))
    }

    fn literal(&mut self) -> Result<Literal, ApiError> {
        let literal = match self.peek() {
            Some(TokenKind::Text(text)) => Literal::Text(text.clone()),
            Some(TokenKind::Word(word)) => match word.to_lowercase().as_str() {
                "null" => Literal::Null,
                "true" => Literal::Boolean(true),
                "false" => Literal::Boolean(false),
                _ => match (word.parse::<f64>(), moment::parse(word)) {
                    (Ok(number), _) if number.is_finite() => Literal::Number(number),
                    (_, Some(seconds)) => Literal::Moment(seconds),
                    _ => return Err(self.unexpected()),
                },
            },
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(literal)
    }
}

impl Selected<Name> {
    /// The field of a query that aggregates nothing; there, an alias has no place.
    fn into_plain_field(self) -> Result<Name, ApiError> {
        match (self.item, self.alias) {
            (Item::Field(name), None) => Ok(name),
            (Item::Field(name), Some(_)) => {
                Err(ApiError::bad("MALFORMED_QUERY", format!("only aggregate expressions use field aliasing: {}", name.text)))
            }
            (Item::Aggregate(function, _), _) => Err(ApiError::bad("MALFORMED_QUERY", format!("unexpected token: '{}'", function.name()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_with_every_part_is_read() {
        let query = parse(
            "select Id, Owner.Name FROM Lead WHERE (IsConverted = false OR Email != null) AND SystemModstamp >= 2026-01-02T03:04:05Z \
             AND Name LIKE 'O\\'N%' AND Id NOT IN ('a','b') ORDER BY SystemModstamp DESC NULLS LAST, Id LIMIT 20",
        )
        .expect("the query is well formed");
        assert!(matches!(&query.select, Select::Fields(fields) if fields.len() == 2 && fields[1].text == "Owner.Name"));
        let Some(Condition::And(terms)) = &query.condition else { panic!("{:?}", query.condition) };
        assert!(matches!(&terms[0], Condition::Or(inner) if inner.len() == 2));
        assert!(matches!(&terms[1], Condition::Compare(_, Operator::GreaterOrEqual, Literal::Moment(1_767_323_045))));
        assert!(matches!(&terms[2], Condition::Compare(_, Operator::Like, Literal::Text(text)) if text == "O'N%"));
        assert!(matches!(&terms[3], Condition::In(_, false, values) if values.len() == 2));
        assert!(query.order[0].descending && query.order[0].nulls_last && !query.order[1].descending);
        assert_eq!(query.limit, Some(20));
    }

    #[test]
    fn a_query_that_makes_no_sense_names_the_word() {
        for (text, word) in [
            ("SELECT Id Lead", "Lead"),
            ("SELECT Id FROM Lead WHERE", "<EOF>"),
            ("SELECT Id FROM Lead WHERE Id = 'a' AND Id = 'b' OR Id = 'c'", "OR"),
            ("SELECT Id, FROM Lead", "FROM"),
            ("SELECT Id FROM Lead LIMIT many", "many"),
            ("DELETE FROM Lead", "DELETE"),
        ] {
            let error = parse(text).expect_err("malformed");
            assert_eq!((error.code, error.message), ("MALFORMED_QUERY", format!("unexpected token: '{word}'")), "{text}");
        }
        assert_eq!(parse("SELECT Id FROM Lead WHERE Name = 'open").map_err(|error| error.code), Err("MALFORMED_QUERY"));
    }
}
