"""simple-salesforce logs in to the simulated Salesforce, queries, reads in bulk and writes."""

import csv
import io
import os

import requests
from checks import Checks, require
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound

check = Checks("simple-salesforce")
VERSION = "66.0"


def session():
    """A session, as a login to the user interface opens one."""
    answer = requests.post(f"{os.environ['SANDBOX_URL']}/__sandbox/salesforce/sessions", json={"username": "maria.admin@example.com"}, timeout=10)
    answer.raise_for_status()
    return answer.json()


def by_client_credentials():
    control = f"{os.environ['SANDBOX_URL']}/__sandbox/salesforce"
    requests.post(control, json={"client_credentials_user": "maria.admin@example.com"}, timeout=10).raise_for_status()
    app = {"consumer_key": "sandbox-salesforce-consumer-key", "consumer_secret": "sandbox-salesforce-consumer-secret"}
    client = Salesforce(domain="acme.my", version=VERSION, **app)
    require(client.query("SELECT COUNT() FROM Lead")["totalSize"] > 0, "there are leads")


check("logs in by client credentials", by_client_credentials)
opened = session()
salesforce = Salesforce(session_id=opened["access_token"], instance_url=opened["instance_url"], version=VERSION)


def queries():
    counted = salesforce.query("SELECT COUNT() FROM Contact")["totalSize"]
    found = salesforce.query_all("SELECT Id, LastName, Account.Name FROM Contact ORDER BY Id")
    require(len(found["records"]) == counted == found["totalSize"], found["totalSize"])
    require(found["records"][0]["Account"]["Name"], found["records"][0])
    return counted


def pages():
    headers = {"Sforce-Query-Options": "batchSize=200"}
    found = list(salesforce.query_all_iter("SELECT Id FROM Lead", headers={**salesforce.headers, **headers}))
    require(len(found) == salesforce.query("SELECT COUNT() FROM Lead")["totalSize"], len(found))


def aggregates():
    groups = salesforce.query("SELECT LeadSource, COUNT(Id) total FROM Lead GROUP BY LeadSource")
    total = salesforce.query("SELECT COUNT() FROM Lead")["totalSize"]
    require(sum(group["total"] for group in groups["records"]) == total, groups)


def bulk(counted):
    texts = list(salesforce.bulk2.Contact.query("SELECT Id, LastName FROM Contact", max_records=50, wait=0.05))
    rows = [row for text in texts for row in csv.DictReader(io.StringIO(text))]
    require(len(texts) > 1 and len(rows) == counted, (len(texts), len(rows)))
    require(all(row["Id"].startswith("003") for row in rows), rows[0])


def writes():
    task = salesforce.Task.create({"Subject": "Call", "ActivityDate": "2030-01-02"})
    require(task["success"], task)
    require(salesforce.Task.get(task["id"])["Status"] == "Not Started", "a default")
    require(salesforce.Task.update(task["id"], {"Status": "Completed"}) == 204, "changed")
    require(salesforce.Task.delete(task["id"]) == 204, "deleted")
    deal = {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2030-01-02"}
    require(salesforce.Opportunity.upsert("External_Key__c/deal-1", deal) == 201, "made")
    require(salesforce.Opportunity.upsert("External_Key__c/deal-1", {"Amount": 7}) == 200, "changed")
    require(salesforce.Opportunity.get_by_custom_id("External_Key__c", "deal-1")["Amount"] == 7, "found again")


def refusals():
    for error, run in [
        (SalesforceMalformedRequest, lambda: salesforce.query("SELECT Nope FROM Lead")),
        (SalesforceMalformedRequest, lambda: salesforce.Opportunity.create({"Name": "incomplete"})),
        (SalesforceResourceNotFound, lambda: salesforce.Task.get("00T000000000000AAA")),
    ]:
        try:
            run()
        except error:
            continue
        raise AssertionError(f"{error.__name__} was expected")


def describes():
    names = {one["name"] for one in salesforce.describe()["sobjects"]}
    require({"Lead", "Contact", "Task", "Opportunity"} <= names, names)
    require(any(field["name"] == "WhoId" for field in salesforce.Task.describe()["fields"]), "Task.WhoId")
    require(salesforce.Lead.metadata()["objectDescribe"]["name"] == "Lead", "basic information")
    require(salesforce.limits()["DailyApiRequests"]["Remaining"] > 0, "limits")


contacts = check("queries", queries)
check("reads a query page by page", pages)
check("groups", aggregates)
check("reads in bulk (2.0), page by page", lambda: bulk(contacts))
check("describes", describes)
check("writes tasks and opportunities", writes)
check("understands refusals", refusals)
