#!/usr/bin/env bash
# python-venv.sh NAME: prints the folder of a Python environment that holds exactly requirements/NAME.txt, made on first use.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

name=${1:?usage: python-venv.sh NAME}
requirements="$ROOT/tests/tools/requirements/$name.txt"
[ -f "$requirements" ] || die "there is no $requirements"

make_environment() {
  local folder=$1
  say "installing the packages of ${requirements#"$ROOT/"} for Python $version"
  # An environment without a pip of its own is made in a tenth of the time; Debian's plain python3 can make no other.
  if python3 -m pip --python "$(command -v python3)" --version >/dev/null 2>&1; then
    python3 -m venv --without-pip "$folder"
    python3 -m pip --python "$folder/bin/python" install --quiet --requirement "$requirements" >&2
  else
    python3 -c 'import ensurepip' 2>/dev/null || apt_install python3-venv
    python3 -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --requirement "$requirements" >&2
  fi
}

need python3
version=$(python3 -c 'import platform; print(platform.python_version())')
sum=$(sha256sum "$requirements")
# The interpreter's version is in the name because an environment does not outlive its interpreter.
folder="$TOOLS/$name-python$version-${sum:0:12}"
once "$folder" make_environment
echo "$folder"
