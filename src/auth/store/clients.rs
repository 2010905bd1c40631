use crate::auth::{Client, Scopes};
use crate::clock::Timestamp;
use crate::crypto::SecretHash;
use crate::db::{self, Db, DbError, Tx, execute, on};
use crate::ids::InstanceId;

#[derive(sqlx::FromRow)]
struct ClientRow {
    client_id: String,
    instance_id: Option<InstanceId>,
    name: String,
    scopes: String,
    secret_hash: SecretHash,
    old_secret_hash: Option<SecretHash>,
    old_secret_until: Option<Timestamp>,
    secret_generation: i64,
    created_at: Timestamp,
    revoked_at: Option<Timestamp>,
}

/// The hashes of a client's secrets.
#[derive(Debug)]
pub struct StoredSecrets {
    pub current: SecretHash,
    /// The secret of before, and until when it works.
    pub old: Option<(SecretHash, Timestamp)>,
    /// How many secrets there were, the current one included.
    pub generation: i64,
}

impl ClientRow {
    fn into_client(self) -> (Client, StoredSecrets) {
        // A scope that a later version took away is simply not granted any more.
        let scopes = Scopes(self.scopes.split_ascii_whitespace().filter_map(|scope| scope.parse().ok()).collect());
        let client = Client {
            client_id: self.client_id,
            instance: self.instance_id,
            name: self.name,
            scopes,
            created_at: self.created_at,
            revoked_at: self.revoked_at,
        };
        let old = self.old_secret_hash.zip(self.old_secret_until);
        (client, StoredSecrets { current: self.secret_hash, old, generation: self.secret_generation })
    }
}

/// Keeps a new client.
///
/// # Errors
/// When the database refuses it.
pub async fn insert_client(tx: &mut Tx, client: &Client, hash: &SecretHash) -> Result<(), DbError> {
    const SQL: &str =
        "INSERT INTO api_clients (client_id, instance_id, name, scopes, secret_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    execute!(
        tx,
        db::query(SQL)
            .bind(&client.client_id)
            .bind(client.instance)
            .bind(&client.name)
            .bind(client.scopes.to_string())
            .bind(hash)
            .bind(client.created_at)
    )
    .map(drop)
}

/// The client with this id, revoked ones too, and the hashes of its secrets.
pub async fn find_client(db: &Db, client_id: &str) -> Result<Option<(Client, StoredSecrets)>, DbError> {
    const SQL: &str = "SELECT client_id, instance_id, name, scopes, secret_hash, old_secret_hash, old_secret_until, secret_generation, \
         created_at, revoked_at FROM api_clients WHERE client_id = $1";
    let row: Option<ClientRow> = on!(db, c => db::query_as(SQL).bind(client_id).fetch_optional(c))?;
    Ok(row.map(ClientRow::into_client))
}

/// Locks a client until the transaction ends: an update that changes nothing locks the row on both engines.
pub async fn lock_client(tx: &mut Tx, client_id: &str) -> Result<(), DbError> {
    const SQL: &str = "UPDATE api_clients SET name = name WHERE client_id = $1";
    execute!(tx, db::query(SQL).bind(client_id)).map(drop)
}

/// All clients, in the order they were made.
pub async fn list_clients(db: &Db) -> Result<Vec<Client>, DbError> {
    const SQL: &str = "SELECT client_id, instance_id, name, scopes, secret_hash, old_secret_hash, old_secret_until, secret_generation, \
         created_at, revoked_at FROM api_clients ORDER BY created_at, client_id";
    let rows: Vec<ClientRow> = on!(db, c => db::query_as(SQL).fetch_all(c))?;
    Ok(rows.into_iter().map(|row| row.into_client().0).collect())
}

/// Replaces the hash of a client's secret. With `keep_until` the one before works until then; otherwise neither it nor the one
/// before it does any more. `false` when there is no such active client.
pub async fn update_client_secret(
    tx: &mut Tx,
    client_id: &str,
    hash: &SecretHash,
    keep_until: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE api_clients SET secret_hash = $2, old_secret_until = $3, \
         old_secret_hash = CASE WHEN $3 IS NULL THEN NULL ELSE secret_hash END, secret_generation = secret_generation + 1, \
         secret_rotated_at = $4 WHERE client_id = $1 AND revoked_at IS NULL";
    Ok(execute!(tx, db::query(SQL).bind(client_id).bind(hash).bind(keep_until).bind(now))? == 1)
}

/// Marks a client as revoked. `false` when there is no such active client.
pub async fn revoke_client(tx: &mut Tx, client_id: &str, at: Timestamp) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE api_clients SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL";
    Ok(execute!(tx, db::query(SQL).bind(client_id).bind(at))? == 1)
}

/// What of a client's secrets has ended.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct EndedSecrets {
    pub client_id: String,
    /// The current secret, counted from 1.
    pub secret_generation: i64,
    /// Until when the one before it works.
    pub old_secret_until: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// The clients that were revoked, or of which a secret was replaced or ended, since then.
pub async fn secrets_ended_since(db: &Db, since: Timestamp) -> Result<Vec<EndedSecrets>, DbError> {
    const SQL: &str = "SELECT client_id, secret_generation, old_secret_until, revoked_at FROM api_clients \
         WHERE revoked_at >= $1 OR secret_rotated_at >= $1 OR old_secret_until >= $1";
    on!(db, c => db::query_as(SQL).bind(since).fetch_all(c))
}
