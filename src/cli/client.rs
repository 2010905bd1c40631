use clap::Subcommand;
use secrecy::ExposeSecret;
use serde_json::json;
use time::Duration;

use super::{Outcome, SharedOptions, settings};
use crate::auth::{self, LONGEST_OVERLAP, NewClient, Scopes};
use crate::clock::SystemClock;
use crate::db::Db;
use crate::ids::InstanceId;

/// `msi-actions client …`
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Make a client and print its id and, this once, its secret, as JSON.
    Create {
        /// What people call it.
        #[arg(long)]
        name: String,
        /// An operator: may create instances and act in each.
        #[arg(long, conflicts_with = "instance", required_unless_present = "instance")]
        operator: bool,
        /// The one instance it acts in.
        #[arg(long, value_name = "ID")]
        instance: Option<InstanceId>,
        /// Scopes, separated by spaces, or "all".
        #[arg(long, default_value = "all")]
        scopes: String,
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

pub(super) async fn client(shared: &SharedOptions, command: ClientCommand) -> Outcome {
    let settings = settings(shared, vec![("log.filter", "warn".to_owned())])?;
    let db = crate::app::open_database(&settings).await.map_err(|error| error.to_string())?;
    db.migrate().await.map_err(|error| error.to_string())?;
    let outcome = run(&db, command).await;
    db.close().await;
    outcome
}

async fn run(db: &Db, command: ClientCommand) -> Outcome {
    let text = |error: &dyn std::error::Error| error.to_string();
    match command {
        ClientCommand::Create { name, operator, instance, scopes } => {
            if let Some(id) = instance
                && crate::instances::find(db, id).await.map_err(|error| text(&error))?.is_none()
            {
                return Err(format!("there is no instance {id}"));
            }
            let scopes = match scopes.as_str() {
                "all" if operator => Scopes::of_an_operator(),
                "all" => Scopes::of_an_instance(),
                list => list.parse().map_err(|error| text(&error))?,
            };
            let mut tx = db.begin().await.map_err(|error| text(&error))?;
            let new = NewClient { instance, name, scopes };
            let (client, secret) = auth::create_client(&mut tx, &SystemClock, new).await.map_err(|error| text(&error))?;
            tx.commit().await.map_err(|error| text(&error))?;
            let shown = json!({
                "client_id": client.client_id, "client_secret": secret.expose_secret(),
                "name": client.name, "instance": client.instance, "scopes": client.scopes.to_string(),
            });
            println!("{shown}");
        }
        ClientCommand::List => {
            for client in auth::store::list_clients(db).await.map_err(|error| text(&error))? {
                let shown = json!({
                    "client_id": client.client_id, "name": client.name, "instance": client.instance, "scopes": client.scopes.to_string(),
                    "created_at": client.created_at, "revoked_at": client.revoked_at,
                });
                println!("{shown}");
            }
        }
        ClientCommand::Rotate { client_id, keep_old_for } => {
            let mut tx = db.begin().await.map_err(|error| text(&error))?;
            let secret = auth::rotate_secret(&mut tx, &SystemClock, &client_id, keep_old_for).await.map_err(|error| text(&error))?;
            let secret = secret.ok_or_else(|| format!("there is no client {client_id} in force"))?;
            tx.commit().await.map_err(|error| text(&error))?;
            println!("{}", json!({ "client_id": client_id, "client_secret": secret.expose_secret() }));
        }
        ClientCommand::Revoke { client_id } => {
            let mut tx = db.begin().await.map_err(|error| text(&error))?;
            if !auth::revoke_client(&mut tx, &SystemClock, &client_id).await.map_err(|error| text(&error))? {
                return Err(format!("there is no client {client_id} in force"));
            }
            tx.commit().await.map_err(|error| text(&error))?;
            println!("{}", json!({ "client_id": client_id, "revoked": true }));
        }
    }
    Ok(())
}
