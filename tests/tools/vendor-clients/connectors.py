"""connectors.py FOLDER SOURCE_MARKETO SOURCE_SALESFORCE TAP_MARKETO: three connectors of data platforms read from the simulated vendors.

The last three arguments are the connectors' programs. Needs nothing but Python; works in FOLDER.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

from checks import Checks, require

FOLDER = Path(sys.argv[1])
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.resolve() / "hosts")}
START = (datetime.now(timezone.utc) - timedelta(days=40)).strftime("%Y-%m-%dT00:00:00Z")


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


def write(name, content):
    path = FOLDER / name
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def run(program, *arguments):
    """The JSON messages that a connector writes, one a line."""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, cwd=FOLDER, timeout=300, env=ENVIRONMENT)
    require(done.returncode == 0, f"{arguments}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def messages(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def airbyte(program, config, wanted):
    """Checks, discovers and reads the streams of `wanted`; gives how many records each brought."""
    config = write(f"{Path(program).name}.json", config)
    status = [message["connectionStatus"] for message in messages(run(program, "check", "--config", config)) if message["type"] == "CONNECTION_STATUS"]
    require(status and status[-1]["status"] == "SUCCEEDED", status)
    found = [message["catalog"] for message in messages(run(program, "discover", "--config", config)) if message["type"] == "CATALOG"][-1]
    streams = [stream for stream in found["streams"] if stream["name"] in wanted]
    require({stream["name"] for stream in streams} == set(wanted), [stream["name"] for stream in found["streams"]])
    catalog = {"streams": [{"stream": stream, "sync_mode": stream["supported_sync_modes"][0], "destination_sync_mode": "append"} for stream in streams]}
    read = messages(run(program, "read", "--config", config, "--catalog", write(f"{Path(program).name}-catalog.json", catalog)))
    return Counter(message["record"]["stream"] for message in read if message["type"] == "RECORD")


def of_marketo():
    config = {
        "domain_url": "https://123-ABC-456.mktorest.com",
        "client_id": "sandbox-marketo-client",
        "client_secret": "sandbox-marketo-secret",
        "start_date": START,
    }
    counts = airbyte(sys.argv[2], config, ["leads", "activity_types", "activities_new_lead", "activities_change_data_value", "lists", "programs"])
    require(counts["leads"] > 10 and counts["activities_new_lead"] > 10 and counts["activity_types"] == 4, counts)
    require(counts["activities_change_data_value"] == 1 and counts["lists"] == 1, counts)


def refresh_token():
    """Logs Maria in, as the connector's own set-up page would have her do."""
    base = os.environ["SANDBOX_SALESFORCE_URL"]
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    form = {
        "response_type": "code", "client_id": "sandbox-salesforce-consumer-key", "redirect_uri": "http://127.0.0.1:9/callback",
        "scope": "api refresh_token", "code_challenge": challenge, "username": "maria.admin@example.com", "password": "sandbox",
    }

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    try:
        urllib.request.build_opener(Stay).open(f"{base}/login", urllib.parse.urlencode(form).encode(), timeout=30)
        raise AssertionError("nobody was sent back")
    except urllib.error.HTTPError as answer:
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.headers["Location"]).query)["code"][0]
    grant = {
        "grant_type": "authorization_code", "code": code, "client_id": form["client_id"], "redirect_uri": form["redirect_uri"],
        "client_secret": "sandbox-salesforce-consumer-secret", "code_verifier": verifier,
    }
    with urllib.request.urlopen(f"{base}/services/oauth2/token", urllib.parse.urlencode(grant).encode(), timeout=30) as answer:
        return json.load(answer)["refresh_token"]


def of_salesforce():
    config = {
        "client_id": "sandbox-salesforce-consumer-key",
        "client_secret": "sandbox-salesforce-consumer-secret",
        "start_date": "2020-01-01T00:00:00Z",
        "stream_slice_step": "P3650D",
    }
    summary = get(f"{os.environ['SANDBOX_URL']}/__sandbox/summary")

    def call(*arguments):
        # Each run spends the refresh token it is given, as Salesforce's rotation has it.
        path = write("source-salesforce.json", {**config, "refresh_token": refresh_token()})
        return messages(run(sys.argv[3], *arguments, "--config", path))

    status = [message["connectionStatus"]["status"] for message in call("check") if message["type"] == "CONNECTION_STATUS"]
    require(status[-1:] == ["SUCCEEDED"], status)
    streams = [message["catalog"] for message in call("discover") if message["type"] == "CATALOG"][-1]["streams"]
    wanted = [stream for stream in streams if stream["name"] in ("Contact", "Lead", "User", "Task")]
    require(len(wanted) == 4, [stream["name"] for stream in streams])
    catalog = {"streams": [{"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "append"} for stream in wanted]}
    read = call("read", "--catalog", write("source-salesforce-catalog.json", catalog))
    counts = Counter(message["record"]["stream"] for message in read if message["type"] == "RECORD")
    require(counts["Contact"] == summary["contacts"] + summary["converted_leads"], (counts, summary))
    require(counts["Lead"] == summary["leads"] + summary["converted_leads"] and counts["User"] > 3, (counts, summary))


def of_tap():
    config = write("tap.json", {
        "endpoint": "https://123-ABC-456.mktorest.com/rest", "client_id": "sandbox-marketo-client", "client_secret": "sandbox-marketo-secret",
        "start_date": START, "poll_interval": 1,
    })
    found = json.loads(run(sys.argv[4], "--config", config, "--discover"))
    wanted = {"leads", "activity_types", "activities_new_lead", "activities_change_data_value", "lists", "campaigns", "programs"}
    require(wanted <= {stream["tap_stream_id"] for stream in found["streams"]}, [stream["tap_stream_id"] for stream in found["streams"]])
    for stream in found["streams"]:
        for entry in stream["metadata"]:
            entry["metadata"]["selected"] = stream["tap_stream_id"] in wanted
    read = messages(run(sys.argv[4], "--config", config, "--properties", write("tap-catalog.json", found)))
    counts = Counter(message["stream"] for message in read if message["type"] == "RECORD")
    require(counts["leads"] > 10 and counts["activities_new_lead"] > 10 and counts["activity_types"] == 4, counts)
    require(counts["activities_change_data_value"] == 1 and counts["lists"] == 1, counts)


def control(path, body):
    request = urllib.request.Request(f"{os.environ['SANDBOX_URL']}/__sandbox{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=30).close()


control("/people/1010", {"title": "Chief"})
control("/marketo/lists", {"name": "Newsletter", "members": [1001, 1002]})
Checks("airbyte-source-marketo")("checks, discovers and reads", of_marketo)
Checks("airbyte-source-salesforce")("checks, discovers and reads", of_salesforce)
Checks("tap-marketo")("discovers and reads", of_tap)
