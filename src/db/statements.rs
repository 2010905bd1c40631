//! Every statement is made here: sqlx's functions of the same names, which in debug builds report each statement to an observer. The
//! tests set one, which checks whose tables a statement names and whether it is bound to an instance.

use sqlx::query::{Query, QueryAs, QueryScalar};
use sqlx::{Database, FromRow, SqlSafeStr, SqlStr};

#[cfg(debug_assertions)]
mod observer {
    use std::panic::Location;
    use std::sync::OnceLock;

    /// A statement that is about to run.
    #[derive(Debug, Clone, Copy)]
    pub struct ObservedStatement<'a> {
        /// The engine, as sqlx calls it.
        pub engine: &'static str,
        /// The line that runs it.
        pub location: &'static Location<'static>,
        pub sql: &'a str,
    }

    static OBSERVER: OnceLock<fn(ObservedStatement<'_>)> = OnceLock::new();

    /// Sets the observer of every statement that this process runs from now on; a second call changes nothing.
    pub fn set_statement_observer(observer: fn(ObservedStatement<'_>)) {
        OBSERVER.get_or_init(|| observer);
    }

    pub(super) fn report(statement: ObservedStatement<'_>) {
        if let Some(observer) = OBSERVER.get() {
            observer(statement);
        }
    }
}

#[cfg(debug_assertions)]
pub use observer::{ObservedStatement, set_statement_observer};

/// Reports a statement that isn't made by one of the functions below.
#[cfg(debug_assertions)]
#[track_caller]
pub(in crate::db) fn report<DB: Database>(sql: &str) {
    observer::report(ObservedStatement { engine: DB::NAME, location: std::panic::Location::caller(), sql });
}

/// Release builds report nothing.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub(in crate::db) const fn report<DB: Database>(_sql: &str) {}

#[cfg_attr(debug_assertions, track_caller)]
#[inline]
fn report_sql<DB: Database>(sql: impl SqlSafeStr) -> SqlStr {
    let sql = sql.into_sql_str();
    report::<DB>(sql.as_str());
    sql
}

/// [`sqlx::query`].
#[cfg_attr(debug_assertions, track_caller)]
#[inline]
pub(crate) fn query<'q, DB: Database>(sql: impl SqlSafeStr) -> Query<'q, DB, DB::Arguments> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    sqlx::query(report_sql::<DB>(sql))
}

/// [`sqlx::query_as`].
#[cfg_attr(debug_assertions, track_caller)]
#[inline]
pub(crate) fn query_as<'q, DB: Database, O: for<'r> FromRow<'r, DB::Row>>(sql: impl SqlSafeStr) -> QueryAs<'q, DB, O, DB::Arguments> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    sqlx::query_as(report_sql::<DB>(sql))
}

/// [`sqlx::query_scalar`].
#[cfg_attr(debug_assertions, track_caller)]
#[inline]
pub(crate) fn query_scalar<'q, DB: Database, O>(sql: impl SqlSafeStr) -> QueryScalar<'q, DB, O, DB::Arguments>
where
    (O,): for<'r> FromRow<'r, DB::Row>,
{
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    sqlx::query_scalar(report_sql::<DB>(sql))
}
