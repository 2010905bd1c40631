#!/usr/bin/env bash
# Does clippy have nothing to say? With LINT_BY_BUILDING it is asked by building, so that the tests find everything built.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

cd "$ROOT"
export CARGO_TERM_COLOR=never
if [ -n "${LINT_BY_BUILDING:-}" ]; then
  check "clippy" cargo build --all-targets --locked
else
  check "clippy" cargo clippy --all-targets --locked -- -D warnings
fi
end_of_checks
