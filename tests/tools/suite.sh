#!/usr/bin/env bash
# suite.sh PART… [-- PART…]: runs the parts, NAME.sh beside this file each, one after the other whether or not one fails, and sums them
# up: the tests that cargo counted and the checks of the other parts. Those after `--` run in a second row beside the first, and each
# of them prints what it has to say when it ends. The very last line is `N passed, M failed`; it is also left in the file named by
# SUITE_SUMMARY, if any. Ends with 1 when something failed.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

[ $# -gt 0 ] || die "usage: suite.sh PART… [-- PART…]"
logs=$(mktemp -d "${TMPDIR:-/tmp}/msi-actions-suite.XXXXXX")
second_row=
clean_up() {
  # Its own children are stopped by their traps.
  if [ -n "$second_row" ]; then kill -TERM -- "-$second_row" 2>/dev/null || true; fi
  rm -rf "$logs"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
cd "$ROOT"

# count LOG: prints how many passed and how many failed, by cargo's `test result:` lines and the checks' own.
count() {
  sed 's/\x1b\[[0-9;]*m//g' "$1" | awk '
    /^test result: / { for (i = 2; i <= NF; i++) { if ($i == "passed;") passed += $(i - 1); if ($i == "failed;") failed += $(i - 1) } }
    /^check passed: / { passed++ }
    /^check failed: / { failed++ }
    END { print passed + 0, failed + 0 }'
}

# run PART: what it prints goes to standard output and its log; its status and seconds are kept beside the log.
run() {
  local status=0 start=$SECONDS
  printf '\n== %s\n' "$1"
  "$ROOT/tests/tools/$1.sh" 2>&1 | tee "$logs/$1.log" || status=${PIPESTATUS[0]}
  echo "$status $((SECONDS - start))" >"$logs/$1.end"
}

first=() second=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do first+=("$1") && shift; done
if [ $# -gt 0 ]; then second=("${@:2}"); fi

if [ ${#second[@]} -gt 0 ]; then
  # A process group of its own, so that it can be stopped as a whole.
  set -m
  (for part in "${second[@]}"; do run "$part" >"$logs/$part.out" && cat "$logs/$part.out"; done) &
  second_row=$!
  set +m
fi
for part in "${first[@]}"; do run "$part"; done
if [ -n "$second_row" ]; then
  wait "$second_row" || true
  second_row=
fi

total_passed=0
total_failed=0
table=""
faults=()
for part in "${first[@]}" "${second[@]}"; do
  # One that was stopped has left no end.
  [ -e "$logs/$part.end" ] || { touch "$logs/$part.log" && echo "1 0" >"$logs/$part.end"; }
  read -r status seconds <"$logs/$part.end"
  read -r part_passed part_failed < <(count "$logs/$part.log")
  # A part that could not even begin to count, such as one that doesn't compile, is one failure.
  if [ "$status" != 0 ] && [ "$part_failed" = 0 ]; then
    part_failed=1
    faults+=("  $part: ended with status $status")
  fi
  while read -r line; do faults+=("  $part: $line"); done < <(grep -aE '^check failed: |^test .* FAILED$' "$logs/$part.log")
  total_passed=$((total_passed + part_passed))
  total_failed=$((total_failed + part_failed))
  table+=$(printf '  %-14s %5d passed %5d failed %6d s' "$part" "$part_passed" "$part_failed" "$seconds")$'\n'
done

printf '\n== summary\n%s' "$table"
[ ${#faults[@]} = 0 ] || printf '%s\n' "what failed:" "${faults[@]}"
summary="$total_passed passed, $total_failed failed"
[ -z "${SUITE_SUMMARY:-}" ] || echo "$summary" >"$SUITE_SUMMARY"
echo "$summary"
[ "$total_failed" = 0 ]
