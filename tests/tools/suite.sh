#!/usr/bin/env bash
# suite.sh PART…: runs the parts, NAME.sh beside this file each, one after the other whether or not one fails, and sums them up:
# the tests that cargo counted and the checks of the other parts. The very last line is `N passed, M failed`; it is also left in
# the file named by SUITE_SUMMARY, if any. Ends with 1 when something failed.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

[ $# -gt 0 ] || die "usage: suite.sh PART…"
log=$(mktemp "${TMPDIR:-/tmp}/msi-actions-suite.XXXXXX")
trap 'rm -f "$log"' EXIT
cd "$ROOT"

# count LOG: prints how many passed and how many failed, by cargo's `test result:` lines and the checks' own.
count() {
  sed 's/\x1b\[[0-9;]*m//g' "$1" | awk '
    /^test result: / { for (i = 2; i <= NF; i++) { if ($i == "passed;") passed += $(i - 1); if ($i == "failed;") failed += $(i - 1) } }
    /^check passed: / { passed++ }
    /^check failed: / { failed++ }
    END { print passed + 0, failed + 0 }'
}

total_passed=0
total_failed=0
table=""
faults=()
for part in "$@"; do
  printf '\n== %s\n' "$part"
  status=0
  start=$SECONDS
  "$ROOT/tests/tools/$part.sh" 2>&1 | tee "$log" || status=${PIPESTATUS[0]}
  read -r part_passed part_failed < <(count "$log")
  # A part that could not even begin to count, such as one that doesn't compile, is one failure.
  if [ "$status" != 0 ] && [ "$part_failed" = 0 ]; then
    part_failed=1
    faults+=("  $part: ended with status $status")
  fi
  while read -r line; do faults+=("  $part: $line"); done < <(grep -aE '^check failed: |^test .* FAILED$' "$log")
  total_passed=$((total_passed + part_passed))
  total_failed=$((total_failed + part_failed))
  table+=$(printf '  %-14s %5d passed %5d failed %6d s' "$part" "$part_passed" "$part_failed" $((SECONDS - start)))$'\n'
done

printf '\n== summary\n%s' "$table"
[ ${#faults[@]} = 0 ] || printf '%s\n' "what failed:" "${faults[@]}"
summary="$total_passed passed, $total_failed failed"
[ -z "${SUITE_SUMMARY:-}" ] || echo "$summary" >"$SUITE_SUMMARY"
echo "$summary"
[ "$total_failed" = 0 ]
