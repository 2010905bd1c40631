#!/usr/bin/env bash
# Does clippy have nothing to say?
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

cd "$ROOT"
export CARGO_TERM_COLOR=never
check "cargo clippy" cargo clippy --all-targets --locked -- -D warnings
end_of_checks
