"""csv_writers.py URL CLIENT SHEETJS FOLDER: writes lists of people with LibreOffice, with SheetJS, whose package is in SHEETJS, and with the
writers that Python has, in the encodings that spreadsheet programs write, and sends each to the service at URL as the client that the
file CLIENT names (`client create` printed it). So it does with files of other kinds, which must be refused. Files of its own go to FOLDER.
Prints a line for each check; ends with 1 when one failed."""

import csv
import datetime
import gzip
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import traceback
import zipfile

import msoffcrypto.format.ooxml
import numbers_parser
import openpyxl
import requests
import xlsxwriter

url, file, sheetjs, folder = sys.argv[1:]
folder = pathlib.Path(folder)
with open(file, encoding="utf-8") as opened:
    client = json.load(opened)

HEADERS = ["Vorname", "Nachname", "E-Mail", "Rolle", "Seit"]
SINCE = datetime.date(2026, 6, 15)
PEOPLE = [
    ["Käthe", "Müller", "kaethe.mueller@example.com", "Administrator", SINCE],
    ["François", "O'Neil, Jr; \"Pat\"", "f.oneil@example.com", "Benutzer", SINCE],
    ["Zoë", "two\nlines", "zoe@example.com", "", SINCE],
]
ROWS = [HEADERS, *PEOPLE]


def text(encoding, **dialect):
    out = io.StringIO(newline="")
    csv.writer(out, **dialect).writerows(ROWS)
    return out.getvalue().encode(encoding)


class Semicolon(csv.excel):
    """Excel in locales whose decimal sign is the comma."""

    delimiter = ";"


class Bar(csv.unix_dialect):
    delimiter = "|"


def by_openpyxl():
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    book.create_sheet("Second").append(["nobody@example.com"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def by_openpyxl_streaming():
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("People")
    for row in ROWS:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def by_xlsxwriter(**options):
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "yyyy-mm-dd", **options})
    sheet = book.add_worksheet("People")
    for at, row in enumerate(ROWS):
        sheet.write_row(at, 0, row)
    book.close()
    return out.getvalue()


def run(*command, sent=b""):
    """Runs a program, which has two minutes; then it is ended with all that it began."""
    environment, piped = {**os.environ, "HOME": str(folder)}, {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, env=environment, start_new_session=True, **piped) as process:
        try:
            said, _ = process.communicate(input=sent, timeout=120)
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    if process.returncode != 0:
        raise AssertionError(f"{command[0]} ended with {process.returncode}: {said.decode(errors='replace')}")


def by_libreoffice(kind, options=None):
    """What LibreOffice makes of a workbook; the options of its CSV are those of its help page "CSV Filter Parameters"."""
    source, target = folder / "people.xlsx", folder / "libreoffice"
    source.write_bytes(by_openpyxl())
    to = kind if options is None else f"{kind}:Text - txt - csv (StarCalc):{options}"
    profile = (folder / "profile").as_uri()
    run("soffice", f"-env:UserInstallation={profile}", "--headless", "--norestore", "--convert-to", to, "--outdir", str(target), str(source))
    return (target / f"people.{kind}").read_bytes()


def by_sheetjs(kind):
    if not (folder / f"sheetjs.{kind}").exists():
        run("node", "tests/tools/csv_sheetjs.cjs", sheetjs, str(folder), sent=json.dumps([[str(cell) for cell in row] for row in ROWS]).encode())
    return (folder / f"sheetjs.{kind}").read_bytes()


def by_numbers_parser():
    document = numbers_parser.Document()
    for at, row in enumerate(ROWS):
        for column, cell in enumerate(row):
            document.sheets[0].tables[0].write(at, column, str(cell))
    document.save(folder / "people.numbers")
    return (folder / "people.numbers").read_bytes()


def with_a_password():
    out = io.BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(by_openpyxl())).encrypt("secret", out)
    return out.getvalue()


def zipped():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("people.csv", text("utf-8"))
    return out.getvalue()


# What is written, and how the service says it is.
FILES = {
    "LibreOffice": (lambda: by_libreoffice("csv", "44,34,76,1,,0,false,true,false"), ("csv", "UTF-8", ",")),
    "LibreOffice, texts quoted": (lambda: by_libreoffice("csv", "44,34,76,1,,0,true,true,false"), ("csv", "UTF-8", ",")),
    "LibreOffice, Windows-1252 with semicolons": (lambda: by_libreoffice("csv", "59,34,1,1,,0,false,true,false"), ("csv", "windows-1252", ";")),
    "LibreOffice, UTF-16 with tabs": (lambda: by_libreoffice("csv", "9,34,65535,1,,0,false,true,false"), ("csv", "UTF-16LE", "\t")),
    "LibreOffice, Macintosh": (lambda: by_libreoffice("csv", "44,34,2,1,,0,false,true,false"), ("csv", "macintosh", ",")),
    "LibreOffice, a workbook": (lambda: by_libreoffice("xlsx"), ("xlsx", "UTF-8", ",")),
    "SheetJS": (lambda: by_sheetjs("csv"), ("csv", "UTF-8", ",")),
    "SheetJS, everything quoted, semicolons": (lambda: by_sheetjs("semicolons"), ("csv", "UTF-8", ";")),
    "SheetJS, Unicode text": (lambda: by_sheetjs("txt"), ("csv", "UTF-16LE", "\t")),
    "SheetJS, a workbook": (lambda: by_sheetjs("xlsx"), ("xlsx", "UTF-8", ",")),
    "Excel, UTF-8": (lambda: text("utf-8-sig", dialect="excel"), ("csv", "UTF-8", ",")),
    "Excel, Windows-1252": (lambda: text("cp1252", dialect="excel"), ("csv", "windows-1252", ",")),
    "Excel, Windows-1252 with semicolons": (lambda: text("cp1252", dialect=Semicolon), ("csv", "windows-1252", ";")),
    "Excel, Unicode text": (lambda: text("utf-16", dialect="excel-tab"), ("csv", "UTF-16LE", "\t")),
    "Excel, UTF-16 from a big-endian machine": (lambda: text("utf-16-be", dialect="excel"), ("csv", "UTF-16BE", ",")),
    "Excel, Macintosh": (lambda: text("mac_roman", lineterminator="\r", quoting=csv.QUOTE_ALL).replace(b"\n", b"\r"), ("csv", "macintosh", ",")),
    "Excel, Macintosh, a line feed in a cell": (lambda: text("mac_roman", lineterminator="\r", quoting=csv.QUOTE_ALL), ("csv", "macintosh", ",")),
    "Excel, Mac with the line ends of Windows": (lambda: text("mac_roman", dialect=Semicolon), ("csv", "macintosh", ";")),
    "Unix, everything quoted": (lambda: text("utf-8", dialect="unix"), ("csv", "UTF-8", ",")),
    "Unix, bars": (lambda: text("utf-8", dialect=Bar), ("csv", "UTF-8", "|")),
    "openpyxl": (by_openpyxl, ("xlsx", "UTF-8", ",")),
    "openpyxl, streaming": (by_openpyxl_streaming, ("xlsx", "UTF-8", ",")),
    "XlsxWriter": (by_xlsxwriter, ("xlsx", "UTF-8", ",")),
    "XlsxWriter, texts in their cells": (lambda: by_xlsxwriter(constant_memory=True), ("xlsx", "UTF-8", ",")),
}

# Files that are none of ours, and what the refusal must say: what it is, and what to do.
OTHERS = {
    "a Numbers document": (by_numbers_parser, ("(.numbers)", "File > Export To > CSV or Excel")),
    "an old workbook by LibreOffice": (lambda: by_libreoffice("xls"), ("the old form (.xls)", "(.xlsx)")),
    "an old workbook by SheetJS": (lambda: by_sheetjs("biff8"), ("the old form (.xls)", "(.xlsx)")),
    "a workbook with a password": (with_a_password, ("with a password", "take the password away")),
    "a binary workbook": (lambda: by_sheetjs("xlsb"), ("(.xlsb)", "(.xlsx)")),
    "an OpenDocument spreadsheet by LibreOffice": (lambda: by_libreoffice("ods"), ("(.ods)", "Text CSV")),
    "an OpenDocument spreadsheet by SheetJS": (lambda: by_sheetjs("ods"), ("(.ods)", "Text CSV")),
    "an OpenDocument spreadsheet in one XML document": (lambda: by_libreoffice("fods"), ("XML", "save it as CSV")),
    "a PDF document": (lambda: by_libreoffice("pdf"), ("PDF", "export the list as CSV")),
    "a web page by LibreOffice": (lambda: by_libreoffice("html"), ("HTML", "save it as CSV")),
    "a web page by SheetJS": (lambda: by_sheetjs("html"), ("HTML", "save it as CSV")),
    "an archive": (zipped, ("ZIP", "unpack it")),
    "a compressed file": (lambda: gzip.compress(text("utf-8")), ("compressed", "unpack it")),
}


def token(**more):
    form = {"grant_type": "client_credentials", "client_id": client["client_id"], "client_secret": client["client_secret"], **more}
    answer = requests.post(f"{url}/oauth/token", data=form, timeout=30)
    answer.raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def instance():
    met = {"msi_actions_enabled": True, "salesforce_sync_configured": True}
    new = {"munchkin_id": "123-ABC-456", "name": "Writers", "environment": "production", "prerequisites": met}
    made = requests.post(f"{url}/v1/instances", json=new, headers=token(), timeout=30)
    made.raise_for_status()
    return token(resource=f"urn:msi-actions:instance:{made.json()['id']}")


def require(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: {found!r} instead of {wanted!r}")


def check(caller, content, dialect):
    answer = requests.post(f"{url}/v1/invite-imports", files={"file": ("people", content)}, headers=caller, timeout=60)
    require(answer.status_code, 201, answer.text)
    told = answer.json()
    require(tuple(told["dialect"][name] for name in ("format", "encoding", "delimiter")), dialect, "dialect")
    require((told["rows"], told["valid_rows"]), (3, 3), f"rows, with the errors {told['errors']}")
    columns = [told["mapping"].get(field, {}).get("column") for field in ("first_name", "last_name", "email", "role")]
    require(columns, [0, 1, 2, 3], "mapping")
    sample = [[cell.replace("\r", "\n") for cell in row] for row in told["sample"]]
    require(sample, [[str(cell) for cell in row] for row in PEOPLE], "sample")
    requests.delete(f"{url}/v1/invite-imports/{told['id']}", headers=caller, timeout=30).raise_for_status()


def check_refused(caller, content, words):
    answer = requests.post(f"{url}/v1/invite-imports", files={"file": ("people.csv", content)}, headers=caller, timeout=60)
    require((answer.status_code, answer.json().get("code")), (422, "import_unreadable"), answer.text)
    require([word for word in words if word not in answer.json()["detail"]], [], answer.text)


def main():
    caller, all_fine = instance(), True
    checks = [(f"a file written by {name}", check, *one) for name, one in FILES.items()]
    checks += [(f"{name} is refused and named", check_refused, *one) for name, one in OTHERS.items()]
    for name, judge, write, wanted in checks:
        try:
            judge(caller, write(), wanted)
            print(f"check passed: {name}", flush=True)
        except Exception:
            traceback.print_exc(file=sys.stdout)
            print(f"check failed: {name}", flush=True)
            all_fine = False
    sys.exit(0 if all_fine else 1)


main()
