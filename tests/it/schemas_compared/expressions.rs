//! One way to write what the engines write in two: PostgreSQL shows an expression as it has understood it, SQLite as it was given.

use std::collections::BTreeSet;

use sqlparser::ast::{BinaryOperator, Expr, InTarget, UnaryOperator, Value};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

/// An expression as SQLite has it.
pub fn of_sqlite(sql: &str) -> String {
    parsed(&SQLiteDialect {}, sql)
}

/// An expression as PostgreSQL shows it.
pub fn of_postgres(sql: &str) -> String {
    parsed(&PostgreSqlDialect {}, sql)
}

fn parsed(dialect: &dyn Dialect, sql: &str) -> String {
    let expression = Parser::new(dialect).try_with_sql(sql).and_then(|mut parser| parser.parse_expr());
    canonical(&expression.unwrap_or_else(|error| panic!("{error}: {sql}")))
}

/// An expression without types and parentheses that say nothing.
pub fn canonical(expression: &Expr) -> String {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => canonical(inner),
        Expr::Value(value) => match &value.value {
            Value::Boolean(true) => "1".into(),
            Value::Boolean(false) => "0".into(),
            // An id is text to one engine and bytes to the other.
            Value::HexStringLiteral(digits) => format!("'{}'", digits.to_lowercase()),
            Value::SingleQuotedString(text) if text.len() == 36 => format!("'{}'", text.replace('-', "")),
            other => other.to_string(),
        },
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } if canonical(right) == "1" && is_boolean(right) => canonical(left),
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } if canonical(right) == "0" && is_boolean(right) => {
            format!("NOT {}", canonical(left))
        }
        Expr::BinaryOp { left, op: op @ (BinaryOperator::And | BinaryOperator::Or), right } => {
            format!("({} {op} {})", canonical(left), canonical(right))
        }
        Expr::BinaryOp { left, op, right } => format!("{} {op} {}", canonical(left), canonical(right)),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => format!("NOT {}", canonical(expr)),
        Expr::In { expr, target: InTarget::List(list), negated: false, .. } => one_of(expr, list),
        Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => match without_casts(right) {
            Expr::Array(array) => one_of(left, &array.elem),
            other => format!("{} = ANY ({})", canonical(left), canonical(other)),
        },
        Expr::IsNull(inner) => format!("{} IS NULL", canonical(inner)),
        Expr::IsNotNull(inner) => format!("{} IS NOT NULL", canonical(inner)),
        Expr::Identifier(name) => name.value.clone(),
        other => other.to_string().replace("::TEXT", "").replace("::text", ""),
    }
}

fn is_boolean(expression: &Expr) -> bool {
    matches!(without_casts(expression), Expr::Value(value) if matches!(value.value, Value::Boolean(_)))
}

fn without_casts(expression: &Expr) -> &Expr {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => without_casts(inner),
        other => other,
    }
}

fn one_of(expression: &Expr, list: &[Expr]) -> String {
    let list: BTreeSet<_> = list.iter().map(canonical).collect();
    format!("{} IN ({})", canonical(expression), list.into_iter().collect::<Vec<_>>().join(", "))
}

#[test]
fn what_means_the_same_is_written_in_one_way() {
    for (sqlite, postgres) in [
        ("state IN ('b', 'a')", "(state = ANY (ARRAY['a'::text, 'b'::text]))"),
        ("is_due = TRUE AND lane IS NOT NULL", "((is_due = true) AND (lane IS NOT NULL))"),
        ("X'00000000000000000000000000000000'", "'00000000-0000-0000-0000-000000000000'::uuid"),
        ("is_due = FALSE", "(is_due = false)"),
        ("0", "false"),
        ("lower(email)", "lower(email)"),
    ] {
        assert_eq!(of_sqlite(sqlite), of_postgres(postgres));
    }
    assert_ne!(of_sqlite("state IN ('a')"), of_postgres("(state = ANY (ARRAY['a'::text, 'b'::text]))"));
    assert_ne!(of_sqlite("a OR b"), of_postgres("(a AND b)"));
}
