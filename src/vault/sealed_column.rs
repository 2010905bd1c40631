use std::fmt::Display;

/// A column whose values a data key seals. Each is declared once, by the feature that owns the table: what binds a value to its row
/// follows from the declaration, and so does what a rotation re-encrypts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedColumn {
    pub table: &'static str,
    /// Begins with `sealed_`.
    pub column: &'static str,
    /// How a rotation finds its rows.
    pub row_key: SealedRowKey,
}

/// What the rows of a sealed column are found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedRowKey {
    /// `instance_id`.
    Instance,
    /// `instance_id` and `id`.
    InstanceAndId,
    /// A column of texts.
    Text(&'static str),
    /// Sealed for somebody who alone knows the key; the rows expire within minutes instead of being re-encrypted.
    Expires,
}

impl SealedColumn {
    /// A sealed column of a table.
    #[must_use]
    pub const fn new(table: &'static str, column: &'static str, row_key: SealedRowKey) -> Self {
        Self { table, column, row_key }
    }

    /// What the value in a row is bound to: `TABLE/KEY/COLUMN`, without the column's `sealed_`. A key of several parts is written with
    /// slashes between them. It is the associated data of values that are stored: another text opens none of them.
    #[must_use]
    pub fn context(&self, row_key: impl Display) -> String {
        format!("{}/{row_key}/{}", self.table, self.column.trim_start_matches("sealed_"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_bound_to_its_table_row_and_column() {
        let column = SealedColumn::new("mail_messages", "sealed_content", SealedRowKey::InstanceAndId);
        assert_eq!(column.context(format_args!("{}/{}", "i", "m")), "mail_messages/i/m/content");
    }
}
