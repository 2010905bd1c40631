"""What a fuzzer can't make up: tokens, ids of what exists, links from mails, logins at Salesforce. contract.sh names this file.

Every second well-formed case of an operation gets them, so that both sides are seen: what is there and what is not.
"""

import collections
import json
import os
import re
import urllib.parse
from pathlib import Path

import requests
import schemathesis

URL = os.environ["CONTRACT_URL"]
CLIENT = {"client_id": os.environ["CONTRACT_ID"], "client_secret": os.environ["CONTRACT_SECRET"]}
RESOURCE = os.environ["CONTRACT_RESOURCE"]
# Names of path parameters, and an id of the kind that exists.
KNOWN = json.loads(os.environ["CONTRACT_KNOWN"])
MAILS = Path(os.environ["CONTRACT_MAILS"])
# The session of a member, for what only a person can do; by the start of the path.
SESSION = os.environ["CONTRACT_SESSION"]
MEMBER_PATHS = ("/v1/members/me/",)
# A user of the sandbox's Salesforce.
USER = {"username": "maria.admin@example.com", "password": "sandbox"}

# Operations for the operator's token, which is not narrowed to an instance; by the start of their path.
OPERATOR_PATHS = ("/v1/instances",)


def takes_a_token(context):
    """Whether the document asks for one: a public operation is called without, and the token endpoint takes other credentials."""
    return not is_for_member(context) and any("oauth2" in requirement for requirement in context.operation.definition.raw.get("security", []))


def is_for_operator(case, _context):
    return case.operation.path.startswith(OPERATOR_PATHS)


def is_members(path):
    return path.startswith(MEMBER_PATHS)


def is_for_member(context):
    return is_members(context.operation.path)


def new_token(resource=None):
    form = {"grant_type": "client_credentials", **CLIENT, **({"resource": resource} if resource else {})}
    answer = requests.post(f"{URL}/oauth/token", data=form, timeout=30)
    answer.raise_for_status()
    return answer.json()["access_token"]


@schemathesis.auth().apply_to(is_for_member)
class Session:
    def get(self, case, context):
        return SESSION

    def set(self, case, data, context):
        # The header is what other sites can't make a browser send.
        case.cookies["msi_session"] = data
        case.headers["X-Requested-With"] = "contract"


@schemathesis.auth(refresh_interval=240, cache_by_key=is_for_operator).apply_to(takes_a_token)
class Token:
    def get(self, case, context):
        return new_token(None if is_for_operator(case, context) else RESOURCE)

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


def call(method, path, **more):
    """An answer to a call of our own, for the instance."""
    return requests.request(method, URL + path, headers={"Authorization": f"Bearer {new_token(RESOURCE)}"}, timeout=30, **more)


def set_up(login_management="salesforce_only"):
    """Undoes what a fuzzed change of the instance may have done."""
    met = {"msi_actions_enabled": True, "salesforce_sync_configured": True}
    call("PATCH", "/v1/instance", json={"prerequisites": met, "login_management": login_management}).raise_for_status()


def begin():
    """Begins to connect Salesforce; gives the address to open in a browser."""
    begun = call("POST", "/v1/connections/salesforce", json={})
    begun.raise_for_status()
    return begun.json()["authorization_url"]


def come_back(authorization_url):
    """Logs in at Salesforce; gives the query of the address that Salesforce sends the person to, and the browser's cookies."""
    browser = requests.Session()
    address = urllib.parse.urlsplit(browser.get(authorization_url, timeout=30).url)
    login = f"{address.scheme}://{address.netloc}{address.path.split('/services/')[0]}/login"
    form = dict(urllib.parse.parse_qsl(address.query)) | USER
    answer = browser.post(login, data=form, allow_redirects=False, timeout=30)
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["Location"]).query))
    return query, "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)


def complete(authorization_url):
    """Goes to Salesforce and back."""
    query, cookies = come_back(authorization_url)
    requests.get(f"{URL}/oauth/salesforce/callback", params=query, headers={"Cookie": cookies}, timeout=30).raise_for_status()


def prepare_own_connection(method, path):
    """Connects the member's own Salesforce user, or where that is what is fuzzed, disconnects it."""
    own = MEMBER_PATHS[0] + "salesforce-connection"

    def as_member(method):
        headers = {"Cookie": f"msi_session={SESSION}", "X-Requested-With": "contract"}
        return requests.request(method, URL + own, headers=headers, json={} if method == "POST" else None, timeout=30)

    there = as_member("GET").status_code == 200
    if (method, path) == ("POST", own):
        as_member("DELETE")
    elif not there:
        begun = as_member("POST")
        begun.raise_for_status()
        complete(begun.json()["authorization_url"])


def connect(vendor):
    if call("GET", f"/v1/connections/{vendor}").status_code == 404:
        if vendor == "marketo":
            call("POST", "/v1/connections/marketo", json={}).raise_for_status()
        else:
            complete(begin())


def disconnect(vendor):
    call("DELETE", f"/v1/connections/{vendor}")


def look_at_link(token):
    """The status of the page behind an activation link."""
    return requests.get(f"{URL}/activate/{urllib.parse.quote(token)}", headers={"Accept": "application/json"}, timeout=30).status_code


def open_link():
    """The secret of an activation link that was mailed and not used yet."""
    for mail in sorted(MAILS.glob("*.eml")):
        for token in re.findall(r"/activate/([\w-]+)\s", mail.read_text()):
            if look_at_link(token) == 200:
                return token
    raise RuntimeError("every link has been used; let contract_instance.py invite more people")


def prepare(case):
    method, path = case.operation.method.upper(), case.operation.path
    vendor = next((vendor for vendor in ("salesforce", "marketo") if path.startswith(f"/v1/connections/{vendor}")), None)
    set_up("all_login_methods" if path.startswith("/activate/") else "salesforce_only")
    if vendor and (method, path) == ("POST", f"/v1/connections/{vendor}"):
        disconnect(vendor)
    elif vendor:
        connect(vendor)
    elif path == "/oauth/salesforce/callback":
        disconnect("salesforce")
        case.query, case.headers["Cookie"] = come_back(begin())
    elif path == "/oauth/salesforce/start":
        disconnect("salesforce")
        case.query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(begin()).query))
    elif is_members(path):
        prepare_own_connection(method, path)
    elif path.startswith("/v1/tokens/"):
        connect(path.split("/")[3])
    elif path == "/oauth/token" and isinstance(case.body, dict):
        case.body = {name: value for name, value in case.body.items() if name != "resource"} | CLIENT | {"resource": RESOURCE}
    for name in case.path_parameters or {}:
        if name in KNOWN:
            case.path_parameters[name] = KNOWN[name]
        elif name == "token":
            case.path_parameters[name] = open_link()


counts = collections.Counter()


@schemathesis.hook
def before_call(_context, case, _kwargs):
    if case.meta is None or case.meta.generation.mode.value != "positive":
        return
    counts[case.operation.label] += 1
    # The fuzzer tries again what has worked before, but a link works once.
    used = "token" in (case.path_parameters or {}) and look_at_link(str(case.path_parameters["token"])) == 410
    if used or counts[case.operation.label] % 2:
        prepare(case)
