#!/usr/bin/env bash
# All Rust tests: unit tests, the HTTP tests of tests/it, the examples in the documentation. Storage is tested on SQLite and PostgreSQL.
# RUST_TEST_THREADS says how many run at once.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

cd "$ROOT"
export CARGO_TERM_COLOR=never
# A test waits for a third of its time: for mail, clocks, other processes.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-$(($(nproc) + 1))}"
exec "$ROOT/tests/tools/postgres.sh" cargo test --locked --no-fail-fast
