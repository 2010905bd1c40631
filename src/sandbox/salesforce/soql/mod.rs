//! SOQL: `SELECT … FROM … [WHERE …] [GROUP BY … [HAVING …]] [ORDER BY …] [LIMIT n] [OFFSET n]`, read and checked against the schema.

mod ast;
mod check;
mod evaluate;
mod field_path;
mod lexer;
mod parser;
mod row_groups;

pub use ast::{Aggregation, SelectClause, SoqlQuery, SortKey};
pub use check::check_query;
pub use evaluate::{compare_rows, is_met, modified_since, named_ids};
pub use field_path::FieldPath;
pub use parser::parse_query;
pub use row_groups::RowGroups;
