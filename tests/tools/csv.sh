#!/usr/bin/env bash
# Lists of people written by real writers (LibreOffice, SheetJS, Python's csv, openpyxl, XlsxWriter) are sent to the running service, which
# must read each; files of other kinds (Numbers, .xls, .ods and more) it must refuse, saying what they are and what to send instead.
# CSV_BINARY=FILE tests that binary instead of target/debug/msi-actions.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

sheetjs_version=0.18.5
sheetjs_sum=5b23e25faa2472e50679e5f6ee52fced3ae4c4b1e46e8dfebb221c59747461ee

cd "$ROOT"
work_in csv
need soffice libreoffice-calc-nogui
need node nodejs
sheetjs="$TOOLS/sheetjs-$sheetjs_version"
once "$sheetjs" unpack_npm xlsx "$sheetjs_version" "$sheetjs_sum"
environment=$("$ROOT/tests/tools/python-venv.sh" csv-writers)
find_binary "${CSV_BINARY:-}"
# shellcheck disable=SC2119 # no settings
start_service

"$environment/bin/python" tests/tools/csv_writers.py "$url" "$work/client.json" "$sheetjs" "$work" || CHECKS_FAILED=1
end_of_checks
