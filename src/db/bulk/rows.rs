use bytes::{BufMut, BytesMut};

use super::ColumnKind;

/// PackedRows packed for a [`Table`](super::Table), column by column in its order.
#[derive(Debug, Default)]
pub struct PackedRows {
    packed: BytesMut,
    rows: i64,
}

/// A value of a packed row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BulkValue<'a> {
    Integer(i64),
    Text(Option<&'a str>),
}

/// The length that stands for an absent value.
const ABSENT: i32 = -1;

impl PackedRows {
    /// Room for so many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { packed: BytesMut::with_capacity(bytes), rows: 0 }
    }

    /// Begins a row of so many columns, each of which must follow.
    pub fn begin_row(&mut self, columns: i16) {
        self.packed.put_i16(columns);
        self.rows += 1;
    }

    /// The next column's number.
    pub fn push_integer(&mut self, value: i64) {
        self.packed.put_i32(8);
        self.packed.put_i64(value);
    }

    /// The next column's text.
    pub fn push_text(&mut self, value: Option<&str>) {
        match value.and_then(|text| Some((text, i32::try_from(text.len()).ok()?))) {
            Some((text, length)) => {
                self.packed.put_i32(length);
                self.packed.put_slice(text.as_bytes());
            }
            None => self.packed.put_i32(ABSENT),
        }
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> i64 {
        self.rows
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Their size in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.packed.len()
    }

    pub(super) fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// Hands every value to `each`, row after row. The kinds are those of the table's columns.
    pub(super) fn unpack<'a>(&'a self, kinds: impl Iterator<Item = ColumnKind> + Clone, mut each: impl FnMut(BulkValue<'a>)) {
        let mut rest = self.packed();
        // Everything was packed above: what is missing at the end can only be the end.
        while let Some((_, mut row)) = rest.split_at_checked(2) {
            for kind in kinds.clone() {
                let Some((length, following)) = row.split_first_chunk::<4>() else { return };
                let length = i32::from_be_bytes(*length);
                let (value, following) = following.split_at(usize::try_from(length).unwrap_or(0));
                each(match kind {
                    ColumnKind::Integer => BulkValue::Integer(value.try_into().map(i64::from_be_bytes).unwrap_or_default()),
                    ColumnKind::Text => BulkValue::Text((length != ABSENT).then(|| std::str::from_utf8(value).unwrap_or_default())),
                });
                row = following;
            }
            rest = row;
        }
    }

    /// The rows as text, for tests: columns between bars, absent ones as a dash.
    #[cfg(test)]
    pub(crate) fn unpack_as_text(&self, kinds: &[ColumnKind]) -> Vec<Vec<String>> {
        let mut all = Vec::new();
        self.unpack(kinds.iter().copied(), |value| {
            all.push(match value {
                BulkValue::Integer(number) => number.to_string(),
                BulkValue::Text(text) => text.unwrap_or("-").to_owned(),
            });
        });
        all.chunks(kinds.len()).map(<[_]>::to_vec).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        let mut rows = PackedRows::with_capacity(10);
        for (number, text) in [(1, Some("a☃")), (-7, None), (i64::MAX, Some(""))] {
            rows.begin_row(2);
            rows.push_integer(number);
            rows.push_text(text);
        }
        assert_eq!(rows.len(), 3);
        assert_eq!(rows.unpack_as_text(&[ColumnKind::Integer, ColumnKind::Text]), [["1", "a☃"], ["-7", "-"], ["9223372036854775807", ""]]);
    }
}
