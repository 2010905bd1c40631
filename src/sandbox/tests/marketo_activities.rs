use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::SandboxHarness;
use super::marketo::error_code;

impl SandboxHarness {
    /// A paging token, fit for a query.
    async fn get_paging_token(&self, instant: &str) -> String {
        let body = self.get_marketo(&format!("/rest/v1/activities/pagingtoken.json?sinceDatetime={instant}")).await;
        url::form_urlencoded::byte_serialize(body["nextPageToken"].as_str().expect("a token").as_bytes()).collect()
    }

    /// Every page of activities, one after the other.
    async fn read_activities(&self, query: &str, since: &str) -> Vec<Value> {
        let (mut found, mut token) = (Vec::new(), self.get_paging_token(since).await);
        loop {
            let page = self.get_marketo(&format!("/rest/v1/activities.json?{query}&nextPageToken={token}")).await;
            let list = page["result"].as_array().unwrap_or_else(|| panic!("{page}"));
            found.extend(list.iter().cloned());
            token = url::form_urlencoded::byte_serialize(page["nextPageToken"].as_str().expect("a token").as_bytes()).collect();
            if page["moreResult"] == false {
                return found;
            }
        }
    }
}

#[tokio::test]
async fn activities_report_new_and_changed_people() {
    let sandbox = SandboxHarness::start_small().await;
    sandbox.clock.advance(time::Duration::minutes(5));
    sandbox.control("/people/1005", json!({"title": "Chief of Everything", "lastName": "Changed"})).await;
    sandbox.control("/people", json!({"email": "brand.new@example.com"})).await;
    let created = sandbox.read_activities("activityTypeIds=12", "2024-01-01T00:00:00Z").await;
    assert_eq!(created.len(), 1_001);
    assert!(created.iter().all(|activity| activity["activityTypeId"] == 12 && activity.get("primaryAttributeValue").is_none()));
    // Smaller pages than the changes of one person tell each change once.
    let changed = sandbox.read_activities("activityTypeIds=13&batchSize=1", "2026-03-02T00:00:00Z").await;
    let mut names: Vec<&str> = changed.iter().filter_map(|activity| activity["primaryAttributeValue"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Job Title", "Last Name"]);
    assert!(changed.iter().all(|activity| activity["leadId"] == 1005));
    assert_ne!(changed[0]["marketoGUID"], changed[1]["marketoGUID"]);
    let attribute = |activity: &Value, name: &str| {
        let attributes = activity["attributes"].as_array().expect("attributes").clone();
        attributes.into_iter().find(|attribute| attribute["name"] == name).map(|attribute| attribute["value"].clone())
    };
    let title = changed.iter().find(|activity| activity["primaryAttributeValue"] == "Job Title").expect("the title changed");
    assert_eq!(attribute(title, "New Value"), Some(json!("Chief of Everything")));
    let both = sandbox.read_activities("activityTypeIds=12,13", "2026-03-02T00:00:00Z").await;
    assert_eq!(both.len(), 3, "what was created before isn't told");
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn a_static_list_narrows_activities_to_its_members() {
    let sandbox = SandboxHarness::start_small().await;
    let id = sandbox.control("/marketo/lists", json!({"name": "Newsletter", "members": [1001, 1005]})).await["id"].clone();
    let created = sandbox.read_activities(&format!("activityTypeIds=12&listId={id}"), "2024-01-01T00:00:00Z").await;
    assert_eq!(created.iter().map(|activity| activity["leadId"].clone()).collect::<Vec<_>>(), [1001, 1005]);
    let lists = sandbox.get_marketo("/rest/v1/lists.json?name=Newsletter").await;
    assert_eq!(lists["result"][0]["id"], id);
    let members = sandbox.get_marketo(&format!("/rest/v1/list/{id}/leads.json?batchSize=1&fields=email")).await;
    assert_eq!((members["result"][0]["id"].as_u64(), members["nextPageToken"].is_string()), (Some(1001), true));
    let since = sandbox.get_paging_token("2026-01-01T00:00:00Z").await;
    let with_list = |id: Value| format!("/rest/v1/activities.json?activityTypeIds=12&listId={id}&nextPageToken={since}");
    assert_eq!(error_code(&sandbox.get_marketo(&with_list(json!(7))).await), "1013");
    let large: Vec<u64> = (1..=10_000).collect();
    let large = sandbox.control("/marketo/lists", json!({"name": "Everybody", "members": large})).await["id"].clone();
    assert_eq!(error_code(&sandbox.get_marketo(&with_list(large)).await), "1003");
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn usage_and_errors_are_counted_by_day() {
    let sandbox = SandboxHarness::start_small().await;
    sandbox.get_marketo("/rest/v1/leads/describe.json").await;
    sandbox.get_marketo("/rest/v1/shoes.json").await;
    // No permission is needed for the statistics.
    sandbox.control("/marketo", json!({"read_leads": false})).await;
    let today = sandbox.get_marketo("/rest/v1/stats/usage.json").await["result"].clone();
    assert_eq!(today, json!([{"date": "2026-03-02", "total": 2, "users": [{"userId": "msi-actions-api@example.com", "count": 2}]}]));
    let errors = sandbox.get_marketo("/rest/v1/stats/errors.json").await["result"].clone();
    assert_eq!(errors, json!([{"date": "2026-03-02", "total": 1, "errors": [{"errorCode": "610", "count": 1}]}]));
    sandbox.clock.advance(time::Duration::days(1));
    let week = sandbox.get_marketo("/rest/v1/stats/usage/last7days.json").await["result"].clone();
    let totals: Vec<_> = week.as_array().expect("days").iter().map(|day| (day["date"].clone(), day["total"].clone())).collect();
    assert_eq!(totals.len(), 7);
    assert_eq!(totals[..2], [(json!("2026-03-03"), json!(1)), (json!("2026-03-02"), json!(3))]);
    assert_eq!(sandbox.get_marketo("/rest/v1/stats/errors/last7days.json").await["result"][1]["errors"][0]["errorCode"], "610");
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn dot_segments_in_an_address_are_resolved() {
    let sandbox = SandboxHarness::start_small().await;
    let token = sandbox.get_marketo_token().await;
    // An HTTP client would resolve them itself.
    let address = sandbox.sandbox.marketo_url();
    let mut connection = TcpStream::connect(address.trim_start_matches("http://")).await.expect("it listens");
    let request = format!(
        "GET /rest/../bulk/v1/leads/export.json?batchSize=1 HTTP/1.1\r\nHost: marketo\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.expect("it answers");
    assert!(answer.contains("\"success\":true") && answer.contains("\"result\":[]"), "{answer}");
    assert!(answer.contains("\r\nContent-Type: application/json\r\n"), "headers are written as the vendors do: {answer}");
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn activities_are_exported_as_a_file() {
    let sandbox = SandboxHarness::start_small().await;
    sandbox.clock.advance(time::Duration::minutes(5));
    sandbox.control("/people/1005", json!({"title": "Chief, of \"Everything\""})).await;
    sandbox.clock.advance(time::Duration::minutes(5));
    let create = "/bulk/v1/activities/export/create.json";
    let window = json!({"startAt": "2026-02-20T00:00:00+00:00", "endAt": "2026-03-02T12:30:00+00:00"});
    // Some clients name no fields.
    let made = sandbox.post_marketo(create, json!({"fields": [], "filter": {"createdAt": window, "activityTypeIds": [12, 13]}})).await;
    let id = made["result"][0]["exportId"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    let of_leads = sandbox.get_marketo(&format!("/bulk/v1/leads/export/{id}/status.json")).await;
    assert_eq!(error_code(&of_leads), "1013", "an export of activities is none of leads");
    sandbox.post_marketo(&format!("/bulk/v1/activities/export/{id}/enqueue.json"), json!({})).await;
    let status = sandbox.get_marketo(&format!("/bulk/v1/activities/export/{id}/status.json")).await["result"][0].clone();
    assert_eq!(status["status"], "Completed", "{status}");
    let token = sandbox.get_marketo_token().await;
    let file = sandbox.get(&format!("/bulk/v1/activities/export/{id}/file.json")).bearer_auth(token).send().await.expect("an answer");
    let file = file.bytes().await.expect("a file");
    let mut rows = csv::Reader::from_reader(file.as_ref());
    let headers = rows.headers().expect("a header").clone();
    assert_eq!(&headers[7], "attributes");
    let rows: Vec<csv::StringRecord> = rows.records().collect::<Result<_, _>>().expect("well formed rows");
    assert_eq!(status["numberOfRecords"], rows.len());
    let change = rows.iter().find(|row| &row[3] == "13").expect("the change");
    assert_eq!((&change[1], &change[4], &change[6]), ("1005", "null", "Job Title"));
    let attributes: Value = serde_json::from_str(&change[7]).expect("JSON");
    assert_eq!(attributes["New Value"], "Chief, of \"Everything\"");
    assert!(rows.iter().filter(|row| &row[3] == "12").count() > 10);
    for (filter, wanted) in [
        (json!({"activityTypeIds": [12]}), "1002"),
        (json!({"createdAt": window, "activityTypeIds": [37]}), "1003"),
        (json!({"createdAt": window, "updatedAt": window}), "1003"),
    ] {
        assert_eq!(error_code(&sandbox.post_marketo(create, json!({ "filter": filter })).await), wanted, "{filter}");
    }
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn missing_assets_are_answered_with_empty_results() {
    let sandbox = SandboxHarness::start_small().await;
    assert_eq!(sandbox.get_marketo("/rest/v1/campaigns.json").await["result"], json!([]));
    assert_eq!(sandbox.get_marketo("/rest/v1/lists.json").await["result"], json!([]));
    let programs = sandbox.get_marketo("/rest/asset/v1/programs.json?maxReturn=200").await;
    assert_eq!((&programs["success"], &programs["warnings"]), (&json!(true), &json!(["No assets found for the given search criteria."])));
    sandbox.sandbox.stop().await;
}
