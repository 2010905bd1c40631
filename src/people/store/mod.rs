//! SQL of the people: finding and listing them, and the feed of their changes.

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
