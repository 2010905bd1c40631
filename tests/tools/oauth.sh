#!/usr/bin/env bash
# Two independent OAuth clients, Python's authlib and Node's openid-client with jose, discover the running service, get, verify, introspect
# and revoke its tokens. OAUTH_BINARY=FILE tests that binary instead of target/debug/msi-actions.
# shellcheck disable=SC2329
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

install_node_packages() {
  local folder=$1
  say "installing the packages of tests/tools/oauth/package-lock.json"
  cp tests/tools/oauth/package.json tests/tools/oauth/package-lock.json "$folder"
  npm ci --silent --ignore-scripts --no-audit --no-fund --prefix "$folder" >&2
}

cd "$ROOT"
work_in oauth
environment=$("$ROOT/tests/tools/python-venv.sh" authlib)
need node nodejs
need npm
sum=$(sha256sum tests/tools/oauth/package-lock.json)
node_folder="$TOOLS/oauth-node-${sum:0:12}"
once "$node_folder" install_node_packages
find_binary "${OAUTH_BINARY:-}"
# Nothing is encrypted on the way to oneself.
export AUTHLIB_INSECURE_TRANSPORT=1
start_service MSI_LOG__FILTER=trace

"$environment/bin/python" tests/tools/oauth_authlib.py "$url" "$work/client.json" || CHECKS_FAILED=1
# A module finds its packages beside itself.
cp tests/tools/oauth/check.mjs "$work/check.mjs"
ln -s "$node_folder/node_modules" "$work/node_modules"
node "$work/check.mjs" "$url" "$work/client.json" || CHECKS_FAILED=1
secret=$("$environment/bin/python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["client_secret"])' "$work/client.json")
if grep -aqF "$secret" "$work/service.log"; then failed "the client's secret in the service's log"; fi
keeps_quiet "$work/service.log"
end_of_checks
