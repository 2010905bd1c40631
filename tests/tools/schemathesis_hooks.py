"""Tokens for the fuzzed calls, fetched as any caller would and again when they have expired. contract.sh names this file."""

import os

import requests
import schemathesis

# Operations for the operator's token, which is not narrowed to an instance; by the start of their path.
OPERATOR_PATHS = ("/v1/instances",)


def takes_a_token(context):
    """Whether the document asks for one: a public operation is called without, and the token endpoint takes other credentials."""
    return any("oauth2" in requirement for requirement in context.operation.definition.raw.get("security", []))


def is_for_operator(case, _context):
    return case.operation.path.startswith(OPERATOR_PATHS)


@schemathesis.auth(refresh_interval=240, cache_by_key=is_for_operator).apply_to(takes_a_token)
class Token:
    def get(self, case, context):
        form = {
            "grant_type": "client_credentials",
            "client_id": os.environ["CONTRACT_ID"],
            "client_secret": os.environ["CONTRACT_SECRET"],
        }
        if not is_for_operator(case, context):
            form["resource"] = os.environ["CONTRACT_RESOURCE"]
        answer = requests.post(f"{os.environ['CONTRACT_URL']}/oauth/token", data=form, timeout=30)
        answer.raise_for_status()
        return answer.json()["access_token"]

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"
