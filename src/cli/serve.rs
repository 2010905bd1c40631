use std::sync::Arc;

use clap::Args;

use super::{CommandResult, SharedOptions, StopSignal, error_text, settings};
use crate::clock::SystemClock;
use crate::config::DatabaseUrl;

/// Flags of `serve`.
#[derive(Debug, Args)]
pub struct ServeOptions {
    /// Address to listen on, for example 0.0.0.0:8080.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The address callers and browsers use, for example https://actions.example.com.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

pub(super) async fn serve(shared: &SharedOptions, options: ServeOptions) -> CommandResult {
    let listen = options.listen.map(|value| ("server.address", "--listen", value));
    let public_url = options.public_url.map(|value| ("server.public_url", "--public-url", value));
    let settings = settings(shared, &listen.into_iter().chain(public_url).collect::<Vec<_>>())?;
    let stop = StopSignal::listen()?;
    let database = match settings.database.resolve(&settings.data_dir) {
        DatabaseUrl::Sqlite(file) => format!("SQLite ({})", file.display()),
        // Its address can hold a password.
        DatabaseUrl::Postgres(_) => "PostgreSQL".to_owned(),
    };
    let app = crate::app::start(settings, Arc::new(SystemClock)).await.map_err(error_text)?;
    eprintln!("Running at {} on {database}; the API is described at {}/docs/", app.url(), app.url());
    stop.wait().await;
    app.stop().await;
    Ok(())
}

pub(super) async fn migrate(shared: &SharedOptions) -> CommandResult {
    let settings = settings(shared, &[])?;
    let db = crate::app::open_database(&settings).await.map_err(error_text)?;
    db.migrate().await.map_err(error_text)?;
    let (known, _) = db.schema_version().await.map_err(error_text)?;
    println!("{} is at schema step {known}", db.engine());
    db.close().await;
    Ok(())
}
