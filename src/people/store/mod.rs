//! SQL of the people: reading them, and the order of their changes.

mod columns;
mod feed;
mod lookup;
mod names;
#[cfg(test)]
mod plans;
mod read;

pub use feed::{changes, last_change, next_change};
pub use lookup::find_by_salesforce_ids;
pub use read::{find, list};
