#!/usr/bin/env bash
# All Rust tests: unit tests, the HTTP tests of tests/it, the examples in the documentation. Storage is tested on SQLite and PostgreSQL.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

cd "$ROOT"
export CARGO_TERM_COLOR=never
exec "$ROOT/tests/tools/postgres.sh" cargo test --locked --no-fail-fast
