"""contract_instance.py URL CLIENT.json: makes an instance to fuzz, as the API client in the file, whose answer `client create` gave.

What the operations need to find is there afterwards: an instance with an invitation and an import.
Prints the variables that schemathesis_hooks.py reads, as shell assignments. Needs nothing but Python.
"""

import json
import os
import shlex
import sys
import urllib.error
import urllib.parse
import urllib.request


def call(request):
    """The JSON answer, or the end of the program with the problem document."""
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{request.get_method()} {request.full_url}: {error.code} {error.read().decode(errors='replace')}")


def main():
    url, client_file = sys.argv[1:]
    with open(client_file, encoding="utf-8") as file:
        client = json.load(file)

    def token(**more):
        form = {"grant_type": "client_credentials", "client_id": client["client_id"], "client_secret": client["client_secret"], **more}
        return call(urllib.request.Request(f"{url}/oauth/token", urllib.parse.urlencode(form).encode()))["access_token"]

    def post(access, path, body, media="application/json"):
        return call(urllib.request.Request(url + path, body.encode(), {"Authorization": f"Bearer {access}", "Content-Type": media}))

    instance = post(token(), "/v1/instances", os.environ["CONTRACT_INSTANCE_REQUEST"])
    resource = f"urn:msi-actions:instance:{instance['id']}"
    access = token(resource=resource)
    post(access, "/v1/invites/first", json.dumps({"email": "maria.admin@example.com"}))
    emails = [f"guest{number}@example.com" for number in range(60)]
    invites = post(access, "/v1/invites", json.dumps({"emails": emails}))["results"]
    imported = post(access, "/v1/invite-imports", "Email\nann@example.com\nnowhere\n", "text/csv")
    team = post(access, "/v1/teams", json.dumps({"name": "Sellers"}))
    known = {
        "instance_id": instance["id"],
        "invite_id": invites[0]["invite"]["id"],
        "import_id": imported["id"],
        "team_id": team["id"],
    }
    variables = {"URL": url, "ID": client["client_id"], "SECRET": client["client_secret"], "RESOURCE": resource, "KNOWN": json.dumps(known)}
    for name, value in variables.items():
        print(f"CONTRACT_{name}={shlex.quote(value)}")


main()
