"""scim_tester.py URL CLIENT: makes an instance at URL as the client that the file CLIENT names (`client create` printed it), a token for a
directory in it, and has scim2-tester try SCIM as that directory. Prints a line for each check, and the tester's own count."""

import collections
import json
import sys

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

url, file = sys.argv[1:]
with open(file, encoding="utf-8") as opened:
    client = json.load(opened)


def token(**more):
    form = {"grant_type": "client_credentials", "client_id": client["client_id"], "client_secret": client["client_secret"], **more}
    return httpx2.post(f"{url}/oauth/token", data=form, timeout=30).raise_for_status().json()["access_token"]


def post(access, path, body):
    answer = httpx2.post(url + path, json=body, headers={"Authorization": f"Bearer {access}"}, timeout=30)
    if answer.is_error:
        sys.exit(f"POST {path}: {answer.status_code} {answer.text}")
    return answer.json()


met = {"msi_actions_enabled": True, "salesforce_sync_configured": True}
marketo = {"client_id": "sandbox-marketo-client", "client_secret": "sandbox-marketo-secret"}
new = {"munchkin_id": "123-ABC-456", "name": "SCIM", "environment": "sandbox", "prerequisites": met, "marketo": marketo}
instance = post(token(), "/v1/instances", new)
access = token(resource=f"urn:msi-actions:instance:{instance['id']}")
post(access, "/v1/invites/first", {"email": "maria.admin@example.com"})
directory = post(access, "/v1/instance/scim-tokens", {"name": "scim2-tester"})

headers = {"Authorization": f"Bearer {directory['bearer_token']}"}
with httpx2.Client(base_url=directory["base_url"], headers=headers, timeout=30) as http:
    results = check_server(SyncSCIMClient(http))

counts = collections.Counter(result.status.name for result in results)
for result in results:
    about = " ".join(filter(None, [result.resource_type, result.title, result.reason]))
    if result.status in (Status.ERROR, Status.CRITICAL, Status.DEVIATION):
        print(f"check failed: scim2-tester, {about}: {result.data}")
    elif result.status is not Status.SKIPPED:
        print(f"check passed: scim2-tester, {about}")
    else:
        print(f"skipped: {about}")
print("scim2-tester counted:", ", ".join(f"{count} {name.lower()}" for name, count in sorted(counts.items())))
# Both kinds of resource, created, changed and removed, or it has not tried much.
tried = {(result.resource_type, result.title) for result in results if result.status is Status.SUCCESS}
for kind in ("User", "Group"):
    for title in ("object_creation", "object_replacement", "check_replace_attribute", "object_deletion"):
        if (kind, title) not in tried:
            print(f"check failed: scim2-tester did not get to {title} of {kind}")
            counts["ERROR"] += 1
sys.exit(1 if counts["ERROR"] or counts["CRITICAL"] or counts["DEVIATION"] else 0)
