"""contract_instance.py URL CLIENT.json: creates an instance as the API client in the file, whose answer `client create` gave.

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

    instance = call(
        urllib.request.Request(
            f"{url}/v1/instances",
            os.environ["CONTRACT_INSTANCE_REQUEST"].encode(),
            {"Authorization": f"Bearer {token()}", "Content-Type": "application/json"},
        )
    )
    resource = f"urn:msi-actions:instance:{instance['id']}"
    # Fails here, with the reason, rather than in the middle of the fuzzing.
    token(resource=resource)
    for name, value in (("URL", url), ("ID", client["client_id"]), ("SECRET", client["client_secret"]), ("RESOURCE", resource)):
        print(f"CONTRACT_{name}={shlex.quote(value)}")


main()
