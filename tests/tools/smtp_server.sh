#!/usr/bin/env bash
# smtp_server.sh OPTIONS: the SMTP server of the tests, smtp/server.mjs, with what it needs installed outside the source tree.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

install_server() {
  local folder=$1
  say "installing the packages of tests/tools/smtp/package-lock.json"
  cp tests/tools/smtp/* "$folder"
  npm ci --silent --ignore-scripts --no-audit --no-fund --prefix "$folder" >&2
}

cd "$ROOT"
need node nodejs
need npm
sum=$(cat tests/tools/smtp/* | sha256sum)
folder="$TOOLS/smtp-server-${sum:0:12}"
once "$folder" install_server
exec node "$folder/server.mjs" "$@"
