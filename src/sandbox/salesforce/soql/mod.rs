//! SOQL: `SELECT … FROM … [WHERE …] [ORDER BY …] [LIMIT n] [OFFSET n]`, read and checked against the schema.

mod check;
mod evaluate;
mod lexer;

pub use check::{Resolved, check};
pub use evaluate::{compare, holds, identified, modified_since};

use super::errors::ApiError;
use crate::sandbox::moment;
use lexer::{Token, TokenKind};

/// A query as written; names are not checked yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Query<Field = Name> {
    pub select: Select<Field>,
    /// The object's name.
    pub object: String,
    pub condition: Option<Condition<Field>>,
    pub order: Vec<Order<Field>>,
    pub limit: Option<u64>,
    pub offset: Option<u64>,
}

/// A field's name and the column it stands at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub text: String,
    pub column: usize,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Select<Field> {
    Fields(Vec<Field>),
    /// `COUNT()`.
    Count,
    /// `COUNT(Field)`: how many rows have a value.
    CountOf(Field),
}

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition<Field> {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Compare(Field, Operator, Literal),
    /// `IN`, or `NOT IN` when the flag is false.
    In(Field, bool, Vec<Literal>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

/// A value written into a query.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Null,
    Text(String),
    Boolean(bool),
    Number(f64),
    /// Unix seconds.
    Moment(i64),
}

/// One sort key.
#[derive(Debug, Clone, PartialEq)]
pub struct Order<Field> {
    pub field: Field,
    pub descending: bool,
    pub nulls_last: bool,
}

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
        let select = self.select()?;
        self.expect_word("FROM")?;
        let object = self.name()?.text;
        let condition = if self.take_word("WHERE") { Some(self.condition()?) } else { None };
        let mut order = Vec::new();
        if self.take_word("ORDER") {
            self.expect_word("BY")?;
            loop {
                order.push(self.order()?);
                if !self.take_symbol(",") {
                    break;
                }
            }
        }
        let limit = if self.take_word("LIMIT") { Some(self.number()?) } else { None };
        let offset = if self.take_word("OFFSET") { Some(self.number()?) } else { None };
        Ok(Query { select, object, condition, order, limit, offset })
    }

    fn select(&mut self) -> Result<Select<Name>, ApiError> {
        if self.is_word("COUNT") && matches!(self.tokens.get(self.at + 1), Some(Token { kind: TokenKind::Symbol("("), .. })) {
            self.at += 2;
            if self.take_symbol(")") {
                return Ok(Select::Count);
            }
            let name = self.name()?;
            self.expect_symbol(")")?;
            return Ok(Select::CountOf(name));
        }
        let mut fields = vec![self.name()?];
        while self.take_symbol(",") {
            fields.push(self.name()?);
        }
        Ok(Select::Fields(fields))
    }

    fn order(&mut self) -> Result<Order<Name>, ApiError> {
        let field = self.name()?;
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
    fn condition(&mut self) -> Result<Condition<Name>, ApiError> {
        let first = self.term()?;
        for (word, joined) in [("AND", Condition::And as fn(Vec<_>) -> _), ("OR", Condition::Or as fn(Vec<_>) -> _)] {
            if self.is_word(word) {
                let mut terms = vec![first];
                while self.take_word(word) {
                    terms.push(self.term()?);
                }
                return if self.is_word("AND") || self.is_word("OR") { Err(self.unexpected()) } else { Ok(joined(terms)) };
            }
        }
        Ok(first)
    }

    fn term(&mut self) -> Result<Condition<Name>, ApiError> {
        if self.take_symbol("(") {
            let inner = self.condition()?;
            self.expect_symbol(")")?;
            return Ok(inner);
        }
        if self.take_word("NOT") {
            return Ok(Condition::Not(Box::new(self.term()?)));
        }
        let field = self.name()?;
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
