#!/usr/bin/env bash
# A SCIM client that tests whether a service keeps to the standard, Python's scim2-tester, provisions users and groups of the running
# service. SCIM_BINARY=FILE tests that binary instead of target/debug/msi-actions.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

cd "$ROOT"
work_in scim
environment=$("$ROOT/tests/tools/python-venv.sh" scim2-tester)
find_binary "${SCIM_BINARY:-}"
start_sandbox
start_service MSI_LOG__FILTER=trace "${sandbox_settings[@]}"

"$environment/bin/python" tests/tools/scim_tester.py "$url" "$work/client.json" || CHECKS_FAILED=1
keeps_quiet "$work/service.log"
end_of_checks
