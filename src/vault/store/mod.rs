//! The table of the data keys, and the sealed columns of all tables. Global: a data key seals for every instance.

pub(super) mod data_keys;
pub(super) mod sealed_values;
