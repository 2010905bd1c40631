//! The binary: reads the command line and does what it says.

use std::process::ExitCode;

/// Gives memory back and keeps pieces together, so that a process which has synced a million and a half people needs hardly more than
/// one which has synced a tenth of them; the usual allocator's arenas break up with each run.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    msi_actions::cli::run()
}
