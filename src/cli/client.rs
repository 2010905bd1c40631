use clap::Subcommand;
use secrecy::ExposeSecret;
use serde_json::json;
use time::Duration;

use super::{CommandResult, SharedOptions, error_text, open_existing, quiet, settings};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::auth::{self, LONGEST_OVERLAP, NewClient, Scopes};
use crate::clock::SystemClock;
use crate::db::{Db, Tx};
use crate::display_name::DisplayName;
use crate::ids::InstanceId;
use crate::proxy::{self, CallRule};

/// `msi-actions client …`
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Make a client and print its id and, this once, its secret, as JSON.
    Create {
        /// What people call it.
        #[arg(long, value_parser = DisplayName::parse)]
        name: DisplayName,
        /// An operator: may create instances and act in each.
        #[arg(long, conflicts_with = "instance", required_unless_present = "instance")]
        operator: bool,
        /// The one instance it acts in.
        #[arg(long, value_name = "ID")]
        instance: Option<InstanceId>,
        /// Scopes, separated by spaces, or "all".
        #[arg(long, default_value = "all")]
        scopes: String,
        /// What it may call at a vendor through this service, for example "salesforce GET /services/data/"; may be given several
        /// times. Without any: nothing.
        #[arg(long, value_name = "VENDOR METHOD PREFIX")]
        allow: Vec<CallRule>,
        /// Begin the database if no service has yet.
        #[arg(long)]
        create_database: bool,
    },
    /// Set what a client may call at the vendors through this service, in place of what it may until now.
    Allow {
        /// The client's id.
        client_id: String,
        /// Each "VENDOR METHOD PREFIX", for example "marketo ANY /rest/v1/"; without any, nothing is allowed.
        rules: Vec<CallRule>,
    },
    /// List clients, a line of JSON each.
    List,
    /// Give a client another secret.
    Rotate {
        /// The client's id.
        client_id: String,
        /// How long the secret of before works on: a number and s, m, h or d, at most 7d. It stops at once unless given.
        #[arg(long, value_name = "TIME", value_parser = overlap, default_value = "0s")]
        keep_old_for: Duration,
    },
    /// Refuse a client from now on, and within two seconds the tokens that it holds.
    Revoke {
        /// The client's id.
        client_id: String,
    },
}

fn overlap(text: &str) -> Result<Duration, String> {
    let wrong = || format!("write a number and s, m, h or d, at most {}d; for example 24h", LONGEST_OVERLAP.whole_days());
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let time = number.parse::<u32>().map(|number| Duration::seconds(i64::from(number) * seconds)).map_err(|_| wrong())?;
    if time <= LONGEST_OVERLAP { Ok(time) } else { Err(wrong()) }
}

pub(super) async fn client(shared: &SharedOptions, command: ClientCommand) -> CommandResult {
    let settings = settings(shared, &[quiet()])?;
    let db = match &command {
        ClientCommand::Create { create_database: true, .. } => {
            crate::app::open_database(&settings).await.map_err(|error| error_text(&error))?
        }
        // A directory or address with a slip of the pen in it would become a database that no service ever reads.
        ClientCommand::Create { .. } => open_existing(&settings).await.map_err(|error| format!("{error}; or add --create-database"))?,
        _ => open_existing(&settings).await?,
    };
    db.migrate().await.map_err(|error| error_text(&error))?;
    let outcome = run(&db, command).await;
    db.close().await;
    outcome
}

fn texts(rules: &[CallRule]) -> Vec<String> {
    rules.iter().map(ToString::to_string).collect()
}

/// The instance of a client in force; none for an operator's.
async fn instance_of(db: &Db, client_id: &str) -> Result<Option<InstanceId>, String> {
    let known = auth::store::find_client(db, client_id).await.map_err(|error| error_text(&error))?;
    let known = known.filter(|(client, _)| client.revoked_at.is_none());
    known.map(|(client, _)| client.instance).ok_or_else(|| format!("there is no client {client_id} in force"))
}

async fn record(
    tx: &mut Tx,
    action: &'static str,
    instance: Option<InstanceId>,
    client_id: &str,
    after: serde_json::Value,
) -> Result<(), String> {
    let entry = Entry::new(action, "client", client_id).after(after);
    let chain = instance.unwrap_or(audit::GLOBAL);
    audit::record(tx, &SystemClock, chain, &ChangeOrigin::command("client"), entry).await.map_err(|error| error_text(&error))
}

async fn run(db: &Db, command: ClientCommand) -> CommandResult {
    match command {
        ClientCommand::Create { name, operator, instance, scopes, allow, create_database: _ } => {
            if let Some(id) = instance
                && crate::instances::find(db, id).await.map_err(|error| error_text(&error))?.is_none()
            {
                return Err(format!("there is no instance {id}"));
            }
            let scopes = match scopes.as_str() {
                "all" if operator => Scopes::of_an_operator(),
                "all" => Scopes::of_an_instance(),
                list => list.parse().map_err(|error| error_text(&error))?,
            };
            let mut tx = db.begin().await.map_err(|error| error_text(&error))?;
            let new = NewClient { instance, name: name.into(), scopes };
            let (client, secret) = auth::create_client(&mut tx, &SystemClock, new).await.map_err(|error| error_text(&error))?;
            proxy::replace_rules(&mut tx, &client.client_id, &allow).await.map_err(|error| error_text(&error))?;
            let after = json!({ "name": client.name, "scopes": client.scopes.to_string(), "allow": texts(&allow) });
            record(&mut tx, "client.created", client.instance, &client.client_id, after).await?;
            tx.commit().await.map_err(|error| error_text(&error))?;
            let shown = json!({
                "client_id": client.client_id, "client_secret": secret.expose_secret(),
                "name": client.name, "instance": client.instance, "scopes": client.scopes.to_string(), "allow": texts(&allow),
            });
            println!("{shown}");
        }
        ClientCommand::List => {
            for client in auth::store::list_clients(db).await.map_err(|error| error_text(&error))? {
                let shown = json!({
                    "client_id": client.client_id, "name": client.name, "instance": client.instance, "scopes": client.scopes.to_string(),
                    "created_at": client.created_at, "revoked_at": client.revoked_at,
                    "allow": texts(&proxy::list_rules(db, &client.client_id).await.map_err(|error| error_text(&error))?),
                });
                println!("{shown}");
            }
        }
        ClientCommand::Allow { client_id, rules } => {
            let instance = instance_of(db, &client_id).await?;
            let mut tx = db.begin().await.map_err(|error| error_text(&error))?;
            proxy::replace_rules(&mut tx, &client_id, &rules).await.map_err(|error| error_text(&error))?;
            record(&mut tx, "client.allowed", instance, &client_id, json!({ "allow": texts(&rules) })).await?;
            tx.commit().await.map_err(|error| error_text(&error))?;
            println!("{}", json!({ "client_id": client_id, "allow": texts(&rules) }));
        }
        ClientCommand::Rotate { client_id, keep_old_for } => {
            let instance = instance_of(db, &client_id).await?;
            let mut tx = db.begin().await.map_err(|error| error_text(&error))?;
            let secret = auth::rotate_secret(&mut tx, &SystemClock, &client_id, keep_old_for).await.map_err(|error| error_text(&error))?;
            let secret = secret.ok_or_else(|| format!("there is no client {client_id} in force"))?;
            let after = json!({ "keep_old_for_seconds": keep_old_for.whole_seconds() });
            record(&mut tx, "client.secret_rotated", instance, &client_id, after).await?;
            tx.commit().await.map_err(|error| error_text(&error))?;
            println!("{}", json!({ "client_id": client_id, "client_secret": secret.expose_secret() }));
        }
        ClientCommand::Revoke { client_id } => {
            let instance = instance_of(db, &client_id).await?;
            let mut tx = db.begin().await.map_err(|error| error_text(&error))?;
            if !auth::revoke_client(&mut tx, &SystemClock, &client_id).await.map_err(|error| error_text(&error))? {
                return Err(format!("there is no client {client_id} in force"));
            }
            record(&mut tx, "client.revoked", instance, &client_id, json!({})).await?;
            tx.commit().await.map_err(|error| error_text(&error))?;
            println!("{}", json!({ "client_id": client_id, "revoked": true }));
        }
    }
    Ok(())
}
