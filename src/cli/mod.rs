//! The command line.

mod audit;
mod client;
mod jobs;
mod keys;
mod mail;
mod sandbox;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use serde_json::Value;

use crate::config::Settings;
use crate::db::Db;
use crate::telemetry::error_chain;

/// Backend for Marketo Sales Insight Actions.
///
/// Connects an instance to Salesforce and to Marketo, syncs people, invites users. Try it without any account:
///
///   msi-actions demo                 plays the whole set-up guide against a sandbox
///
/// Run it for real:
///
///   msi-actions serve                starts the service; on an empty directory with SQLite
///   msi-actions client create …      makes a client that may call the API
///
/// Every setting can stand in a TOML file (--config) or in the environment: server.public_url is MSI_SERVER__PUBLIC_URL.
#[derive(Debug, Parser)]
#[command(name = "msi-actions", version, verbatim_doc_comment)]
struct Cli {
    #[command(flatten)]
    shared: SharedOptions,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
struct SharedOptions {
    /// Settings file (TOML).
    #[arg(long, global = true, value_name = "FILE", env = "MSI_CONFIG_FILE")]
    config: Option<PathBuf>,
    /// Directory for the SQLite file, a generated master key and undelivered mail.
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// sqlite://FILE or postgres://USER:PASSWORD@HOST:PORT/DATABASE.
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service.
    Serve(serve::ServeOptions),
    /// Play the set-up guide from first to last against the sandbox, then keep running.
    Demo(crate::demo::DemoOptions),
    /// Run a simulated Salesforce and Marketo.
    Sandbox(sandbox::SandboxOptions),
    /// Bring the database's schema to this version's.
    Migrate,
    /// Make, list, rotate and revoke the clients that call the API.
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// Master keys: print a new one, or seal everything by the current one.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// List, look at, retry and discard jobs that nobody tries again by itself.
    #[command(subcommand)]
    Jobs(jobs::JobsCommand),
    /// Check that nothing in the audit was changed or removed.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Try out the mail settings.
    #[command(subcommand)]
    Mail(mail::MailCommand),
    /// Print the OpenAPI document.
    Openapi {
        /// Print the table of who may call what instead, in Markdown.
        #[arg(long)]
        permissions: bool,
        /// Print the catalog of problems instead, in Markdown.
        #[arg(long, conflicts_with = "permissions")]
        problems: bool,
    },
}

/// What a command ends with: nothing, or a text for standard error.
type CommandResult = Result<(), String>;

/// Runs the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the runtime can't start: {error}")),
    };
    let outcome = runtime.block_on(dispatch(cli));
    crate::telemetry::flush_log();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => fail(&text),
    }
}

fn fail(text: &str) -> ExitCode {
    eprintln!("msi-actions: {}", text.trim_end());
    ExitCode::FAILURE
}

async fn dispatch(cli: Cli) -> CommandResult {
    match cli.command {
        Command::Serve(options) => serve::serve(&cli.shared, options).await,
        Command::Demo(options) => crate::demo::run(options, cli.shared.database_url).await,
        Command::Sandbox(options) => sandbox::sandbox(options).await,
        Command::Migrate => serve::migrate(&cli.shared).await,
        Command::Client(command) => client::run(&cli.shared, command).await,
        Command::Keys(command) => keys::keys(&cli.shared, command).await,
        Command::Jobs(command) => jobs::jobs(&cli.shared, command).await,
        Command::Audit(command) => audit::audit(&cli.shared, command).await,
        Command::Mail(command) => mail::mail(&cli.shared, command).await,
        Command::Openapi { permissions: true, .. } => {
            print!("{}", crate::app::render_permissions_page());
            Ok(())
        }
        Command::Openapi { problems: true, .. } => {
            print!("{}", crate::app::render_problem_catalog());
            Ok(())
        }
        Command::Openapi { .. } => print_document(),
    }
}

fn print_document() -> CommandResult {
    let text = serde_json::to_string_pretty(&OrderedDocument(crate::app::openapi_document())).map_err(|error| error.to_string())?;
    println!("{text}");
    Ok(())
}

/// The document, its members in the order in which people read them.
struct OrderedDocument<'a>(&'a Value);

impl serde::Serialize for OrderedDocument<'_> {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let members = ["openapi", "info", "servers", "tags", "paths", "components"];
        out.collect_map(members.map(|name| (name, &self.0[name])))
    }
}

/// The settings, with what the command line says on top, and logging started as they say. `given` are those that the command's own flags
/// gave.
fn settings(shared: &SharedOptions, given: &[GivenSetting]) -> Result<Settings, String> {
    let directory = shared.data_dir.as_ref().map(|directory| ("data_dir", "--data-dir", directory.display().to_string()));
    let url = shared.database_url.as_ref().map(|url| ("database.url", "--database-url", url.clone()));
    let given: Vec<_> = given.iter().cloned().chain(directory).chain(url).collect();
    let overrides: Vec<_> = given.iter().map(|(name, _, value)| (*name, value.clone())).collect();
    let flags: Vec<_> = given.iter().map(|(name, flag, _)| (*name, *flag)).filter(|(_, flag)| !flag.is_empty()).collect();
    let settings = Settings::load(shared.config.as_deref(), &overrides).map_err(|error| error.given_by(&flags).to_string())?;
    crate::telemetry::start_logging(&settings.log).map_err(|error| format!("log.filter: {error}; for example \"info\""))?;
    Ok(settings)
}

/// A setting that a command gives: its name, the flag it came by (none when the command itself decides), and its value.
type GivenSetting = (&'static str, &'static str, String);

/// What commands log that print their outcome: what an operator must know beside it.
fn quiet() -> GivenSetting {
    ("log.filter", "", "warn".to_owned())
}

/// The database of a command that works on what a service has stored; see [`crate::app::open_existing_database`].
async fn open_existing(settings: &Settings) -> Result<Db, String> {
    crate::app::open_existing_database(settings).await.map_err(|error| error.to_string())
}

/// An error of a command, with its causes.
fn error_text(error: impl std::error::Error + 'static) -> String {
    error_chain(&error).to_string()
}

/// Being told to stop (SIGINT or SIGTERM). Listened for from before the start, so that a signal that comes early is not lost.
struct StopSignal {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl StopSignal {
    fn listen() -> Result<Self, String> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
                .map_err(|error| format!("can't listen for signals: {error}"))?,
        })
    }

    #[cfg_attr(not(unix), allow(unused_mut))]
    async fn wait(mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}
