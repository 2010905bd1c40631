"""Python runs this first: requests for the vendors' hosts go to the simulated ones of SANDBOX_SALESFORCE_URL and SANDBOX_MARKETO_URL.

Scheme, host and port of the addresses that `requests` is given are replaced; nothing else of a client is changed, except that with
SANDBOX_LONGEST_PAUSE nobody sleeps for longer than so many seconds between two polls.
"""

import os
import time
from urllib.parse import urlsplit

import requests

SALESFORCE = urlsplit(os.environ["SANDBOX_SALESFORCE_URL"])
MARKETO = urlsplit(os.environ["SANDBOX_MARKETO_URL"])

prepare_url = requests.PreparedRequest.prepare_url


def of_the_sandbox(url):
    parts = urlsplit(url)
    host = parts.hostname or ""
    # Clients take the host of an instance's address and put https:// in front of it.
    if host.endswith(".salesforce.com") or parts.netloc == SALESFORCE.netloc:
        return parts._replace(scheme=SALESFORCE.scheme, netloc=SALESFORCE.netloc).geturl()
    if host.endswith(".mktorest.com"):
        return parts._replace(scheme=MARKETO.scheme, netloc=MARKETO.netloc).geturl()
    return url


def prepare(self, url, params):
    prepare_url(self, of_the_sandbox(url if isinstance(url, str) else url.decode()), params)


requests.PreparedRequest.prepare_url = prepare

if "SANDBOX_LONGEST_PAUSE" in os.environ:
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(seconds, float(os.environ["SANDBOX_LONGEST_PAUSE"])))
