//! Reading synced people.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Engine, MUNCHKIN_ID, TestApp, on_both_engines};

pub(crate) async fn synced(engine: Engine) -> (TestApp, String) {
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

/// Puts people straight into the table: Marketo ids from 9 000 001, first and last names as given.
pub(crate) async fn add(app: &TestApp, names: &[(&str, &str)]) {
    let text = |name: &str| if name.is_empty() { "NULL".to_owned() } else { format!("'{}'", name.replace('\'', "''")) };
    let rows: Vec<_> = names
        .iter()
        .zip(9_000_001..)
        .map(|((first, last), id)| {
            format!(
                "((SELECT id FROM instances WHERE munchkin_id = '{MUNCHKIN_ID}'), {id}, {}, {}, 'p{id}@added.example', '003{id:012}AAA', \
             '005000000000001AAA', (SELECT id FROM sync_runs LIMIT 1), '2026-06-15T12:00:00.000000Z')",
                text(first),
                text(last)
            )
        })
        .collect();
    app.sql(&format!(
        "INSERT INTO people (instance_id, marketo_id, first_name, last_name, email, salesforce_contact_id, owner_id, run_id, synced_at) VALUES {}",
        rows.join(", ")
    )).await;
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

    async fn an_email_address_is_found_in_any_case(engine: Engine) {
        let (app, token) = synced(engine).await;
        assert_eq!(first_names(&app, &token, &[("email", "al@TEST.example")]).await, ["Al"]);
        assert_eq!(first_names(&app, &token, &[("email", "al@test.exampl")]).await, [""; 0]);
        app.stop().await;
    }

    async fn a_name_prefix_matches_literally(engine: Engine) {
        let (app, token) = synced(engine).await;
        assert_eq!(first_names(&app, &token, &[("name_prefix", "zo"), ("email", "zora@test.example")]).await, ["Zora"]);
        assert_eq!(first_names(&app, &token, &[("name_prefix", "zoech")]).await, ["Al"]);
        assert_eq!(first_names(&app, &token, &[("name_prefix", "al zoe")]).await, ["Al"]);
        assert_eq!(first_names(&app, &token, &[("name_prefix", "100%_r")]).await, ["Zora"]);
        assert_eq!(first_names(&app, &token, &[("name_prefix", "100__")]).await, [""; 0]);
        app.stop().await;
    }

    async fn name_search_lists_full_name_matches_before_last_name_matches(engine: Engine) {
        let (app, token) = synced(engine).await;
        let firsts = ["Anna", "anne", "Ann", "Bob", "ANNABEL", "", "Zed"];
        let lasts = ["Anders", "anson", "Smith", "", "Ann", "O'Brien"];
        let names: Vec<_> = (0..200).map(|n| (firsts[n % 7], lasts[n % 6])).filter(|name| *name != ("", "")).collect();
        add(&app, &names).await;
        let text = |person: &Value, name: &str| person[name].as_str().unwrap_or_default().to_ascii_lowercase();
        let full = |person: &Value| {
            let first = text(person, "first_name");
            if first.is_empty() { text(person, "last_name") } else { format!("{first} {}", text(person, "last_name")) }
        };
        let all = app.people(&token).await;
        for prefix in ["ann", "Ann", "a", "anna ", "anna s", "smith", "o'b", "zzz"] {
            let small = prefix.to_ascii_lowercase();
            let sort_key = |person: &Value| {
                if full(person).starts_with(&small) { Some((0, full(person))) }
                else if text(person, "last_name").starts_with(&small) { Some((1, text(person, "last_name"))) }
                else { None }
            };
            let mut wanted: Vec<_> = all.iter().filter_map(|person| Some((sort_key(person)?, person["marketo_id"].as_i64()))).collect();
            wanted.sort();
            let wanted: Vec<_> = wanted.into_iter().map(|(_, id)| id).collect();
            let mut found = Vec::new();
            let start = format!("/v1/people?limit=7&{}", serde_urlencoded::to_string([("name_prefix", prefix)]).unwrap());
            let mut path = start.clone();
            loop {
                let page = app.call(&token, Method::GET, &path, None).await.expect(200);
                found.extend(page["data"].as_array().unwrap().iter().map(|person| person["marketo_id"].as_i64()));
                let Some(cursor) = page["next_cursor"].as_str() else { break };
                path = format!("{start}&cursor={cursor}");
            }
            assert_eq!(found, wanted, "{prefix}");
        }
        app.stop().await;
    }

    async fn a_list_by_name_keeps_its_place_when_people_come_and_go(engine: Engine) {
        let (app, token) = synced(engine).await;
        let names: Vec<_> = (0..30).map(|n| format!("Page{n:02}")).collect();
        add(&app, &names.iter().map(|name| (name.as_str(), "Turner")).collect::<Vec<_>>()).await;
        let first = app.call(&token, Method::GET, "/v1/people?name_prefix=page&limit=10", None).await.expect(200);
        app.sql("DELETE FROM people WHERE first_name IN ('Page03', 'Page09', 'Page10')").await;
        app.sql("UPDATE people SET first_name = 'Page00' WHERE first_name = 'Page29'").await;
        let path = format!("/v1/people?name_prefix=page&cursor={}", first["next_cursor"].as_str().unwrap());
        let rest = app.call(&token, Method::GET, &path, None).await.expect(200);
        let rest: Vec<_> = rest["data"].as_array().unwrap().iter().map(|person| person["first_name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(rest, names[11..29]);
        app.stop().await;
    }

    async fn a_name_longer_than_the_index_key_is_matched_in_full(engine: Engine) {
        let (app, token) = synced(engine).await;
        let long = "x".repeat(3_000);
        let other = format!("{}y", "x".repeat(100));
        add(&app, &[(&long, "Long"), (&other, "Less")]).await;
        let last_names = async |prefix: String| {
            let found = find(&app, &token, &[("name_prefix", &prefix)]).await;
            found.iter().map(|person| person["last_name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(last_names("X".repeat(80)).await, ["Long", "Less"]);
        assert_eq!(last_names("x".repeat(101)).await, ["Long"]);
        assert_eq!(last_names(format!("{other} le")).await, ["Less"]);
        app.stop().await;
    }

    async fn a_marketo_id_finds_its_person_if_the_other_filters_match(engine: Engine) {
        let (app, token) = synced(engine).await;
        let zoe = find(&app, &token, &[("email", "zoe@test.example")]).await.remove(0);
        let id = zoe["marketo_id"].to_string();
        assert_eq!(find(&app, &token, &[("marketo_id", &id)]).await, std::slice::from_ref(&zoe));
        assert_eq!(find(&app, &token, &[("marketo_id", &id), ("name_prefix", "quast")]).await, std::slice::from_ref(&zoe));
        assert!(find(&app, &token, &[("marketo_id", &id), ("name_prefix", "zora")]).await.is_empty());
        app.call(&token, Method::GET, "/v1/people?marketo_id=0", None).await.problem(422, "invalid_input");
        app.stop().await;
    }

    async fn an_unchanged_answer_is_304_until_it_changes(engine: Engine) {
        let (app, token) = synced(engine).await;
        let id = find(&app, &token, &[("email", "zoe@test.example")]).await[0]["marketo_id"].to_string();
        let get = async |path: &str, name: &str, value: &str| {
            let request = app.request(Method::GET, path).bearer_auth(&token);
            Answer::send(if name.is_empty() { request } else { request.header(name, value) }).await
        };
        for path in [format!("/v1/people/{id}"), "/v1/people?email=zoe@test.example".to_owned()] {
            let whole = get(&path, "", "").await;
            let tag = whole.headers["etag"].to_str().unwrap().to_owned();
            assert!(tag.starts_with('"'), "strong: {tag}");
            assert_eq!(whole.headers["cache-control"], "private, no-cache");
            for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
                let answer = get(&path, "if-none-match", &known).await;
                assert_eq!((answer.status.as_u16(), answer.text.as_str()), (304, ""), "{known}");
                assert_eq!(answer.headers["etag"], tag.as_str());
            }
            assert_eq!(get(&path, "if-none-match", "\"other\"").await.expect(200), whole.json());
        }
        let path = format!("/v1/people/{id}");
        let whole = get(&path, "", "").await;
        let (tag, time) = (whole.headers["etag"].to_str().unwrap(), whole.headers["last-modified"].to_str().unwrap());
        assert_eq!(get(&path, "if-modified-since", time).await.status, 304);
        assert_eq!(get(&path, "if-modified-since", "Mon, 01 Jan 2024 00:00:00 GMT").await.status, 200);
        app.clock.advance(time::Duration::minutes(1));
        app.tell_sandbox(&format!("people/{id}"), json!({ "title": "Chief" })).await;
        app.sync(&token).await;
        let changed = get(&path, "if-none-match", tag).await;
        assert_eq!(changed.expect(200)["title"], "Chief");
        assert_ne!(changed.headers["etag"], tag);
        assert_eq!(get(&path, "if-modified-since", time).await.status, 200);
        app.stop().await;
    }

    async fn every_invalid_filter_is_named(engine: Engine) {
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

    async fn people_of_another_instance_are_invisible(engine: Engine) {
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

    async fn pages_hold_everybody_once(engine: Engine) {
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
