"""What a fuzzer can't make up: tokens, ids of what exists, links from mails, logins at Salesforce. contract.sh names this file.

Every second well-formed case of an operation gets them, so that both sides are seen: what is there and what is not.
"""

import collections
import json
import os
import re
import urllib.parse
import uuid
from pathlib import Path

import requests
import schemathesis

URL = os.environ["CONTRACT_URL"]
CLIENT = {"client_id": os.environ["CONTRACT_ID"], "client_secret": os.environ["CONTRACT_SECRET"]}
RESOURCE = os.environ["CONTRACT_RESOURCE"]
# Names of path parameters, and an id of the kind that exists.
KNOWN = json.loads(os.environ["CONTRACT_KNOWN"])
MAILS = Path(os.environ["CONTRACT_MAILS"])
# A member who logs in by password, for what only a person can do; by the start of the path.
OWNER = json.loads(os.environ["CONTRACT_OWNER"])
SESSION = {"cookie": os.environ["CONTRACT_SESSION"]}
MEMBER_PATHS = ("/v1/members/me",)
# Invited people, for what changes or removes a member.
GUESTS = json.loads(os.environ["CONTRACT_GUESTS"])
# A user of the sandbox's Salesforce.
USER = {"username": "maria.admin@example.com", "password": "sandbox"}

# Paths at the vendors that answer to every method, for the operations that pass calls on.
PASSED_ON = {"/v1/salesforce/{path}": "services/apexrest/headers", "/v1/marketo/{path}": "rest/v1/leads/describe.json"}

# Operations for the operator's token, which is not narrowed to an instance; by the start of their path.
OPERATOR_PATHS = ("/v1/instances", "/v1/mail/", "/metrics")


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


@schemathesis.auth(refresh_interval=None).apply_to(is_for_member)
class Session:
    def get(self, case, context):
        return session()

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
    headers = {"Authorization": f"Bearer {new_token(RESOURCE)}", **more.pop("headers", {})}
    return requests.request(method, URL + path, headers=headers, timeout=30, **more)


def set_up(login_management="all_login_methods"):
    """Undoes what a fuzzed change of the instance may have done."""
    met = {"msi_actions_enabled": True, "salesforce_sync_configured": True}
    call("PATCH", "/v1/instance", json={"prerequisites": met, "login_management": login_management}).raise_for_status()


def log_in():
    """The cookie of another session of the owner's."""
    answer = requests.post(f"{URL}/v1/sessions", json=OWNER, timeout=30)
    answer.raise_for_status()
    return answer.cookies["msi_session"]


def as_owner(method, path, cookie):
    headers = {"Cookie": f"msi_session={cookie}", "X-Requested-With": "contract"}
    return requests.request(method, URL + path, headers=headers, timeout=30)


def session():
    """The owner's session; another one when a fuzzed call has ended it, as setting Salesforce Only does."""
    if as_owner("GET", "/v1/members/me", SESSION["cookie"]).status_code != 200:
        set_up()
        SESSION["cookie"] = log_in()
    return SESSION["cookie"]


def another_session():
    """The id of a session of the owner's that nothing else uses."""
    session()
    listed = as_owner("GET", "/v1/members/me/sessions", log_in()).json()["data"]
    return next(one["id"] for one in listed if one["is_current"])


def reset_link():
    """The secret of a link for a new password; what is there when no other can be had for now."""
    requests.post(f"{URL}/v1/password-resets", json={"email": OWNER["email"]}, timeout=30)
    tokens = [token for mail in sorted(MAILS.glob("*.eml")) for token in re.findall(r"/reset-password/([\w-]+)\s", mail.read_text())]
    return tokens[-1] if tokens else "none-yet"


def begin():
    """Begins to connect Salesforce; gives the address to open in a browser."""
    begun = call("POST", "/v1/connections/salesforce", json={})
    begun.raise_for_status()
    return begun.json()["authorization_url"]


def come_back(authorization_url, cookie=None):
    """Logs in at Salesforce, in a browser with the member's session when there is one; gives the query of the address that Salesforce sends the person to, and the browser's cookies."""
    browser = requests.Session()
    if cookie:
        browser.cookies.set("msi_session", cookie)
    address = urllib.parse.urlsplit(browser.get(authorization_url, timeout=30).url)
    login = f"{address.scheme}://{address.netloc}/login"
    form = dict(urllib.parse.parse_qsl(address.query)) | USER
    answer = browser.post(login, data=form, allow_redirects=False, timeout=30)
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["Location"]).query))
    return query, "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)


def complete(authorization_url, cookie=None):
    """Goes to Salesforce and back."""
    query, cookies = come_back(authorization_url, cookie)
    requests.get(f"{URL}/oauth/salesforce/callback", params=query, headers={"Cookie": cookies}, timeout=30).raise_for_status()


def prepare_own_connection(method, path):
    """Connects the member's own Salesforce user, or where that is what is fuzzed, disconnects it."""
    own = MEMBER_PATHS[0] + "/salesforce-connection"

    def as_member(method):
        headers = {"Cookie": f"msi_session={session()}", "X-Requested-With": "contract"}
        return requests.request(method, URL + own, headers=headers, json={} if method == "POST" else None, timeout=30)

    there = as_member("GET").status_code == 200
    if (method, path) == ("POST", own):
        as_member("DELETE")
    elif not there:
        begun = as_member("POST")
        begun.raise_for_status()
        complete(begun.json()["authorization_url"], session())


def connect(vendor):
    if call("GET", f"/v1/connections/{vendor}").status_code == 404:
        if vendor == "marketo":
            call("POST", "/v1/connections/marketo", json={}).raise_for_status()
        else:
            complete(begin())


def disconnect(vendor):
    call("DELETE", f"/v1/connections/{vendor}")


def run_under_way():
    """The id of a run that has yet to end."""
    connect("salesforce")
    connect("marketo")
    answer = call("POST", "/v1/sync/runs")
    return answer.json()["id"] if answer.status_code == 202 else answer.json()["link"].rsplit("/", 1)[-1]


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


def leave_an_import():
    """Leaves one import that waits to be confirmed, for fuzzing confirms and discards them; an instance can have so many waiting."""
    for old in call("GET", "/v1/invite-imports?limit=500").json()["data"]:
        if old["state"] == "analyzed":
            call("DELETE", f"/v1/invite-imports/{old['id']}")
    made = call("POST", "/v1/invite-imports", data="Email\nann@example.com\nnowhere\n", headers={"Content-Type": "text/csv"})
    made.raise_for_status()
    KNOWN["import_id"] = made.json()["id"]


def tidy_directory_tokens():
    """Leaves one token of a directory, for an instance can have so many."""
    for old in call("GET", "/v1/instance/scim-tokens").json()["data"]:
        call("DELETE", f"/v1/instance/scim-tokens/{old['id']}")
    made = call("POST", "/v1/instance/scim-tokens", json={"name": "Directory"})
    made.raise_for_status()
    KNOWN["token_id"] = made.json()["id"]


def prepare_scim(case, method, path):
    """A user or a group that is there, and a body that says something of it, for no schema does."""
    counts["scim"] += 1
    kind = "User" if path.startswith("/scim/v2/Users") else "Group"
    if path.endswith(".search"):
        case.body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "id pr", "count": 2}
    elif method == "PATCH":
        change = {"op": "replace", "path": "displayName", "value": f"Changed {counts['scim']}"}
        case.body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [change]}
    elif method in ("POST", "PUT"):
        name = f"scim{counts['scim']}@example.com"
        named = {"userName": name, "emails": [{"value": name}]} if kind == "User" else {"displayName": name}
        case.body = {"schemas": [f"urn:ietf:params:scim:schemas:core:2.0:{kind}"], **named}
    # Attributes to show and attributes to hide exclude each other, which no schema says.
    case.query = {}
    if kind == "Group" and method == "POST":
        # An instance can have so many teams.
        for team in call("GET", "/v1/teams").json()["data"]:
            if team["id"] != KNOWN["team_id"] and not team["is_everyone"]:
                call("DELETE", f"/v1/teams/{team['id']}")


def prepare(case):
    method, path = case.operation.method.upper(), case.operation.path
    vendor = next((vendor for vendor in ("salesforce", "marketo") if path.startswith(f"/v1/connections/{vendor}")), None)
    set_up()
    if vendor and (method, path) == ("POST", f"/v1/connections/{vendor}"):
        disconnect(vendor)
    elif vendor:
        connect(vendor)
    elif path.startswith("/v1/invite-imports"):
        leave_an_import()
    elif path.startswith("/v1/instance/scim-tokens"):
        tidy_directory_tokens()
        if method == "POST":
            case.body = {"name": "Another directory"}
    elif path.startswith("/scim/v2/"):
        prepare_scim(case, method, path)
    elif path == "/oauth/salesforce/callback":
        disconnect("salesforce")
        case.query, case.headers["Cookie"] = come_back(begin())
    elif path == "/oauth/salesforce/start":
        disconnect("salesforce")
        case.query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(begin()).query))
    elif is_members(path) and path.endswith(("salesforce-connection", "/test")):
        prepare_own_connection(method, path)
    elif (method, path) == ("POST", "/v1/sessions"):
        case.body = dict(OWNER)
    elif path == "/v1/members/me/password":
        case.body = {"current_password": OWNER["password"], "password": OWNER["password"]}
    elif (method, path) == ("POST", "/reset-password/{token}"):
        case.body = {"password": OWNER["password"]}
    elif path.startswith("/v1/tokens/"):
        connect(path.split("/")[3])
    elif path == "/oauth/token":
        case.body = {"grant_type": "client_credentials", "resource": RESOURCE, **CLIENT}
    elif path in ("/oauth/revoke", "/oauth/introspect"):
        case.body = {"token": new_token(), **CLIENT}
    if path in PASSED_ON:
        connect(path.split("/")[2])
        # Slashes and all: the values here are encoded already.
        case.path_parameters["path"] = PASSED_ON[path]
    for name in case.path_parameters or {}:
        if name == "member_id" and path.startswith("/v1/members/{member_id}") and "sessions" not in path:
            # Whoever is removed is not there for the next call.
            case.path_parameters[name] = GUESTS.pop() if method == "DELETE" else GUESTS[-1]
        elif name == "user_id":
            case.path_parameters[name] = GUESTS.pop() if method == "DELETE" else GUESTS[-1]
        elif name == "group_id" and method != "DELETE":
            case.path_parameters[name] = KNOWN["team_id"]
        elif name in ("team_id", "group_id") and method == "DELETE":
            counts["teams"] += 1
            made = call("POST", "/v1/teams", json={"name": f"To be removed {counts['teams']}"}).json()
            case.path_parameters[name] = made.get("id", KNOWN["team_id"])
        elif name in KNOWN:
            case.path_parameters[name] = KNOWN[name]
        elif name == "session_id":
            case.path_parameters[name] = another_session()
        elif name == "token":
            case.path_parameters[name] = reset_link() if path.startswith("/reset-password/") else open_link()
    if method == "POST" and path.startswith("/v1/sync/runs/{run_id}/"):
        # A run that has ended can't be steered any more.
        case.path_parameters["run_id"] = run_under_way()


counts = collections.Counter()


def be_the_first_with_its_key(case):
    """A key that came with another request is refused, and a fuzzer likes some keys."""
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())


@schemathesis.hook
def before_call(_context, case, _kwargs):
    if case.meta is None or case.meta.generation.mode.value != "positive":
        return
    be_the_first_with_its_key(case)
    counts[case.operation.label] += 1
    # The fuzzer tries again what has worked before, but a link works once.
    used = "token" in (case.path_parameters or {}) and look_at_link(str(case.path_parameters["token"])) == 410
    if used or counts[case.operation.label] % 2:
        prepare(case)
