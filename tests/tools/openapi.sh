#!/usr/bin/env bash
# Is the committed OpenAPI document valid? (That it equals what the code says is a Rust test.)
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

cd "$ROOT"
environment=$("$ROOT/tests/tools/python-venv.sh" openapi-spec-validator)
for document in openapi/*.json; do
  [ -f "$document" ] || die "there is no document in openapi/; write it with: make openapi"
  check "$document is valid OpenAPI" "$environment/bin/openapi-spec-validator" --validation-errors all "$document"
done
end_of_checks
