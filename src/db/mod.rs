//! The two database engines behind one type. SQL is written once; where the engines truly differ, two functions stand side
//! by side in this folder ([`claim`], [`bulk`]).

pub mod bulk;
pub mod claim;
mod connect;
mod dispatch;
mod error;
mod many_rows;
mod migrate;
mod pools;
mod probe;
mod snapshot;
mod statements;
mod text_enum;
mod timestamp;

pub use connect::ConnectError;
pub use error::DbError;
pub(crate) use pools::run_on;
pub use pools::{Db, ReadPool, Tx};
pub use probe::{WriteOutcome, WriteProbe};
#[cfg(debug_assertions)]
pub use statements::{ObservedStatement, set_statement_observer};
pub use text_enum::UnknownName;

pub(crate) use dispatch::{execute, on, on_tx};
pub(crate) use many_rows::{ROWS_PER_STATEMENT, fetch_by_keys, insert_rows, is_usual_size, parameters, value_rows};
pub(crate) use statements::{query, query_as, query_scalar};
pub(crate) use text_enum::text_enum;
