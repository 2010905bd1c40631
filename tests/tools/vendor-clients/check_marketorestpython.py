"""marketorestpython reads people, activities, statistics and an export of the simulated Marketo."""

import csv
import io

from checks import Checks, require
from marketorestpython.client import MarketoClient

check = Checks("marketorestpython")
marketo = MarketoClient("123-ABC-456", "sandbox-marketo-client", "sandbox-marketo-secret", max_retry_time=5)
WINDOW = {"startAt": "2000-01-01T00:00:00Z", "endAt": "2000-01-31T00:00:00Z"}


def describes():
    names = {field["rest"]["name"] for field in marketo.execute(method="describe") if "rest" in field}
    require({"id", "email", "sfdcLeadId"} <= names, names)


def finds():
    one = marketo.execute(method="get_lead_by_id", id=1001)[0]
    found = marketo.execute(method="get_multiple_leads_by_filter_type", filterType="id", filterValues=["1001", "1002"], fields=["id", "email"])
    require(one["id"] == 1001 and [person["id"] for person in found] == [1001, 1002], found)


def activities():
    created = marketo.execute(method="get_lead_activities", activityTypeIds=["12", "13"], sinceDatetime="2000-01-01")
    require(len(created) == 300 and all(activity["activityTypeId"] == 12 for activity in created), len(created))
    changes = marketo.execute(method="get_lead_changes", fields=["title"], sinceDatetime="2000-01-01")
    require(len(changes) == 300, len(changes))
    return created


def exports(created):
    day = max(activity["activityDate"] for activity in created)[:10]
    window = {"startAt": f"{day}T00:00:00Z", "endAt": f"{day}T23:59:59Z"}
    for kind, fields, filters in [("leads", ["id", "email"], {"createdAt": window}), ("activities", None, {"createdAt": window, "activityTypeIds": [12]})]:
        job = marketo.execute(method=f"create_{kind}_export_job", fields=fields, filters=filters)[0]["exportId"]
        marketo.execute(method=f"enqueue_{kind}_export_job", job_id=job)
        status = marketo.execute(method=f"get_{kind}_export_job_status", job_id=job)[0]
        require(status["status"] == "Completed", status)
        file = marketo.execute(method=f"get_{kind}_export_job_file", job_id=job)
        rows = list(csv.DictReader(io.StringIO(file.decode())))
        require(len(rows) == status["numberOfRecords"] > 0, status)


def statistics():
    usage = marketo.execute(method="get_daily_usage")[0]
    require(usage["total"] > 5 and usage["users"][0]["count"] == usage["total"], usage)
    require(len(marketo.execute(method="get_last_7_days_usage")) == 7, "seven days")
    require(marketo.execute(method="get_daily_errors")[0]["total"] >= 0, "errors")


check("describes people", describes)
check("finds people", finds)
made = check("reads activities and changes", activities)
check("exports people and activities", lambda: exports(made))
check("reads usage and errors", statistics)
