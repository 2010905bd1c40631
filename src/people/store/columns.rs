//! The columns of a person, once for all statements.

use std::sync::LazyLock;

use crate::people::Person;

/// The columns of [`Person`], as a statement lists them.
pub(super) static COLUMNS: LazyLock<String> = LazyLock::new(|| Person::COLUMNS.join(", "));
