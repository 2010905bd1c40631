//! What clients may call. Global, as the clients are.
//!
//! Each function fails with [`DbError`] when the database can't be reached, and only then unless it says more.

use super::CallRule;
use crate::auth::lock_client;
use crate::db::{self, Db, DbError, Tx, execute, on};

/// The rules of a client, in order. One that this version doesn't understand any more lets nothing through.
pub async fn list_rules(db: &Db, client_id: &str) -> Result<Vec<CallRule>, DbError> {
    const SQL: &str = "SELECT rule FROM client_call_rules WHERE client_id = $1 ORDER BY rule";
    let rules: Vec<String> = on!(db, c => db::query_scalar(SQL).bind(client_id).fetch_all(c))?;
    Ok(rules.iter().filter_map(|rule| rule.parse().ok()).collect())
}

/// Puts `rules` in the place of those that a client has. The client is locked: of two lists at once, one replaces the other, and they
/// don't become one.
pub async fn replace_rules(tx: &mut Tx, client_id: &str, rules: &[CallRule]) -> Result<(), DbError> {
    lock_client(tx, client_id).await?;
    execute!(tx, db::query("DELETE FROM client_call_rules WHERE client_id = $1").bind(client_id))?;
    const SQL: &str = "INSERT INTO client_call_rules (client_id, rule) VALUES ($1, $2) ON CONFLICT (client_id, rule) DO NOTHING";
    for rule in rules {
        execute!(tx, db::query(SQL).bind(client_id).bind(rule.to_string()))?;
    }
    Ok(())
}
