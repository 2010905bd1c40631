use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::super::sealed_column::{SealedColumn, SealedRowKey};
use crate::db::{self, Db, DbError, Tx, execute, on};

/// A row's key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum SealedRow {
    Instance(Uuid),
    InstanceAndId(Uuid, Uuid),
    Text { column: &'static str, text: String },
}

/// A value that an older data key sealed.
#[derive(Debug, Clone)]
pub struct SealedValue {
    column: SealedColumn,
    row: SealedRow,
    /// As it is in the database.
    pub sealed: Vec<u8>,
}

impl SealedValue {
    /// What the value is bound to.
    #[must_use]
    pub fn context(&self) -> String {
        match &self.row {
            SealedRow::Instance(instance) => self.column.context(instance),
            SealedRow::InstanceAndId(instance, id) => self.column.context(format_args!("{instance}/{id}")),
            SealedRow::Text { text, .. } => self.column.context(text),
        }
    }
}

/// Up to `limit` values of a column that another data key than `key` sealed. The key's id stands in the value's second to
/// seventeenth byte.
pub async fn list_sealed_by_others(db: &Db, column: SealedColumn, key: Uuid, limit: i64) -> Result<Vec<SealedValue>, DbError> {
    let SealedColumn { table, column: name, row_key } = column;
    let select =
        |keys: &str| format!("SELECT {keys}, {name} FROM {table} WHERE {name} IS NOT NULL AND substr({name}, 2, 16) <> $1 LIMIT $2");
    let id = key.as_bytes().to_vec();
    let value = |row, sealed| SealedValue { column, row, sealed };
    Ok(match row_key {
        SealedRowKey::Instance => {
            let sql = select("instance_id");
            let rows: Vec<(Uuid, Vec<u8>)> = on!(db, c => db::query_as(AssertSqlSafe(sql.as_str())).bind(&id).bind(limit).fetch_all(c))?;
            rows.into_iter().map(|(instance, sealed)| value(SealedRow::Instance(instance), sealed)).collect()
        }
        SealedRowKey::InstanceAndId => {
            let sql = select("instance_id, id");
            let rows: Vec<(Uuid, Uuid, Vec<u8>)> =
                on!(db, c => db::query_as(AssertSqlSafe(sql.as_str())).bind(&id).bind(limit).fetch_all(c))?;
            rows.into_iter().map(|(instance, id, sealed)| value(SealedRow::InstanceAndId(instance, id), sealed)).collect()
        }
        SealedRowKey::Text(key_column) => {
            let sql = select(key_column);
            let rows: Vec<(String, Vec<u8>)> = on!(db, c => db::query_as(AssertSqlSafe(sql.as_str())).bind(&id).bind(limit).fetch_all(c))?;
            rows.into_iter().map(|(text, sealed)| value(SealedRow::Text { column: key_column, text }, sealed)).collect()
        }
        SealedRowKey::Expires => Vec::new(),
    })
}

/// Replaces a value by the same, re-encrypted, unless somebody has changed it meanwhile.
pub async fn replace(tx: &mut Tx, old: &SealedValue, sealed: &[u8]) -> Result<(), DbError> {
    let SealedColumn { table, column: name, .. } = old.column;
    let update = |condition: &str| format!("UPDATE {table} SET {name} = $1 WHERE {name} = $2 AND {condition}");
    let replaced = match &old.row {
        SealedRow::Instance(instance) => {
            let sql = update("instance_id = $3");
            execute!(tx, db::query(AssertSqlSafe(sql.as_str())).bind(sealed).bind(&old.sealed).bind(instance))
        }
        SealedRow::InstanceAndId(instance, id) => {
            let sql = update("instance_id = $3 AND id = $4");
            execute!(tx, db::query(AssertSqlSafe(sql.as_str())).bind(sealed).bind(&old.sealed).bind(instance).bind(id))
        }
        SealedRow::Text { column, text } => {
            let sql = update(&format!("{column} = $3"));
            execute!(tx, db::query(AssertSqlSafe(sql.as_str())).bind(sealed).bind(&old.sealed).bind(text))
        }
    };
    replaced.map(drop)
}
