#!/usr/bin/env bash
# Clients of the two vendors that others made run against the simulated ones, unpatched: jsforce, node-marketo-rest, simple-salesforce and
# marketorestpython. The Python ones build their addresses themselves; vendor-clients/hosts puts the sandbox's hosts in their place.
# VENDOR_CLIENTS_BINARY=FILE tests that binary instead of target/debug/msi-actions.
# shellcheck disable=SC2329
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

clients=tests/tools/vendor-clients

install_node_packages() {
  local folder=$1
  say "installing the packages of $clients/package-lock.json"
  cp "$clients/package.json" "$clients/package-lock.json" "$folder"
  npm ci --silent --ignore-scripts --no-audit --no-fund --prefix "$folder" >&2
}

cd "$ROOT"
work_in vendor-clients
environment=$("$ROOT/tests/tools/python-venv.sh" vendor-clients)
need node nodejs
need npm
sum=$(sha256sum "$clients/package-lock.json")
node_folder="$TOOLS/vendor-clients-node-${sum:0:12}"
once "$node_folder" install_node_packages
find_binary "${VENDOR_CLIENTS_BINARY:-}"
start_sandbox 300

# A module finds its packages beside itself.
cp "$clients"/*.cjs "$work"
ln -s "$node_folder/node_modules" "$work/node_modules"
# shellcheck disable=SC2154
node "$work/check_jsforce.cjs" "$salesforce_url" || CHECKS_FAILED=1
# Its old promises complain on standard error about how they are made.
node --no-deprecation "$work/check_node_marketo_rest.cjs" "$marketo_url" || CHECKS_FAILED=1
for client in simple_salesforce marketorestpython; do
  SANDBOX_URL="$sandbox_url" SANDBOX_SALESFORCE_URL="$salesforce_url" SANDBOX_MARKETO_URL="$marketo_url" PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH="$clients/hosts" "$environment/bin/python" "$clients/check_$client.py" || CHECKS_FAILED=1
done
end_of_checks
