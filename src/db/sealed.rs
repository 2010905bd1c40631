//! Every column that is sealed by a data key, in one place, so that changing the data key forgets none. A test compares the list
//! with the schema. What a value is bound to follows from it: `TABLE/KEY…/COLUMN`, without the column's `sealed_`.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{Db, DbError, Tx, execute, on};

/// A column sealed by a data key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedColumn {
    pub table: &'static str,
    pub column: &'static str,
    /// How its values get to a new data key.
    pub key: SealedKey,
}

/// What the rows of a sealed column are found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedKey {
    /// A column of ids.
    Id(&'static str),
    /// The instance and the row's own id.
    InstanceAndId,
    /// A column of texts.
    Text(&'static str),
    /// Sealed for somebody who alone knows the key; the rows run out within minutes instead of being sealed anew.
    RunsOut,
    /// A data key itself, sealed by a master key.
    ByMaster,
}

use SealedKey::{ByMaster, Id, InstanceAndId, RunsOut, Text};

const fn column(table: &'static str, column: &'static str, key: SealedKey) -> SealedColumn {
    SealedColumn { table, column, key }
}

/// The list.
pub const SEALED_COLUMNS: &[SealedColumn] = &[
    column("data_keys", "sealed_key", ByMaster),
    column("signing_keys", "sealed_private_key", Text("kid")),
    column("integration_clients", "sealed_secret", Id("instance_id")),
    column("idempotency_keys", "sealed_answer", InstanceAndId),
    column("mail_messages", "sealed_content", InstanceAndId),
    column("oauth_states", "sealed_verifier", RunsOut),
    column("salesforce_connections", "sealed_access_token", InstanceAndId),
    column("salesforce_connections", "sealed_refresh_token", InstanceAndId),
    column("salesforce_connections", "sealed_jwt_key", InstanceAndId),
    column("marketo_credentials", "sealed_client_secret", Id("instance_id")),
    column("marketo_connections", "sealed_client_secret", InstanceAndId),
    column("marketo_connections", "sealed_access_token", InstanceAndId),
];

/// A row's key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum RowKey {
    One(Uuid),
    Two(Uuid, Uuid),
    Text(String),
}

/// A value that an older data key sealed.
#[derive(Debug, Clone)]
pub struct SealedValue {
    column: SealedColumn,
    key: RowKey,
    /// As it is in the database.
    pub sealed: Vec<u8>,
}

impl SealedValue {
    /// What the value is bound to.
    #[must_use]
    pub fn context(&self) -> String {
        let SealedColumn { table, column, .. } = self.column;
        let name = column.trim_start_matches("sealed_");
        match &self.key {
            RowKey::One(id) => format!("{table}/{id}/{name}"),
            RowKey::Two(instance, id) => format!("{table}/{instance}/{id}/{name}"),
            RowKey::Text(text) => format!("{table}/{text}/{name}"),
        }
    }
}

/// Up to `most` values of a column that another data key than `key` sealed. The key's id stands in the value's second to
/// seventeenth byte.
pub async fn sealed_by_others(db: &Db, column: SealedColumn, key: Uuid, most: i64) -> Result<Vec<SealedValue>, DbError> {
    let SealedColumn { table, column: name, key: found_by } = column;
    let of = |keys: &str| format!("SELECT {keys}, {name} FROM {table} WHERE {name} IS NOT NULL AND substr({name}, 2, 16) <> $1 LIMIT $2");
    let id = key.as_bytes().to_vec();
    let value = |key, sealed| SealedValue { column, key, sealed };
    Ok(match found_by {
        SealedKey::Id(keyed) => {
            let rows: Vec<(Uuid, Vec<u8>)> = on!(db, c => sqlx::query_as(AssertSqlSafe(of(keyed))).bind(&id).bind(most).fetch_all(c))?;
            rows.into_iter().map(|(id, sealed)| value(RowKey::One(id), sealed)).collect()
        }
        SealedKey::InstanceAndId => {
            let rows: Vec<(Uuid, Uuid, Vec<u8>)> =
                on!(db, c => sqlx::query_as(AssertSqlSafe(of("instance_id, id"))).bind(&id).bind(most).fetch_all(c))?;
            rows.into_iter().map(|(instance, id, sealed)| value(RowKey::Two(instance, id), sealed)).collect()
        }
        SealedKey::Text(keyed) => {
            let rows: Vec<(String, Vec<u8>)> = on!(db, c => sqlx::query_as(AssertSqlSafe(of(keyed))).bind(&id).bind(most).fetch_all(c))?;
            rows.into_iter().map(|(text, sealed)| value(RowKey::Text(text), sealed)).collect()
        }
        SealedKey::RunsOut | SealedKey::ByMaster => Vec::new(),
    })
}

/// Replaces a value by the same sealed anew, unless somebody has changed it meanwhile.
pub async fn replace_sealed(tx: &mut Tx, old: &SealedValue, sealed: &[u8]) -> Result<(), DbError> {
    let SealedColumn { table, column: name, key: found_by } = old.column;
    let changing = |keys: &str| format!("UPDATE {table} SET {name} = $1 WHERE {name} = $2 AND {keys}");
    match (found_by, &old.key) {
        (SealedKey::Id(keyed), RowKey::One(id)) => {
            let sql = changing(&format!("{keyed} = $3"));
            execute!(tx, sqlx::query(AssertSqlSafe(sql.as_str())).bind(sealed).bind(&old.sealed).bind(id)).map(drop)
        }
        (SealedKey::InstanceAndId, RowKey::Two(instance, id)) => {
            let sql = changing("instance_id = $3 AND id = $4");
            execute!(tx, sqlx::query(AssertSqlSafe(sql.as_str())).bind(sealed).bind(&old.sealed).bind(instance).bind(id)).map(drop)
        }
        (SealedKey::Text(keyed), RowKey::Text(text)) => {
            let sql = changing(&format!("{keyed} = $3"));
            execute!(tx, sqlx::query(AssertSqlSafe(sql.as_str())).bind(sealed).bind(&old.sealed).bind(text)).map(drop)
        }
        // No value of another kind is ever read.
        _ => Ok(()),
    }
}
