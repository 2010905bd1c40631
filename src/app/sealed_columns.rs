use crate::http::idempotency;
use crate::vault::SealedColumn;
use crate::{auth, connections, instances, mail};

/// Every column that a data key seals: what a rotation of the data key re-encrypts. A test compares the list with the schema.
#[must_use]
pub fn sealed_columns() -> Vec<SealedColumn> {
    let declared = [auth::SEALED_COLUMNS, idempotency::SEALED_COLUMNS, instances::SEALED_COLUMNS, mail::SEALED_COLUMNS];
    declared.into_iter().flatten().chain(connections::sealed_columns()).copied().collect()
}
