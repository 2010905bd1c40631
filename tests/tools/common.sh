# shellcheck shell=bash disable=SC2034
# Sourced by the scripts beside it: messages, recorded checks, the tool cache, free ports.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Everything installed for the tests lives here, each version in a folder of its own, so that a second run installs nothing.
TOOLS=${XDG_CACHE_HOME:-$HOME/.cache}/msi-actions/tools

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
