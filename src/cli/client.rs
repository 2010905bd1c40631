use clap::Subcommand;
use secrecy::ExposeSecret;
use serde_json::json;
use time::Duration;

use super::{CommandResult, SharedOptions, error_text, open_existing, quiet, settings};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::auth::{self, MAX_OVERLAP, NewClient, Scopes};
use crate::clock::SystemClock;
use crate::db::{Db, Tx};
use crate::display_name::DisplayName;
use crate::ids::InstanceId;
use crate::proxy::{self, CallRule};

/// `msi-actions client …`
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Create a client and print its id and secret as JSON; the secret is never shown again.
    Create {
        /// Display name.
        #[arg(long, value_parser = DisplayName::parse)]
        name: DisplayName,
        /// An operator's client: may create instances and act in each.
        #[arg(long, conflicts_with = "instance", required_unless_present = "instance")]
        operator: bool,
        /// The only instance it acts in.
        #[arg(long, value_name = "ID")]
        instance: Option<InstanceId>,
        /// Scopes, separated by spaces, or "all".
        #[arg(long, default_value = "all")]
        scopes: String,
        /// What it may call at a vendor through the proxy, for example "salesforce GET /services/data/"; can be given several
        /// times. Without it, nothing is allowed.
        #[arg(long, value_name = "VENDOR METHOD PREFIX")]
        allow: Vec<CallRule>,
        /// Create the database if it doesn't exist.
        #[arg(long)]
        create_database: bool,
    },
    /// Replace the rules of what a client may call at the vendors through the proxy.
    Allow {
        /// The client's id.
        client_id: String,
        /// Rules, each "VENDOR METHOD PREFIX", for example "marketo ANY /rest/v1/"; without any, nothing is allowed.
        rules: Vec<CallRule>,
    },
    /// List clients, one JSON object per line.
    List,
    /// Replace a client's secret and print the new one.
    Rotate {
        /// The client's id.
        client_id: String,
        /// How long the old secret stays valid: a number and s, m, h or d, at most 7d. By default it stops at once.
        #[arg(long, value_name = "TIME", value_parser = parse_overlap, default_value = "0s")]
        keep_old_for: Duration,
    },
    /// Revoke a client; its tokens are refused within two seconds.
    Revoke {
        /// The client's id.
        client_id: String,
    },
}

fn parse_overlap(text: &str) -> Result<Duration, String> {
    let usage = || format!("write a number and s, m, h or d, at most {}d; for example 24h", MAX_OVERLAP.whole_days());
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(usage)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(usage()),
    };
    let overlap = number.parse::<u32>().map(|number| Duration::seconds(i64::from(number) * seconds)).map_err(|_| usage())?;
    if overlap <= MAX_OVERLAP { Ok(overlap) } else { Err(usage()) }
}

pub(super) async fn run(shared: &SharedOptions, command: ClientCommand) -> CommandResult {
    let settings = settings(shared, &[quiet()])?;
    let db = match &command {
        ClientCommand::Create { create_database: true, .. } => crate::app::open_database(&settings).await.map_err(error_text)?,
        // A mistyped directory or URL would create a database that no service ever reads.
        ClientCommand::Create { .. } => open_existing(&settings).await.map_err(|error| format!("{error}; or add --create-database"))?,
        _ => open_existing(&settings).await?,
    };
    db.migrate().await.map_err(error_text)?;
    let outcome = execute(&db, command).await;
    db.close().await;
    outcome
}

fn format_rules(rules: &[CallRule]) -> Vec<String> {
    rules.iter().map(ToString::to_string).collect()
}

/// `None` for an operator's client.
async fn find_active_client_instance(db: &Db, client_id: &str) -> Result<Option<InstanceId>, String> {
    let client = auth::store::find_client(db, client_id).await.map_err(error_text)?;
    let client = client.filter(|(client, _)| client.revoked_at.is_none());
    client.map(|(client, _)| client.instance).ok_or_else(|| no_active_client(client_id))
}

fn no_active_client(client_id: &str) -> String {
    format!("there is no client {client_id}, or it was revoked; `msi-actions client list` shows all")
}

async fn record_change(
    tx: &mut Tx,
    action: &'static str,
    instance: Option<InstanceId>,
    client_id: &str,
    after: serde_json::Value,
) -> Result<(), String> {
    let entry = Entry::new(action, "client", client_id).after(after);
    let chain = instance.unwrap_or(audit::GLOBAL);
    audit::record(tx, &SystemClock, chain, &ChangeOrigin::command("client"), entry).await.map_err(error_text)
}

async fn execute(db: &Db, command: ClientCommand) -> CommandResult {
    match command {
        ClientCommand::Create { name, operator, instance, scopes, allow, create_database: _ } => {
            if let Some(id) = instance
                && crate::instances::find(db, id).await.map_err(error_text)?.is_none()
            {
                return Err(format!("there is no instance {id}"));
            }
            let scopes = match scopes.as_str() {
                "all" if operator => Scopes::of_an_operator(),
                "all" => Scopes::of_an_instance(),
                list => list.parse().map_err(error_text)?,
            };
            let mut tx = db.begin().await.map_err(error_text)?;
            let new = NewClient { instance, name: name.into(), scopes };
            let (client, secret) = auth::create_client(&mut tx, &SystemClock, new).await.map_err(error_text)?;
            proxy::replace_rules(&mut tx, &client.client_id, &allow).await.map_err(error_text)?;
            let after = json!({ "name": client.name, "scopes": client.scopes.to_string(), "allow": format_rules(&allow) });
            record_change(&mut tx, "client.created", client.instance, &client.client_id, after).await?;
            tx.commit().await.map_err(error_text)?;
            let shown = json!({
                "client_id": client.client_id, "client_secret": secret.expose_secret(),
                "name": client.name, "instance": client.instance, "scopes": client.scopes.to_string(), "allow": format_rules(&allow),
            });
            println!("{shown}");
        }
        ClientCommand::List => {
            for client in auth::store::list_clients(db).await.map_err(error_text)? {
                let shown = json!({
                    "client_id": client.client_id, "name": client.name, "instance": client.instance, "scopes": client.scopes.to_string(),
                    "created_at": client.created_at, "revoked_at": client.revoked_at,
                    "allow": format_rules(&proxy::list_rules(db, &client.client_id).await.map_err(error_text)?),
                });
                println!("{shown}");
            }
        }
        ClientCommand::Allow { client_id, rules } => {
            let instance = find_active_client_instance(db, &client_id).await?;
            let mut tx = db.begin().await.map_err(error_text)?;
            proxy::replace_rules(&mut tx, &client_id, &rules).await.map_err(error_text)?;
            record_change(&mut tx, "client.allowed", instance, &client_id, json!({ "allow": format_rules(&rules) })).await?;
            tx.commit().await.map_err(error_text)?;
            println!("{}", json!({ "client_id": client_id, "allow": format_rules(&rules) }));
        }
        ClientCommand::Rotate { client_id, keep_old_for } => {
            let instance = find_active_client_instance(db, &client_id).await?;
            let mut tx = db.begin().await.map_err(error_text)?;
            let secret = auth::rotate_secret(&mut tx, &SystemClock, &client_id, keep_old_for).await.map_err(error_text)?;
            let secret = secret.ok_or_else(|| no_active_client(&client_id))?;
            let after = json!({ "keep_old_for_seconds": keep_old_for.whole_seconds() });
            record_change(&mut tx, "client.secret_rotated", instance, &client_id, after).await?;
            tx.commit().await.map_err(error_text)?;
            println!("{}", json!({ "client_id": client_id, "client_secret": secret.expose_secret() }));
        }
        ClientCommand::Revoke { client_id } => {
            let instance = find_active_client_instance(db, &client_id).await?;
            let mut tx = db.begin().await.map_err(error_text)?;
            if !auth::revoke_client(&mut tx, &SystemClock, &client_id).await.map_err(error_text)? {
                return Err(no_active_client(&client_id));
            }
            record_change(&mut tx, "client.revoked", instance, &client_id, json!({})).await?;
            tx.commit().await.map_err(error_text)?;
            println!("{}", json!({ "client_id": client_id, "revoked": true }));
        }
    }
    Ok(())
}
