//! A table that is filled first and indexed after, on SQLite: entries that arrive in no order cost an index a page each, where making
//! it at the end costs one sort. What is left to be made is kept in a table, written in the transaction that dropped the indexes, so
//! that nothing but making them ends that state. On PostgreSQL whoever fills a table makes a partition of its own.

use sqlx::{AssertSqlSafe, Sqlite, Transaction};

use crate::db::{self, Db, DbError, Tx};

/// Whether the table of indexes that are left to be made is there.
const IS_RECORDED: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'unbuilt_indexes')";

/// Drops the indexes of a table but those of its keys, and keeps what [`build_indexes`] needs to make them again.
///
/// # Errors
/// When the database refuses.
pub async fn put_off_indexes(tx: &mut Tx, table: &str) -> Result<(), DbError> {
    let Tx::Sqlite(transaction) = tx else { return Ok(()) };
    const KEEP: &str = "INSERT INTO unbuilt_indexes (name, statement) SELECT name, sql FROM sqlite_master \
         WHERE type = 'index' AND tbl_name = $1 AND sql IS NOT NULL";
    const NAMES: &str = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = $1 AND sql IS NOT NULL";
    let names: Vec<String> = db::query_scalar(NAMES).bind(table).fetch_all(&mut **transaction).await?;
    run(transaction, "CREATE TABLE IF NOT EXISTS unbuilt_indexes (name TEXT NOT NULL PRIMARY KEY, statement TEXT NOT NULL) STRICT").await?;
    db::query(KEEP).bind(table).execute(&mut **transaction).await?;
    for name in names {
        run(transaction, &format!("DROP INDEX \"{name}\"")).await?;
    }
    Ok(())
}

/// Makes the indexes that were put off, each in a transaction of its own, so that other writers get their turn.
///
/// # Errors
/// When the database refuses; what is left is made by the next call.
pub async fn build_indexes(db: &Db) -> Result<(), DbError> {
    let Db::Sqlite { readers, writer } = db else { return Ok(()) };
    let is_recorded: bool = db::query_scalar(IS_RECORDED).fetch_one(readers).await?;
    let mut is_left = is_recorded;
    while is_left {
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        is_left = build_next(&mut transaction).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Makes all indexes that were put off, in this transaction.
///
/// # Errors
/// When the database refuses.
pub(in crate::db) async fn build_all(transaction: &mut Transaction<'static, Sqlite>) -> Result<(), DbError> {
    while build_next(transaction).await? {}
    Ok(())
}

/// Makes one of the indexes; `false` when none was left.
async fn build_next(transaction: &mut Transaction<'static, Sqlite>) -> Result<bool, DbError> {
    let is_recorded: bool = db::query_scalar(IS_RECORDED).fetch_one(&mut **transaction).await?;
    if !is_recorded {
        return Ok(false);
    }
    const NEXT: &str = "SELECT name, statement FROM unbuilt_indexes ORDER BY name LIMIT 1";
    let next: Option<(String, String)> = db::query_as(NEXT).fetch_optional(&mut **transaction).await?;
    let Some((name, statement)) = next else {
        run(transaction, "DROP TABLE unbuilt_indexes").await?;
        return Ok(false);
    };
    run(transaction, &statement).await?;
    db::query("DELETE FROM unbuilt_indexes WHERE name = $1").bind(name).execute(&mut **transaction).await?;
    Ok(true)
}

async fn run(transaction: &mut Transaction<'static, Sqlite>, statement: &str) -> Result<(), DbError> {
    db::query(AssertSqlSafe(statement)).persistent(false).execute(&mut **transaction).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DatabaseUrl;

    async fn indexes(db: &Db) -> Vec<(String, String)> {
        let Db::Sqlite { readers, .. } = db else { return Vec::new() };
        let sql = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'people' AND sql IS NOT NULL ORDER BY name";
        db::query_as(sql).fetch_all(readers).await.unwrap()
    }

    async fn is_recorded(db: &Db) -> bool {
        let Db::Sqlite { readers, .. } = db else { return false };
        db::query_scalar(IS_RECORDED).fetch_one(readers).await.unwrap()
    }

    async fn put_off(db: &Db) {
        let mut tx = db.begin().await.unwrap();
        put_off_indexes(&mut tx, "people").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((indexes(db).await, is_recorded(db).await), (Vec::new(), true));
    }

    #[tokio::test]
    async fn what_was_put_off_is_made_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(directory.path().join("unindexed.db"));
        let db = Db::connect(&url, 1).await.unwrap();
        db.migrate().await.unwrap();
        let before = indexes(&db).await;
        assert!(before.len() > 3, "{before:?}");
        // Two loads may begin before one has ended.
        put_off(&db).await;
        put_off(&db).await;
        build_indexes(&db).await.unwrap();
        assert_eq!((indexes(&db).await, is_recorded(&db).await), (before.clone(), false));
        // A process that dies leaves them to the next one that starts.
        put_off(&db).await;
        db.close().await;
        let db = Db::connect(&url, 1).await.unwrap();
        db.migrate().await.unwrap();
        assert_eq!((indexes(&db).await, is_recorded(&db).await), (before, false));
        db.close().await;
    }
}
