//! Errors as a log tells them: with everything that led to them, once.

use std::error::Error;
use std::fmt::{self, Display, Write};

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

/// An error and its causes as one text, `what failed: why: why that`. A cause that an error repeats in its own words is told once. Of
/// what PostgreSQL says there are the message and the SQLSTATE; not its `DETAIL`, which holds the values of rows, and not the message
/// where it is about a value (class 22).
pub fn error_chain<'a>(error: &'a (dyn Error + 'static)) -> impl Display + 'a {
    Chain(error)
}

struct Chain<'a>(&'a (dyn Error + 'static));

impl Display for Chain<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = String::new();
        let mut next = Some(self.0);
        while let Some(error) = next {
            // What a database says ends the chain: its own cause would be the same text once more.
            let (text, cause) = match error.downcast_ref::<sqlx::Error>() {
                Some(sqlx::Error::Database(refusal)) => (refusal_text(refusal.as_ref()), None),
                _ => (error.to_string(), error.source()),
            };
            if shown.is_empty() {
                shown = text;
            } else if !shown.contains(&text) {
                write!(shown, ": {text}")?;
            }
            next = cause;
        }
        out.write_str(&shown)
    }
}

fn refusal_text(refusal: &dyn DatabaseError) -> String {
    refusal.try_downcast_ref::<PgDatabaseError>().map_or_else(|| format!("SQLite says: {refusal}"), postgres_text)
}

fn postgres_text(refusal: &PgDatabaseError) -> String {
    let code = refusal.code();
    if code.starts_with("22") {
        return format!("PostgreSQL says that a value can't be used (SQLSTATE {code})");
    }
    format!("PostgreSQL says: {} (SQLSTATE {code})", refusal.message())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Example {
        #[error("the message was not sent")]
        Outer(#[source] Box<Example>),
        #[error("no way: {0}")]
        Repeating(#[source] Box<Example>),
        #[error(transparent)]
        Transparent(Box<Example>),
        #[error("the road is closed")]
        Inner,
    }

    #[test]
    fn each_cause_is_told_once() {
        let inner = || Box::new(Example::Inner);
        let outer = Example::Outer(Box::new(Example::Transparent(Box::new(Example::Repeating(inner())))));
        assert_eq!(error_chain(&outer).to_string(), "the message was not sent: no way: the road is closed");
        assert_eq!(error_chain(&Example::Inner).to_string(), "the road is closed");
    }
}
