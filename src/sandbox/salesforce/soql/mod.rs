//! SOQL: `SELECT … FROM … [WHERE …] [GROUP BY … [HAVING …]] [ORDER BY …] [LIMIT n] [OFFSET n]`, read and checked against the schema.

mod ast;
mod check;
mod evaluate;
mod groups;
mod lexer;
mod parser;
mod resolved;

pub use ast::{Aggregation, Order, Query, Select};
pub use check::check;
pub use evaluate::{compare, holds, identified, modified_since};
pub use groups::Groups;
pub use parser::parse;
pub use resolved::Resolved;
