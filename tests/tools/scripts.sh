#!/usr/bin/env bash
# Do the linters of shell scripts and Dockerfiles have nothing to say?
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

cd "$ROOT"
programs=$("$ROOT/tests/tools/python-venv.sh" linters)/bin
for script in .ci/run tests/tools/*.sh; do
  check "shellcheck $script" "$programs/shellcheck" --external-sources "$script"
done
check "hadolint Dockerfile" "$programs/hadolint" Dockerfile
end_of_checks
