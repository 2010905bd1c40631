//! Looking up many Salesforce ids at once.

use reqwest::Method;
use serde_json::{Value, json};

use crate::people::{add, synced};
use crate::support::{TestApp, on_both_engines};

async fn look_up(app: &TestApp, token: &str, ids: &[String]) -> Vec<Value> {
    let found = app.call(token, Method::POST, "/v1/people/lookup", Some(json!({ "salesforce_ids": ids }))).await.expect(200);
    found["data"].as_array().unwrap().clone()
}

on_both_engines! {
    async fn ids_are_answered_in_order_in_any_form(engine: Engine) {
        let (app, token) = synced(engine).await;
        let people = app.people(&token).await;
        let id_of = |name: &str| {
            let person = people.iter().find(|person| person[name].is_string()).unwrap();
            (person[name].as_str().unwrap().to_owned(), person.clone())
        };
        let ((contact, c), (lead, l)) = (id_of("salesforce_contact_id"), id_of("salesforce_lead_id"));
        let asked = [
            lead[..15].to_owned(), "003000000000001AAA".to_owned(), contact.clone(), "nonsense".to_owned(),
            contact.to_lowercase(), format!("{}9AA", &contact[..15]), String::new(), lead.clone(),
        ];
        let results = look_up(&app, &token, &asked).await;
        assert_eq!(results.iter().map(|one| one["salesforce_id"].as_str().unwrap()).collect::<Vec<_>>(), asked);
        let outcomes: Vec<_> = results.iter().map(|one| one["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["found", "not_found", "found", "invalid", "found", "invalid", "invalid", "found"]);
        let found: Vec<_> = results.iter().filter_map(|one| one.get("person")).collect();
        assert_eq!(found, [&l, &c, &c, &l]);
        let faults: Vec<_> = results.iter().filter_map(|one| one["error_code"].as_str()).collect();
        assert_eq!(faults, ["not_a_salesforce_id", "salesforce_id_mistyped", "not_a_salesforce_id"]);
        assert!(results[3]["error_detail"].as_str().is_some_and(|detail| detail.contains("15 or 18")));
        app.stop().await;
    }

    async fn a_lookup_takes_one_to_two_hundred_ids(engine: Engine) {
        let (app, token) = synced(engine).await;
        add(&app, &vec![("Many", "People"); 190]).await;
        let ids: Vec<_> = (9_000_001..=9_000_200).rev().map(|id| format!("003{id:012}AAA")).collect();
        for some in [1, 2, 20, 21, 200] {
            let results = look_up(&app, &token, &ids[200 - some..]).await;
            let found: Vec<_> = results.iter().map(|one| one["person"]["marketo_id"].as_i64()).collect();
            let wanted: Vec<_> = (1..=some).rev().map(|n| (n <= 190).then(|| 9_000_000 + i64::try_from(n).unwrap())).collect();
            assert_eq!(found, wanted, "{some}");
        }
        let refused = async |body: Value| app.call(&token, Method::POST, "/v1/people/lookup", Some(body)).await.problem(422, "invalid_input");
        let too_many: Vec<_> = ids.iter().chain(&ids[..1]).collect();
        assert_eq!(refused(json!({ "salesforce_ids": too_many })).await["errors"][0]["pointer"], "/salesforce_ids");
        assert_eq!(refused(json!({ "salesforce_ids": [] })).await["errors"][0]["code"], "length");
        assert_eq!(refused(json!({ "salesforce_ids": ["003", 3] })).await["errors"][0]["pointer"], "/salesforce_ids/1");
        app.stop().await;
    }

    async fn of_people_with_the_same_record_the_lowest_marketo_id_is_shown(engine: Engine) {
        let (app, token) = synced(engine).await;
        add(&app, &[("One", "Twin"), ("Other", "Twin")]).await;
        app.sql("UPDATE people SET salesforce_contact_id = '003000009000002AAA' WHERE marketo_id = 9000001").await;
        let results = look_up(&app, &token, &["003000009000002AAA".to_owned()]).await;
        assert_eq!(results[0]["person"]["marketo_id"], 9_000_001);
        let both = app.call(&token, Method::GET, "/v1/people?salesforce_id=003000009000002AAA", None).await.expect(200);
        assert_eq!(both["data"].as_array().unwrap().len(), 2);
        app.stop().await;
    }

    async fn a_lookup_does_not_find_people_of_another_instance(engine: Engine) {
        let (app, token) = synced(engine).await;
        add(&app, &[("Mine", "Alone")]).await;
        let (_, other) = app.instance("321-CBA-654").await;
        let id = ["003000009000001AAA".to_owned()];
        assert_eq!(look_up(&app, &token, &id).await[0]["outcome"], "found");
        assert_eq!(look_up(&app, &other, &id).await[0]["outcome"], "not_found");
        app.stop().await;
    }
}
