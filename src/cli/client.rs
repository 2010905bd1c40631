use clap::Subcommand;
use secrecy::ExposeSecret;
use serde_json::json;

use super::{Outcome, SharedOptions, settings};
use crate::auth::{self, NewClient, Scopes};
use crate::clock::SystemClock;
use crate::db::Db;
use crate::ids::InstanceId;
use crate::passage::{self, CallRule};

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
        /// What it may call at a vendor through this service, for example "salesforce GET /services/data/"; may be given several
        /// times. Without any: nothing.
        #[arg(long, value_name = "VENDOR METHOD PREFIX")]
        allow: Vec<CallRule>,
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
    /// Give a client another secret; the one before stops working at once.
    Rotate {
        /// The client's id.
        client_id: String,
    },
    /// Refuse a client from now on.
    Revoke {
        /// The client's id.
        client_id: String,
    },
}

pub(super) async fn client(shared: &SharedOptions, command: ClientCommand) -> Outcome {
    let settings = settings(shared, vec![("log.filter", "warn".to_owned())])?;
    let db = crate::app::open_database(&settings).await.map_err(|error| error.to_string())?;
    db.migrate().await.map_err(|error| error.to_string())?;
    let outcome = run(&db, command).await;
    db.close().await;
    outcome
}

fn texts(rules: &[CallRule]) -> Vec<String> {
    rules.iter().map(ToString::to_string).collect()
}

async fn run(db: &Db, command: ClientCommand) -> Outcome {
    let text = |error: &dyn std::error::Error| error.to_string();
    match command {
        ClientCommand::Create { name, operator, instance, scopes, allow } => {
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
            passage::replace_rules(&mut tx, &client.client_id, &allow).await.map_err(|error| text(&error))?;
            tx.commit().await.map_err(|error| text(&error))?;
            let shown = json!({
                "client_id": client.client_id, "client_secret": secret.expose_secret(),
                "name": client.name, "instance": client.instance, "scopes": client.scopes.to_string(), "allow": texts(&allow),
            });
            println!("{shown}");
        }
        ClientCommand::List => {
            for client in auth::store::list_clients(db).await.map_err(|error| text(&error))? {
                let shown = json!({
                    "client_id": client.client_id, "name": client.name, "instance": client.instance, "scopes": client.scopes.to_string(),
                    "created_at": client.created_at, "revoked_at": client.revoked_at,
                    "allow": texts(&passage::list_rules(db, &client.client_id).await.map_err(|error| text(&error))?),
                });
                println!("{shown}");
            }
        }
        ClientCommand::Allow { client_id, rules } => {
            let known = auth::store::find_client(db, &client_id).await.map_err(|error| text(&error))?;
            if known.is_none_or(|(client, _)| client.revoked_at.is_some()) {
                return Err(format!("there is no client {client_id} in force"));
            }
            let mut tx = db.begin().await.map_err(|error| text(&error))?;
            passage::replace_rules(&mut tx, &client_id, &rules).await.map_err(|error| text(&error))?;
            tx.commit().await.map_err(|error| text(&error))?;
            println!("{}", json!({ "client_id": client_id, "allow": texts(&rules) }));
        }
        ClientCommand::Rotate { client_id } => {
            let mut tx = db.begin().await.map_err(|error| text(&error))?;
            let secret = auth::rotate_secret(&mut tx, &client_id).await.map_err(|error| text(&error))?;
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
