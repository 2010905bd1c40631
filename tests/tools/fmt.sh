#!/usr/bin/env bash
# Is the Rust code formatted?
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

cd "$ROOT"
check "cargo fmt" cargo fmt --check
end_of_checks
