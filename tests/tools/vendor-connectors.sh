#!/usr/bin/env bash
# Connectors of data platforms read from the simulated vendors, unpatched but for the vendors' hosts and the time between polls:
# airbyte-source-marketo, airbyte-source-salesforce and tap-marketo. Not a part of `make test`, for they bring half a gigabyte of packages.
# VENDOR_CLIENTS_BINARY=FILE tests that binary instead of target/debug/msi-actions.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

cd "$ROOT"
work_in vendor-connectors
programs=()
for connector in airbyte-source-marketo:source-marketo airbyte-source-salesforce:source-salesforce tap-marketo:tap-marketo; do
  environment=$("$ROOT/tests/tools/python-venv.sh" "${connector%%:*}")
  programs+=("$environment/bin/${connector#*:}")
done
find_binary "${VENDOR_CLIENTS_BINARY:-}"
start_sandbox 300

export SANDBOX_LONGEST_PAUSE=0.05 PYTHONDONTWRITEBYTECODE=1
# shellcheck disable=SC2154
SANDBOX_URL="$sandbox_url" SANDBOX_SALESFORCE_URL="$salesforce_url" SANDBOX_MARKETO_URL="$marketo_url" \
  python3 tests/tools/vendor-clients/connectors.py "$work" "${programs[@]}" || CHECKS_FAILED=1
end_of_checks
