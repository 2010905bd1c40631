//! Log lines and metrics. A line never holds a token, a secret, an address with a token in it or a person's data: requests are named
//! by their route pattern.

mod error_chain;
mod job_metrics;
mod json_lines;
mod log_writer;
mod metrics;

use std::io::{self, IsTerminal, Write};

use tracing_subscriber::filter::{EnvFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use crate::config::{LogFormat, LogSettings};

pub use error_chain::error_chain;
pub use job_metrics::{JobCount, JobMetrics};
pub use log_writer::flush_log;
pub use metrics::{Metrics, Operation};

/// Starts writing log lines to standard error. Later calls in the same process change nothing. [`flush_log`] ends it.
///
/// # Errors
/// When the filter can't be read; the text says why.
pub fn start_logging(settings: &LogSettings) -> Result<(), String> {
    // Colours are for people: in a file or a pipe they are noise.
    let colors = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    start(settings, io::stderr(), colors)
}

/// The same, writing to `to`.
///
/// # Errors
/// As [`start_logging`].
pub fn start_logging_to(settings: &LogSettings, to: impl Write + Send + 'static) -> Result<(), String> {
    start(settings, to, false)
}

fn start(settings: &LogSettings, to: impl Write + Send + 'static, colors: bool) -> Result<(), String> {
    let filter = EnvFilter::try_new(&settings.filter).map_err(|error| error.to_string())?;
    let lines = tracing_subscriber::fmt::layer().with_writer(log_writer::LogWriter::start(to)?).with_ansi(colors);
    match settings.format {
        LogFormat::Json => {
            begin(lines.with_ansi(false).fmt_fields(json_lines::Members).event_format(json_lines::JsonLines), filter, &settings.filter);
        }
        LogFormat::Pretty => begin(lines.with_target(false), filter, &settings.filter),
    }
    Ok(())
}

fn begin(lines: impl Layer<Registry> + Send + Sync, filter: EnvFilter, text: &str) {
    let lines = tracing_subscriber::registry().with(lines);
    // A second subscriber is refused; the first one goes on, which is what a process with several servers wants.
    let _ = match text.parse::<Targets>() {
        // It names modules and levels only, as nearly all do; then nothing is to be looked at in each span.
        Ok(targets) => lines.with(targets).try_init(),
        Err(_) => lines.with(filter).try_init(),
    };
}
