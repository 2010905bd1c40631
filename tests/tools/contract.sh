#!/usr/bin/env bash
# Fuzzes the running service by its own OpenAPI document: `serve` with `sandbox` behind it, an instance, and valid tokens.
# CONTRACT_BINARY=FILE tests that binary instead of target/debug/msi-actions. CONTRACT_ARGS adds arguments for schemathesis, such as
# --include-path=/v1/people.
# shellcheck disable=SC2329
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

# How the program is called.
serve() {
  "${until_we_end[@]}" env "${sandbox_settings[@]}" MSI_MARKETO__POLL_INTERVAL_SECONDS=0.1 MSI_MARKETO__QUOTA_CALLS_PER_20_SECONDS=10000 MSI_SYNC__EARLIEST="$(date -d '60 days ago' +%F)" \
    MSI_RATE_LIMITS__TOKENS_PER_MINUTE_BY_ADDRESS=0 MSI_RATE_LIMITS__TOKENS_PER_MINUTE_BY_CLIENT=0 \
    MSI_RATE_LIMITS__WRONG_SECRETS_PER_MINUTE_BY_ADDRESS=0 MSI_RATE_LIMITS__LINKS_PER_MINUTE_BY_ADDRESS=0 \
    MSI_RATE_LIMITS__LINKS_PER_MINUTE_BY_LINK=0 MSI_RATE_LIMITS__LOGINS_PER_MINUTE_BY_ADDRESS=0 \
    "$binary" serve --listen "127.0.0.1:$1" --data-dir "$work/data"
}
create_client() { "$binary" client create --name contract --operator --scopes all --allow "salesforce ANY /services/apexrest/" --allow "marketo ANY /rest/" --data-dir "$work/data"; }
# The instance that the fuzzed calls are about: the sandbox's subscription.
export CONTRACT_INSTANCE_REQUEST='{"munchkin_id": "123-ABC-456", "name": "Contract", "environment": "sandbox",
  "prerequisites": {"msi_actions_enabled": true, "salesforce_sync_configured": true},
  "marketo": {"client_id": "sandbox-marketo-client", "client_secret": "sandbox-marketo-secret"}}'

until_we_end=(exec setpriv --pdeathsig TERM --)
work_in contract
service_process=

clean_up() {
  if [ -n "$service_process" ]; then stop "$service_process" || true; fi
  end_work
}
trap clean_up EXIT

ready() {
  kill -0 "$service_process" 2>/dev/null || die "the service ended: $(tail -n 20 "$work/service.log")"
  "$environment/bin/python" - "$url/readyz" <<'PYTHON'
import sys, urllib.request
try:
    urllib.request.urlopen(sys.argv[1], timeout=5)
except OSError:
    sys.exit(1)
PYTHON
}

cd "$ROOT"
environment=$("$ROOT/tests/tools/python-venv.sh" schemathesis)
find_binary "${CONTRACT_BINARY:-}"

start_sandbox 200
service_port=$(free_port)
url="http://127.0.0.1:$service_port"
serve "$service_port" >"$work/service.log" 2>&1 &
service_process=$!
wait_until 30 ready || die "the service did not get ready: $(tail -n 20 "$work/service.log")"
say "the service is ready at $url, with a sandbox at $sandbox_url"

create_client >"$work/client.json"
# Where messages go.
export CONTRACT_MAILS="$work/data/mail"
"$environment/bin/python" tests/tools/contract_instance.py "$url" "$work/client.json" >"$work/access"
# What the hooks work with.
set -a
# shellcheck source=/dev/null
. "$work/access"
set +a

say "fuzzing every operation of $url/openapi.json"
started=$SECONDS
# In a folder of its own, for it leaves files where it runs.
# shellcheck disable=SC2086
if (cd "$work" && SCHEMATHESIS_HOOKS=schemathesis_hooks PYTHONPATH="$ROOT/tests/tools" PYTHONDONTWRITEBYTECODE=1 "$environment/bin/schemathesis" --config-file "$ROOT/tests/tools/schemathesis.toml" \
  run "$url/openapi.json" --url "$url" --no-color ${CONTRACT_ARGS:-}); then
  passed "contract ($((SECONDS - started)) s)"
else
  failed "contract ($((SECONDS - started)) s)"
fi

no_panic() { ! grep -a "panicked at" "$work/service.log"; }
check "no panic in the service's log" no_panic
# Not by `check`, whose subshell could not wait for it.
if stop "$service_process"; then passed "the service stops when asked to"; else failed "the service stops when asked to"; fi
service_process=
keeps_quiet "$work/service.log"
end_of_checks
