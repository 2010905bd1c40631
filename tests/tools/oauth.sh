#!/usr/bin/env bash
# Two independent OAuth clients, Python's authlib and Node's openid-client with jose, discover the running service, get, verify, introspect
# and revoke its tokens. OAUTH_BINARY=FILE tests that binary instead of target/debug/msi-actions.
# shellcheck disable=SC2329
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/msi-actions-oauth.XXXXXX")
service_process=

gone() { ! kill -0 "$1" 2>/dev/null; }
clean_up() {
  if [ -n "$service_process" ]; then
    kill -TERM "$service_process" 2>/dev/null || true
    wait_until 30 gone "$service_process" || kill -KILL "$service_process" 2>/dev/null || true
    wait "$service_process" || true
  fi
  rm -rf "$work"
}
trap clean_up EXIT

started() {
  gone "$service_process" && die "the service ended: $(tail -n 20 "$work/service.log")"
  grep -q '^Running at' "$work/service.log"
}

install_node_packages() {
  local folder=$1
  say "installing the packages of tests/tools/oauth/package-lock.json"
  cp tests/tools/oauth/package.json tests/tools/oauth/package-lock.json "$folder"
  npm ci --silent --ignore-scripts --no-audit --no-fund --prefix "$folder" >&2
}

cd "$ROOT"
environment=$("$ROOT/tests/tools/python-venv.sh" authlib)
need node nodejs
need npm
sum=$(sha256sum tests/tools/oauth/package-lock.json)
node_folder="$TOOLS/oauth-node-${sum:0:12}"
once "$node_folder" install_node_packages
binary=${OAUTH_BINARY:-${CARGO_TARGET_DIR:-target}/debug/msi-actions}
[ -n "${OAUTH_BINARY:-}" ] || cargo build --quiet --locked
# What the caller has set for a service of their own must not reach this one.
for variable in "${!MSI_@}"; do unset "$variable"; done
# Nothing that runs here is behind a proxy, and nothing is encrypted on the way to oneself.
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 AUTHLIB_INSECURE_TRANSPORT=1

url="http://127.0.0.1:$(free_port)"
"$binary" serve --listen "${url#http://}" --data-dir "$work/data" >"$work/service.log" 2>&1 &
service_process=$!
wait_until 30 started || die "the service did not start: $(tail -n 20 "$work/service.log")"
"$binary" client create --name oauth --operator --scopes all --data-dir "$work/data" >"$work/client.json"

"$environment/bin/python" tests/tools/oauth_authlib.py "$url" "$work/client.json" || CHECKS_FAILED=1
# A module finds its packages beside itself.
cp tests/tools/oauth/check.mjs "$work/check.mjs"
ln -s "$node_folder/node_modules" "$work/node_modules"
node "$work/check.mjs" "$url" "$work/client.json" || CHECKS_FAILED=1
end_of_checks
