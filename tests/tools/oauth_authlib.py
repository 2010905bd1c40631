"""oauth_authlib.py URL CLIENT: uses the authorization server at URL as the client that the file CLIENT names (`client create` printed it),
with authlib and joserfc. Prints a line for each check; stops at the first that fails."""

import json
import sys
import traceback

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc8414 import get_well_known_url
from joserfc import jwt
from joserfc.errors import InvalidClaimError
from joserfc.jwk import KeySet

url, file = sys.argv[1:]
with open(file, encoding="utf-8") as opened:
    client = json.load(opened)


def check(name, run):
    try:
        result = run()
    except Exception:
        traceback.print_exc(file=sys.stdout)
        print(f"check failed: authlib, {name}")
        sys.exit(1)
    print(f"check passed: authlib, {name}")
    return result


def require(fine, what):
    if not fine:
        raise AssertionError(what)


def discover():
    metadata = requests.get(get_well_known_url(url, external=True, suffix="oauth-authorization-server"), timeout=10).json()
    require(metadata["issuer"] == url, metadata)
    require("client_credentials" in metadata["grant_types_supported"], metadata)
    return metadata


def verify(metadata, token):
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())
    decoded = jwt.decode(token, keys, algorithms=["ES256"])
    require(decoded.header["typ"] == "at+jwt", decoded.header)
    demands = {"iss": {"essential": True, "value": url}, "exp": {"essential": True}, "jti": {"essential": True}}
    jwt.JWTClaimsRegistry(aud={"essential": True, "value": "urn:msi-actions:api"}, **demands).validate(decoded.claims)
    require(decoded.claims["client_id"] == client["client_id"], decoded.claims)
    try:
        jwt.JWTClaimsRegistry(aud={"essential": True, "value": "urn:another"}).validate(decoded.claims)
    except InvalidClaimError:
        return
    raise AssertionError("another audience was taken")


def call(token):
    return requests.get(f"{url}/v1/instances", headers={"Authorization": f"Bearer {token}"}, timeout=10)


def introspected(session, metadata, token):
    answer = session.introspect_token(metadata["introspection_endpoint"], token=token, token_type_hint="access_token")
    require(answer.status_code == 200, answer.text)
    return answer.json()


def is_active(seen):
    require(seen["active"] is True and seen["client_id"] == client["client_id"] and seen["scope"] == "instances:manage", seen)


def is_refused(session, metadata, token):
    seen = introspected(session, metadata, token)
    require(seen == {"active": False}, seen)
    answer = call(token)
    require(answer.status_code == 401 and "invalid_token" in answer.headers["www-authenticate"], answer.text)


def wrong_secret(metadata):
    session = OAuth2Session(client["client_id"], "wrong")
    try:
        session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    except OAuthError as error:
        require(error.error == "invalid_client", error)
        return
    raise AssertionError("a token was given")


metadata = check("discovers the metadata", discover)
for way in ("client_secret_basic", "client_secret_post"):
    session = OAuth2Session(
        client["client_id"],
        client["client_secret"],
        token_endpoint_auth_method=way,
        revocation_endpoint_auth_method=way,
        scope="instances:manage",
    )
    endpoint = metadata["token_endpoint"]
    token = check(f"{way}: gets a token", lambda: session.fetch_token(endpoint, grant_type="client_credentials")["access_token"])
    check(f"{way}: verifies it offline", lambda: verify(metadata, token))
    check(f"{way}: the API takes it", lambda: require(call(token).status_code == 200, "it does not"))
    check(f"{way}: introspects it", lambda: is_active(introspected(session, metadata, token)))
    revoke = metadata["revocation_endpoint"]
    check(f"{way}: revokes it", lambda: require(session.revoke_token(revoke, token=token).status_code == 200, "it does not"))
    check(f"{way}: sees it refused", lambda: is_refused(session, metadata, token))
check("a wrong secret is refused", lambda: wrong_secret(metadata))
