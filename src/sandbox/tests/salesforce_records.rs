use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::salesforce::DATA;
use super::{SandboxHarness, read_json};

impl SandboxHarness {
    async fn send_request(&self, token: &str, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.client.request(method, self.address(&format!("{DATA}{path}"))).bearer_auth(token);
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.send().await.expect("an answer");
        let (status, text) = (answer.status(), answer.text().await.expect("a body"));
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") })
    }

    async fn read_resource(&self, token: &str, path: &str) -> Value {
        self.send_request(token, Method::GET, path, Value::Null).await.1
    }
}

#[tokio::test]
async fn a_task_is_created_read_changed_and_deleted() {
    let sandbox = SandboxHarness::start_small().await;
    let token = sandbox.get_access_token().await;
    let contact = sandbox.run_query(&token, "SELECT Id, AccountId FROM Contact LIMIT 1").await["records"][0].clone();
    let task = json!({"Subject": "Call", "WhoId": contact["Id"], "ActivityDate": "2026-03-04", "External_Key__c": "k1"});
    let (status, made) = sandbox.send_request(&token, Method::POST, "/sobjects/Task", task).await;
    assert_eq!((status, &made["success"]), (StatusCode::CREATED, &json!(true)), "{made}");
    let path = format!("/sobjects/Task/{}", made["id"].as_str().expect("an id"));
    let read = sandbox.read_resource(&token, &path).await;
    assert_eq!((&read["Status"], &read["Priority"], &read["IsClosed"]), (&json!("Not Started"), &json!("Normal"), &json!(false)), "{read}");
    assert_eq!((&read["ActivityDate"], &read["AccountId"]), (&json!("2026-03-04"), &contact["AccountId"]));
    let (status, _) = sandbox.send_request(&token, Method::PATCH, &path, json!({"Status": "Completed"})).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let found =
        sandbox.run_query(&token, "SELECT Id, Who.Name, Who.Type FROM Task WHERE IsClosed = true AND ActivityDate > 2026-03-01").await;
    assert_eq!((&found["totalSize"], &found["records"][0]["Who"]["Type"]), (&json!(1), &json!("Contact")), "{found}");
    let only = sandbox.read_resource(&token, &format!("{path}?fields=Subject")).await;
    assert_eq!(
        only.as_object().map(|members| members.keys().cloned().collect::<Vec<_>>()),
        Some(vec!["Subject".into(), "attributes".into()])
    );
    assert_eq!(sandbox.send_request(&token, Method::DELETE, &path, Value::Null).await.0, StatusCode::NO_CONTENT);
    let (status, gone) = sandbox.send_request(&token, Method::GET, &path, Value::Null).await;
    assert_eq!((status, &gone[0]["errorCode"]), (StatusCode::NOT_FOUND, &json!("ENTITY_IS_DELETED")));
    assert_eq!(sandbox.run_query(&token, "SELECT COUNT() FROM Task").await["totalSize"], 0);
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn an_invalid_record_is_refused_with_its_code() {
    let sandbox = SandboxHarness::start_small().await;
    let token = sandbox.get_access_token().await;
    sandbox.send_request(&token, Method::POST, "/sobjects/Task", json!({"External_Key__c": "k1"})).await;
    for (object, record, code) in [
        ("Opportunity", json!({"Name": "Big"}), "REQUIRED_FIELD_MISSING"),
        ("Task", json!({"Shoe": 1}), "INVALID_FIELD"),
        ("Task", json!({"IsClosed": true}), "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("Task", json!({"Subject": "x".repeat(256)}), "STRING_TOO_LONG"),
        ("Task", json!({"WhoId": "nobody"}), "MALFORMED_ID"),
        ("Task", json!({"WhoId": "0035g00000000000AA"}), "INVALID_CROSS_REFERENCE_KEY"),
        ("Task", json!({"ActivityDate": "soon"}), "JSON_PARSER_ERROR"),
        ("Task", json!({"External_Key__c": "k1"}), "DUPLICATE_VALUE"),
        ("Lead", json!({"LastName": "New", "Company": "X"}), "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"),
    ] {
        let (status, refused) = sandbox.send_request(&token, Method::POST, &format!("/sobjects/{object}"), record.clone()).await;
        assert_eq!((status, &refused[0]["errorCode"]), (StatusCode::BAD_REQUEST, &json!(code)), "{record} {refused}");
    }
    assert_eq!(sandbox.run_query(&token, "SELECT COUNT() FROM Task").await["totalSize"], 1);
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn an_upsert_creates_a_record_once() {
    let sandbox = SandboxHarness::start_small().await;
    let token = sandbox.get_access_token().await;
    let path = "/sobjects/Opportunity/External_Key__c/deal%201";
    let deal = json!({"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-06-30", "Amount": 1000});
    let (status, made) = sandbox.send_request(&token, Method::PATCH, path, deal).await;
    assert_eq!((status, &made["created"]), (StatusCode::CREATED, &json!(true)), "{made}");
    let (status, changed) = sandbox.send_request(&token, Method::PATCH, path, json!({"StageName": "Closed Won"})).await;
    assert_eq!((status, &changed["created"], &changed["id"]), (StatusCode::OK, &json!(false), &made["id"]));
    let read = sandbox.read_resource(&token, &format!("/sobjects/Opportunity/{}", made["id"].as_str().expect("an id"))).await;
    assert_eq!((&read["IsWon"], &read["Amount"], &read["External_Key__c"]), (&json!(true), &json!(1000.0), &json!("deal 1")));
    assert_eq!(sandbox.read_resource(&token, &format!("{path}?fields=Id")).await["Id"], made["id"]);
    assert_eq!(sandbox.send_request(&token, Method::DELETE, path, Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(sandbox.send_request(&token, Method::GET, path, Value::Null).await.0, StatusCode::NOT_FOUND);
    let (status, _) = sandbox.send_request(&token, Method::PATCH, "/sobjects/Task/Subject/x", json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "a subject is no external id");
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn people_are_retrieved_by_id() {
    let sandbox = SandboxHarness::start_small().await;
    let token = sandbox.get_access_token().await;
    let lead = sandbox
        .run_query(&token, "SELECT Id, LastName, IsConverted, ConvertedOpportunityId FROM Lead WHERE IsConverted = true LIMIT 1")
        .await;
    let lead = &lead["records"][0];
    let id = lead["Id"].as_str().expect("an id");
    let read = sandbox.read_resource(&token, &format!("/sobjects/Lead/{}", &id[..15])).await;
    assert_eq!((&read["Id"], &read["LastName"], &read["attributes"]["type"]), (&lead["Id"], &lead["LastName"], &json!("Lead")));
    let (status, refused) = sandbox.send_request(&token, Method::GET, &format!("/sobjects/Contact/{id}"), Value::Null).await;
    assert_eq!((status, &refused[0]["errorCode"]), (StatusCode::NOT_FOUND, &json!("NOT_FOUND")));
    let (_, refused) = sandbox.send_request(&token, Method::GET, &format!("/sobjects/Lead/{id}?fields=Shoe"), Value::Null).await;
    assert_eq!(refused[0]["errorCode"], "INVALID_FIELD");
    let opportunities = sandbox.run_query(&token, "SELECT Id, Account.Name, Owner.Name FROM Opportunity LIMIT 1").await;
    assert!(opportunities["records"][0]["Account"]["Name"].is_string(), "a converted lead left an opportunity: {opportunities}");
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn describe_covers_tasks_and_opportunities() {
    let sandbox = SandboxHarness::start_small().await;
    let token = sandbox.get_access_token().await;
    let global = sandbox.read_resource(&token, "/sobjects").await;
    let writable: Vec<&str> = global["sobjects"]
        .as_array()
        .expect("objects")
        .iter()
        .filter(|object| object["createable"] == true)
        .filter_map(|object| object["name"].as_str())
        .collect();
    assert_eq!(writable, ["Task", "Opportunity"]);
    let task = sandbox.read_resource(&token, "/sobjects/Task/describe").await;
    let field = |name: &str| task["fields"].as_array().expect("fields").iter().find(|field| field["name"] == name).expect("there").clone();
    assert_eq!((&field("WhoId")["referenceTo"], &field("ActivityDate")["type"]), (&json!(["Contact", "Lead"]), &json!("date")));
    assert_eq!((&field("External_Key__c")["externalId"], &field("Description")["filterable"]), (&json!(true), &json!(false)));
    let resources = sandbox.read_resource(&token, "").await;
    let identity = resources["identity"].as_str().expect("an address");
    assert!(identity.starts_with(&sandbox.sandbox.salesforce_url()), "{identity}");
    assert_eq!(sandbox.read_resource(&token, "/sobjects/Task").await["objectDescribe"]["keyPrefix"], "00T");
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn a_collection_is_written_whole_or_in_parts() {
    let sandbox = SandboxHarness::start_small().await;
    let token = sandbox.get_access_token().await;
    let task = |subject: &str| json!({"attributes": {"type": "Task"}, "Subject": subject});
    let mixed = json!([task("one"), {"attributes": {"type": "Opportunity"}, "Name": "incomplete"}]);
    let (status, results) =
        sandbox.send_request(&token, Method::POST, "/composite/sobjects", json!({"allOrNone": true, "records": mixed})).await;
    assert_eq!(
        (status, &results[0]["errors"][0]["statusCode"]),
        (StatusCode::OK, &json!("ALL_OR_NONE_OPERATION_ROLLED_BACK")),
        "{results}"
    );
    assert_eq!(results[1]["errors"][0]["fields"], json!(["StageName", "CloseDate"]));
    assert_eq!(sandbox.run_query(&token, "SELECT COUNT() FROM Task").await["totalSize"], 0);
    let (_, results) = sandbox.send_request(&token, Method::POST, "/composite/sobjects", json!({"records": mixed})).await;
    assert_eq!((&results[0]["success"], &results[1]["success"]), (&json!(true), &json!(false)));
    let id = results[0]["id"].as_str().expect("an id");
    let change = json!({"records": [{"attributes": {"type": "Task"}, "id": id, "Status": "Completed"}]});
    assert_eq!(sandbox.send_request(&token, Method::PATCH, "/composite/sobjects", change).await.1[0]["success"], true);
    let read = sandbox
        .send_request(&token, Method::POST, "/composite/sobjects/Task", json!({"ids": [id, "00T000000000000AAA"], "fields": ["Status"]}))
        .await
        .1;
    assert_eq!((&read[0]["Status"], &read[1]), (&json!("Completed"), &Value::Null));
    let gone = sandbox.send_request(&token, Method::DELETE, &format!("/composite/sobjects?ids={id}"), Value::Null).await.1;
    assert_eq!(gone[0]["success"], true);
    let many = json!({"records": vec![task("x"); 201]});
    assert_eq!(sandbox.send_request(&token, Method::POST, "/composite/sobjects", many).await.0, StatusCode::BAD_REQUEST);
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn a_composite_request_uses_earlier_answers() {
    let sandbox = SandboxHarness::start_small().await;
    let token = sandbox.get_access_token().await;
    let deal = json!({"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-06-30"});
    let asked = |stage: Value, all_or_none: bool| {
        let mut deal = deal.clone();
        deal["StageName"] = stage;
        json!({"allOrNone": all_or_none, "compositeRequest": [
            {"method": "GET", "url": format!("{DATA}/query?q=SELECT+Id+FROM+Contact+LIMIT+1"), "referenceId": "found"},
            {"method": "POST", "url": format!("{DATA}/sobjects/Task"), "referenceId": "task", "body": {"WhoId": "@{found.records[0].Id}"}},
            {"method": "POST", "url": format!("{DATA}/sobjects/Opportunity"), "referenceId": "deal", "body": deal},
            {"method": "GET", "url": format!("{DATA}/sobjects/Opportunity/@{{deal.id}}?fields=Name"), "referenceId": "again"},
        ]})
    };
    let (status, answer) = sandbox.send_request(&token, Method::POST, "/composite", asked(json!("Prospecting"), true)).await;
    let parts = answer["compositeResponse"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
    assert_eq!(status, StatusCode::OK);
    assert_eq!(parts.iter().map(|part| part["httpStatusCode"].clone()).collect::<Vec<_>>(), [200, 201, 201, 200], "{parts:?}");
    assert_eq!((&parts[3]["body"]["Name"], &parts[3]["referenceId"]), (&json!("Deal"), &json!("again")));
    assert!(parts[2]["httpHeaders"]["Location"].as_str().is_some_and(|location| location.contains("/sobjects/Opportunity/006")));

    // Without the deal nothing that needs it is done, and with allOrNone nothing at all.
    let (_, parted) = sandbox.send_request(&token, Method::POST, "/composite", asked(Value::Null, false)).await;
    let codes: Vec<_> = parted["compositeResponse"].as_array().expect("parts").iter().map(|part| part["httpStatusCode"].clone()).collect();
    assert_eq!(codes, [200, 201, 400, 400]);
    assert_eq!(parted["compositeResponse"][3]["body"][0]["errorCode"], "PROCESSING_HALTED");
    let before = sandbox.run_query(&token, "SELECT COUNT() FROM Task").await["totalSize"].clone();
    let (_, none) = sandbox.send_request(&token, Method::POST, "/composite", asked(Value::Null, true)).await;
    assert!(none["compositeResponse"].as_array().expect("parts").iter().all(|part| part["httpStatusCode"] == 400), "{none}");
    assert_eq!((&before, &sandbox.run_query(&token, "SELECT COUNT() FROM Task").await["totalSize"]), (&json!(2), &json!(2)));
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn queries_group_and_aggregate() {
    let sandbox = SandboxHarness::start_small().await;
    let token = sandbox.get_access_token().await;
    let all = sandbox.run_query(&token, "SELECT COUNT() FROM Lead").await["totalSize"].as_u64().expect("a number");
    let groups =
        sandbox.run_query(&token, "SELECT LeadSource, COUNT(Id) total FROM Lead GROUP BY LeadSource ORDER BY COUNT(Id) DESC").await;
    let records = groups["records"].as_array().unwrap_or_else(|| panic!("{groups}"));
    let totals: Vec<u64> = records.iter().filter_map(|record| record["total"].as_u64()).collect();
    assert_eq!((totals.len(), totals.iter().sum::<u64>()), (records.len(), all));
    assert!(records.len() > 2 && totals.is_sorted_by(|left, right| left >= right));
    assert_eq!((&records[0]["attributes"], &groups["totalSize"]), (&json!({"type": "AggregateResult"}), &json!(records.len())));
    let most = totals[0];
    let few =
        sandbox.run_query(&token, &format!("SELECT LeadSource FROM Lead GROUP BY LeadSource HAVING COUNT(Id) >= {most} LIMIT 5")).await;
    assert_eq!(few["records"][0]["LeadSource"], records[0]["LeadSource"]);
    let one =
        sandbox.run_query(&token, "SELECT COUNT(Id), MIN(CreatedDate), MAX(CreatedDate) newest, COUNT_DISTINCT(OwnerId) FROM Lead").await;
    let one = &one["records"][0];
    assert_eq!(one["expr0"].as_u64(), Some(all));
    assert!(one["expr1"].as_str() < one["newest"].as_str() && one["expr2"].as_u64().is_some_and(|owners| owners > 1), "{one}");
    for amount in [10, 30] {
        let deal = json!({"Name": "Deal", "StageName": "Closed Won", "CloseDate": "2026-06-30", "Amount": amount});
        sandbox.send_request(&token, Method::POST, "/sobjects/Opportunity", deal).await;
    }
    let sums = sandbox.run_query(&token, "SELECT SUM(Amount) sum, AVG(Amount) mean FROM Opportunity WHERE StageName = 'Closed Won'").await;
    assert_eq!((&sums["records"][0]["sum"], &sums["records"][0]["mean"]), (&json!(40.0), &json!(20.0)), "{sums}");
    for query in [
        "SELECT Name, COUNT(Id) FROM Lead GROUP BY LeadSource",
        "SELECT SUM(LastName) FROM Lead",
        "SELECT LastName name FROM Lead",
        "SELECT Id FROM Lead ORDER BY COUNT(Id)",
    ] {
        assert_eq!(sandbox.run_query(&token, query).await[0]["errorCode"], "MALFORMED_QUERY", "{query}");
    }
    for query in ["SELECT LeadSource, COUNT(Id) FROM Lead GROUP BY LeadSource", "SELECT MAX(CreatedDate) FROM Lead"] {
        let (status, refused) =
            sandbox.send_request(&token, Method::POST, "/jobs/query", json!({"operation": "query", "query": query})).await;
        assert_eq!((status, &refused[0]["errorCode"]), (StatusCode::BAD_REQUEST, &json!("FUNCTIONALITY_NOT_ENABLED")), "{query}");
    }
    sandbox.sandbox.stop().await;
}

#[tokio::test]
async fn the_client_credentials_flow_runs_as_the_chosen_user() {
    let sandbox = SandboxHarness::start_small().await;
    let form = [("grant_type", "client_credentials")];
    let (status, refused) = sandbox.request_tokens(&form).await;
    assert_eq!((status, &refused["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
    sandbox.control("/salesforce", json!({"client_credentials_user": "tom.ops@example.com"})).await;
    let (status, granted) = sandbox.request_tokens(&form).await;
    assert_eq!((status, granted.get("refresh_token")), (StatusCode::OK, None), "{granted}");
    let token = granted["access_token"].as_str().expect("a token");
    let (_, user) = read_json(sandbox.get("/services/oauth2/userinfo").bearer_auth(token)).await;
    assert_eq!(user["preferred_username"], "tom.ops@example.com");
    let basic =
        sandbox.post("/services/oauth2/token").basic_auth("sandbox-salesforce-consumer-key", Some("sandbox-salesforce-consumer-secret"));
    assert_eq!(read_json(basic.form(&form)).await.0, StatusCode::OK);
    sandbox.control("/salesforce", json!({"client_credentials_user": ""})).await;
    assert_eq!(sandbox.request_tokens(&form).await.0, StatusCode::BAD_REQUEST);
    sandbox.sandbox.stop().await;
}
