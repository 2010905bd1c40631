/// Runs one query on whichever engine is in use: `on!(db, c => db::query_as::<_, Row>(SQL).bind(id).fetch_optional(c))`.
/// The expression is written once and compiled for both pools, so rows decode natively on each. For reading; changes go
/// through a transaction and [`on_tx!`].
macro_rules! on {
    ($db:expr, $c:ident => $query:expr) => {
        match $db.reader() {
            $crate::db::ReadPool::Sqlite($c) => $query.await,
            $crate::db::ReadPool::Postgres($c, runtime) => $crate::db::run_on(runtime, $query).await,
        }
        .map_err($crate::db::DbError::from)
    };
}

/// The same within a transaction: `on_tx!(tx, c => db::query_as::<_, Row>(SQL).bind(id).fetch_one(c))`.
macro_rules! on_tx {
    ($tx:expr, $c:ident => $query:expr) => {
        match &mut *$tx {
            $crate::db::Tx::Sqlite(transaction) => {
                let $c = &mut **transaction;
                $query.await
            }
            $crate::db::Tx::Postgres(transaction) => {
                let $c = &mut **transaction;
                $query.await
            }
        }
        .map_err($crate::db::DbError::from)
    };
}

/// Executes a statement within a transaction and gives the number of rows it touched:
/// `execute!(tx, db::query(SQL).bind(id))`.
macro_rules! execute {
    ($tx:expr, $query:expr) => {
        match &mut *$tx {
            $crate::db::Tx::Sqlite(transaction) => $query.execute(&mut **transaction).await.map(|done| done.rows_affected()),
            $crate::db::Tx::Postgres(transaction) => $query.execute(&mut **transaction).await.map(|done| done.rows_affected()),
        }
        .map_err($crate::db::DbError::from)
    };
}

pub(crate) use {execute, on, on_tx};
