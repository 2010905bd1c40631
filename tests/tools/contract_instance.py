"""contract_instance.py URL CLIENT.json: makes an instance to fuzz, as the API client in the file, whose answer `client create` gave.

What the operations need to find is there afterwards: an instance with both connections, invitations, an admin who is logged in, an
import, a team, and a sync run that has brought people.
Prints the variables that schemathesis_hooks.py reads, as shell assignments. Needs nothing but Python.
"""

import http.cookies
import json
import os
import re
import shlex
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path


def call(request):
    """The JSON answer, or the end of the program with the problem document."""
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{request.get_method()} {request.full_url}: {error.code} {error.read().decode(errors='replace')}")


PASSWORD = "a long one for the contract"


def connect_salesforce(authorization_url):
    """Goes to Salesforce and back as a browser does, with the cookie that our address leaves."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(authorization_url, timeout=30) as page:
        parts = urllib.parse.urlsplit(page.geturl())
    login = f"{parts.scheme}://{parts.netloc}/login"
    form = dict(urllib.parse.parse_qsl(parts.query)) | {"username": "maria.admin@example.com", "password": "sandbox"}
    browser.open(login, urllib.parse.urlencode(form).encode(), timeout=30).close()


def activate_admin(request, url, access):
    """Invites an admin, who activates with a password; gives the member's id and the session's cookie."""
    request("PATCH", access, "/v1/instance", json.dumps({"login_management": "all_login_methods"}))
    body = json.dumps({"emails": ["owner@example.com"], "role": "admin"})
    member = request("POST", access, "/v1/invites", body)["data"][0]["invite"]["member_id"]
    mails = Path(os.environ["CONTRACT_MAILS"])
    link = None
    while link is None:
        time.sleep(0.1)
        sent = (mail.read_text() for mail in mails.glob("*.eml"))
        link = next((re.search(re.escape(url) + r"/activate/[\w-]+", text) for text in sent if "owner@example.com" in text), None)
    chosen = json.dumps({"method": "password", "password": PASSWORD}).encode()
    with urllib.request.urlopen(urllib.request.Request(link[0], chosen, {"Content-Type": "application/json"}), timeout=30) as answer:
        cookie = http.cookies.SimpleCookie(answer.headers["Set-Cookie"])["msi_session"].value
    # Left so: Salesforce Only would end the session.
    return member, cookie


def main():
    url, client_file = sys.argv[1:]
    with open(client_file, encoding="utf-8") as file:
        client = json.load(file)

    def token(**more):
        form = {"grant_type": "client_credentials", "client_id": client["client_id"], "client_secret": client["client_secret"], **more}
        return call(urllib.request.Request(f"{url}/oauth/token", urllib.parse.urlencode(form).encode()))["access_token"]

    def request(method, access, path, body, media="application/json"):
        headers = {"Authorization": f"Bearer {access}", "Content-Type": media}
        return call(urllib.request.Request(url + path, body.encode(), headers, method=method))

    def post(access, path, body, media="application/json"):
        return request("POST", access, path, body, media)

    def get(access, path):
        return call(urllib.request.Request(url + path, headers={"Authorization": f"Bearer {access}"}))

    instance = post(token(), "/v1/instances", os.environ["CONTRACT_INSTANCE_REQUEST"])
    resource = f"urn:msi-actions:instance:{instance['id']}"
    access = token(resource=resource)
    post(access, "/v1/invites/first", json.dumps({"email": "maria.admin@example.com"}))
    emails = [f"guest{number}@example.com" for number in range(60)]
    invites = post(access, "/v1/invites", json.dumps({"emails": emails}))["data"]
    imported = post(access, "/v1/invite-imports", "Email\nann@example.com\nnowhere\n", "text/csv")
    member, session = activate_admin(request, url, access)
    team = post(access, "/v1/teams", json.dumps({"name": "Sellers"}))
    connect_salesforce(post(access, "/v1/connections/salesforce", "{}")["authorization_url"])
    post(access, "/v1/connections/marketo", "{}")
    run = post(access, "/v1/sync/runs", "{}")
    while run["state"] not in ("completed", "failed"):
        time.sleep(0.2)
        run = get(access, f"/v1/sync/runs/{run['id']}")
    # A refusal that comes with status 200, which the diagnostics keep a moment later.
    get(access, "/v1/marketo/rest/v1/nowhere.json")
    while not (diagnostics := get(access, "/v1/diagnostics")["data"]):
        time.sleep(0.2)
    people = get(access, "/v1/people?limit=1")["data"]
    if not people:
        sys.exit(f"the sync brought nobody: {run}")
    known = {
        "instance_id": instance["id"],
        "invite_id": invites[0]["invite"]["id"],
        "member_id": member,
        "import_id": imported["id"],
        "team_id": team["id"],
        # What SCIM publishes of itself.
        "name": "User",
        "uri": "urn:ietf:params:scim:schemas:core:2.0:User",
        "run_id": run["id"],
        "diagnostic_id": diagnostics[0]["id"],
        "marketo_id": people[0]["marketo_id"],
    }
    guests = [invite["invite"]["member_id"] for invite in invites[1:]]
    variables = {"GUESTS": json.dumps(guests), "OWNER": json.dumps({"email": "owner@example.com", "password": PASSWORD}), "URL": url, "ID": client["client_id"], "SECRET": client["client_secret"], "RESOURCE": resource, "SESSION": session, "KNOWN": json.dumps(known)}
    for name, value in variables.items():
        print(f"CONTRACT_{name}={shlex.quote(value)}")


main()
