#!/usr/bin/env bash
# Does the set-up guide (docs/set-up-guide.md) work as a new user would try it? The blocks after a `<!-- try: … -->` line are run, in a folder of
# their own and with nothing but the programs that a plain Debian with curl has: `sandbox` and `serve` in terminals of their own,
# all `steps` in one session. What a block prints must be what the block under it says, where `…` stands for anything and line
# breaks don't count. GUIDE_BINARY=FILE tests that binary instead of target/debug/msi-actions.
# shellcheck disable=SC2329
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

# What the example may call, besides the service itself.
programs=(bash cat curl cut env grep head ls sed sleep)
patience=300

work=$(mktemp -d "${TMPDIR:-/tmp}/msi-actions-guide.XXXXXX")
terminals=()
clean_up() {
  for terminal in "${terminals[@]}"; do
    kill -TERM "$terminal" 2>/dev/null || true
    wait "$terminal" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap clean_up EXIT

# take_apart: writes each block to try as $work/NN.sh, what it promises as $work/NN.promise, and a line `NN KIND HEADING` for each.
# Free ports take the place of the guide's, on which something may listen here.
take_apart() {
  sed -e "s/127\.0\.0\.1:8080/127.0.0.1:$service_port/g" -e "s/127\.0\.0\.1:4010/127.0.0.1:$sandbox_port/g" \
    -e "s/127\.0\.0\.1:4011/127.0.0.1:$((sandbox_port + 1))/g" -e "s/127\.0\.0\.1:4012/127.0.0.1:$((sandbox_port + 2))/g" docs/set-up-guide.md |
    awk -v work="$work" '
      /^#+ / { heading = $0; sub(/^#+ /, "", heading) }
      /^```$/ && file { close(file); file = ""; next }
      file { print > file; next }
      /^<!-- try: [a-z]+ -->$/ { kind = $3; next }
      /^```bash$/ && kind {
        number = sprintf("%02d", ++count)
        print number, kind, heading
        file = work "/" number ".sh"; promise = work "/" number ".promise"; kind = ""
        next
      }
      /^```/ { file = promise ? promise : "/dev/null"; promise = "" }'
}

# one_line FILE: its text without line breaks and what stands around them.
one_line() { sed -e 's/^[[:space:]]*//' -e 's/[[:space:]]*$//' "$1" | tr -d '\n'; }

# keeps PROMISE TEXT: whether the text is what was promised.
keeps() {
  local promise=$1 rest=$2 piece
  while [[ $promise == *…* ]]; do
    piece=${promise%%…*}
    promise=${promise#*…}
    # The first piece is at the start, each other one anywhere after the one before.
    if [ -n "${started:-}" ]; then [[ $rest == *"$piece"* ]] || return 1; else [[ $rest == "$piece"* ]] || return 1; fi
    local started=yes
    rest=${rest#*"$piece"}
  done
  if [ -n "${started:-}" ]; then [[ $rest == *"$promise" ]]; else [ "$rest" = "$promise" ]; fi
}

# terminal NUMBER: runs that block as a user would in a terminal of its own, until this script ends.
terminal() {
  # The block's last command takes the place of its shell, so that it is what gets stopped.
  sed '$s/^/exec /' "$work/$1.sh" >"$work/$1.terminal"
  (cd "$work/folder" && exec setpriv --pdeathsig TERM -- env -i PATH="$work/bin" HOME="$work" LANG=C.UTF-8 \
    MSI_SERVER__ADDRESS="127.0.0.1:$service_port" bash "$work/$1.terminal") >"$work/$1.log" 2>&1 &
  terminals+=($!)
}

listens() {
  kill -0 "${terminals[-1]}" 2>/dev/null || die "it ended: $(tail -n 20 "$work/$2.log")"
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# is_ready NUMBER: whether the service in that block's terminal says that it is.
is_ready() {
  kill -0 "${terminals[-1]}" 2>/dev/null || die "it ended: $(tail -n 20 "$work/$1.log")"
  grep -q '^Running at' "$work/$1.log"
}

# session NUMBER…: the script of one session that runs these blocks and keeps what each prints.
session() {
  local number
  for number in "$@"; do printf '{\n%s\n} >%q 2>&1\n' "$(cat "$work/$number.sh")" "$work/$number.out"; done
}

check_block() {
  local number=$1 name=$2
  [ -f "$work/$number.promise" ] || return 0
  if [ -f "$work/$number.out" ] && keeps "$(one_line "$work/$number.promise")" "$(one_line "$work/$number.out")"; then
    passed "$name"
  else
    printf 'The guide promises:\n%s\nand this came:\n%s\n' "$(cat "$work/$number.promise")" "$(cat "$work/$number.out" 2>/dev/null)"
    failed "$name"
  fi
}

cd "$ROOT"
need curl
[ -n "${GUIDE_BINARY:-}" ] || cargo build --quiet --locked
binary=$(realpath "${GUIDE_BINARY:-${CARGO_TARGET_DIR:-target}/debug/msi-actions}")
# The simulated vendors have the two ports after the sandbox's.
sandbox_port=$(free_port)
while (exec 3<>"/dev/tcp/127.0.0.1/$((sandbox_port + 1))" || exec 3<>"/dev/tcp/127.0.0.1/$((sandbox_port + 2))") 2>/dev/null; do
  sandbox_port=$(free_port)
done
service_port=$(free_port)
while ((service_port >= sandbox_port && service_port <= sandbox_port + 2)); do service_port=$(free_port); done
take_apart >"$work/blocks"

mkdir -p "$work/bin" "$work/folder/target/release"
ln -s "$binary" "$work/folder/target/release/msi-actions"
for program in "${programs[@]}"; do ln -s "$(command -v "$program")" "$work/bin/$program"; done

steps=()
while read -r number kind _; do
  case $kind in
    sandbox)
      terminal "$number"
      wait_until 30 listens "$sandbox_port" "$number" || die "the sandbox does not listen where the guide says"
      ;;
    serve)
      terminal "$number"
      wait_until 30 is_ready "$number" || die "the service does not say that it runs"
      listens "$service_port" "$number" || die "the service does not listen where the guide says"
      service_log="$work/$number.log"
      ;;
    steps) steps+=("$number") ;;
    *) die "docs/set-up-guide.md: there is no kind of block named $kind" ;;
  esac
done <"$work/blocks"

session "${steps[@]}" >"$work/session"
started=$SECONDS
(cd "$work/folder" && timeout "$patience" env -i PATH="$work/bin" HOME="$work" LANG=C.UTF-8 NO_PROXY=127.0.0.1 \
  bash "$work/session") || say "the session ended with status $?"
say "the session took $((SECONDS - started)) s"
unset started

while read -r number kind heading; do
  if [ "$kind" = steps ]; then check_block "$number" "$heading (block $number)"; fi
done <"$work/blocks"
for step in 1 2 3 4 5 6 7; do
  # So that a step can't drop out of the test when the guide is edited.
  if ! grep -qE "^[0-9]+ steps Step $step:" "$work/blocks"; then failed "docs/set-up-guide.md has no block to try for step $step"; fi
done
keeps_quiet "$service_log"
[ "${CHECKS_FAILED:-0}" = 0 ] || { say "the end of the service's log:"; tail -n 20 "$service_log"; }
end_of_checks
