//! Reading synced people.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Engine, TestApp, on_both_engines};

async fn synced(engine: Engine) -> (TestApp, String) {
    let app = TestApp::start_guided(engine, 30).await;
    let token = app.guided_instance().await;
    app.connect_both(&token).await;
    for (first, last, email, kind) in [
        ("Zoë", "Quast", "zoe@test.example", "contact"),
        ("Zora", "100%_Real", "zora@test.example", "lead"),
        ("Al", "Zoechling", "AL@Test.example", "contact"),
    ] {
        let person =
            json!({ "firstName": first, "lastName": last, "email": email, "salesforce": kind, "ownerId": app.a_salesforce_user().await });
        app.tell_sandbox("people", person).await;
    }
    app.sync(&token).await;
    (app, token)
}

async fn find(app: &TestApp, token: &str, query: &[(&str, &str)]) -> Vec<Value> {
    let query = serde_urlencoded::to_string(query).unwrap();
    let found = app.call(token, Method::GET, &format!("/v1/people?{query}"), None).await.expect(200);
    found["data"].as_array().unwrap().clone()
}

async fn first_names(app: &TestApp, token: &str, query: &[(&str, &str)]) -> Vec<String> {
    find(app, token, query).await.iter().map(|person| person["first_name"].as_str().unwrap().to_owned()).collect()
}

on_both_engines! {
    async fn a_salesforce_id_finds_its_person_in_either_form_and_any_case(engine: Engine) {
        let (app, token) = synced(engine).await;
        for (email, id) in [("zoe@test.example", "salesforce_contact_id"), ("zora@test.example", "salesforce_lead_id")] {
            let person = find(&app, &token, &[("email", email)]).await.remove(0);
            let long = person[id].as_str().unwrap().to_owned();
            assert_eq!(long.len(), 18);
            for form in [long.clone(), long[..15].to_owned(), long.to_lowercase()] {
                assert_eq!(find(&app, &token, &[("salesforce_id", &form)]).await, std::slice::from_ref(&person), "{form}");
            }
        }
        app.stop().await;
    }

    async fn an_email_address_is_found_without_regard_to_case(engine: Engine) {
        let (app, token) = synced(engine).await;
        assert_eq!(first_names(&app, &token, &[("email", "al@TEST.example")]).await, ["Al"]);
        assert_eq!(first_names(&app, &token, &[("email", "al@test.exampl")]).await, [""; 0]);
        app.stop().await;
    }

    async fn a_name_is_found_by_its_begin_and_signs_of_a_pattern_mean_themselves(engine: Engine) {
        let (app, token) = synced(engine).await;
        assert_eq!(first_names(&app, &token, &[("name_prefix", "zo"), ("email", "zora@test.example")]).await, ["Zora"]);
        assert_eq!(first_names(&app, &token, &[("name_prefix", "zoech")]).await, ["Al"]);
        assert_eq!(first_names(&app, &token, &[("name_prefix", "al zoe")]).await, ["Al"]);
        assert_eq!(first_names(&app, &token, &[("name_prefix", "100%_r")]).await, ["Zora"]);
        assert_eq!(first_names(&app, &token, &[("name_prefix", "100__")]).await, [""; 0]);
        app.stop().await;
    }

    async fn values_that_can_not_be_looked_for_are_named(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (_, token) = app.instance("111-AAA-111").await;
        let path = "/v1/people?salesforce_id=0031U00000V0tk-&email=&name_prefix=a%00";
        let problem = app.call(&token, Method::GET, path, None).await.problem(422, "invalid_input");
        let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|one| one["pointer"].as_str().unwrap()).collect();
        assert_eq!(pointers, ["#query/salesforce_id", "#query/email", "#query/name_prefix"]);
        let nothing = app.call(&token, Method::GET, "/v1/people?salesforce_id=0031U00000V0tkDBAR", None).await.expect(200);
        assert_eq!(nothing["data"], serde_json::json!([]), "an id whose last three characters don't fit the others is nobody's");
        app.call(&token, Method::GET, "/v1/people?limit=0", None).await.problem(422, "invalid_input");
        app.call(&token, Method::GET, "/v1/people?cursor=nonsense", None).await.problem(422, "invalid_input");
        app.call(&token, Method::GET, "/v1/people?nonsense=1", None).await.problem(422, "invalid_input");
        app.stop().await;
    }

    async fn nobody_sees_the_people_of_another_instance(engine: Engine) {
        let (app, token) = synced(engine).await;
        let people = app.people(&token).await;
        let (_, other) = app.instance("321-CBA-654").await;
        assert!(app.people(&other).await.is_empty());
        let path = format!("/v1/people/{}", people[0]["marketo_id"]);
        assert_eq!(app.call(&token, Method::GET, &path, None).await.expect(200), people[0]);
        app.call(&other, Method::GET, &path, None).await.problem(404, "not_found");
        app.call(&token, Method::GET, "/v1/people/no-number", None).await.problem(404, "not_found");
        app.stop().await;
    }

    async fn pages_follow_each_other_without_gap_or_repetition(engine: Engine) {
        let (app, token) = synced(engine).await;
        let all = app.people(&token).await;
        let mut paged = Vec::new();
        let mut path = "/v1/people?limit=7".to_owned();
        loop {
            let page = app.call(&token, Method::GET, &path, None).await.expect(200);
            paged.extend(page["data"].as_array().unwrap().clone());
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/people?limit=7&cursor={cursor}");
        }
        assert_eq!(paged, all);
        app.stop().await;
    }
}
