//! The OpenAPI document as generators need it: a name for each type, one place for what operations share.

use msi_actions::app::openapi_document;
use msi_actions::http::Code;
use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, on_sqlite};

/// Calls `visit` with every object below `value` and the path to it.
fn visit(value: &Value, path: &str, found: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(object) => {
            found(path, value);
            object.iter().for_each(|(key, one)| visit(one, &format!("{path}/{key}"), found));
        }
        Value::Array(array) => array.iter().enumerate().for_each(|(at, one)| visit(one, &format!("{path}/{at}"), found)),
        _ => {}
    }
}

/// The places in the document of whatever `is_wrong` says so of.
fn places(is_wrong: impl Fn(&str, &Value) -> bool) -> Vec<String> {
    let mut wrong = Vec::new();
    visit(openapi_document(), "", &mut |path, value| {
        if is_wrong(path, value) {
            wrong.push(path.to_owned());
        }
    });
    wrong
}

#[test]
fn every_list_refers_to_the_component_of_its_rows() {
    let schemas = openapi_document()["components"]["schemas"].as_object().unwrap();
    let pages: Vec<_> = schemas.iter().filter(|(_, schema)| schema["properties"].get("next_cursor").is_some()).collect();
    assert!(pages.len() >= 16, "{} lists", pages.len());
    for (name, page) in pages {
        let row = page["properties"]["data"]["items"]["$ref"].as_str().unwrap_or_else(|| panic!("{name}: {page}"));
        assert!(schemas.contains_key(row.rsplit('/').next().unwrap()), "{name} lists {row}");
    }
}

#[test]
fn every_reference_leads_to_a_component() {
    let document = openapi_document();
    let dangling =
        places(|_, value| value["$ref"].as_str().is_some_and(|reference| document.pointer(reference.strip_prefix('#').unwrap()).is_none()));
    assert_eq!(dangling, [""; 0]);
}

#[test]
fn every_enum_of_several_values_is_a_component() {
    let is_component = |path: &str| path.starts_with("/components/schemas/") && path.matches('/').count() == 3;
    let inline = places(|path, value| value["enum"].as_array().is_some_and(|values| values.len() > 1) && !is_component(path));
    assert_eq!(inline, [""; 0]);
}

#[test]
fn what_a_body_of_an_answer_lacks_is_left_out_and_not_null() {
    let document = openapi_document();
    let mut requested = std::collections::BTreeSet::new();
    let mut names = Vec::new();
    visit(&document["paths"], "", &mut |path, value| {
        if path.contains("/requestBody/") || path.contains("/parameters/") {
            names.extend(value["$ref"].as_str().map(str::to_owned));
        }
    });
    while let Some(name) = names.pop() {
        if requested.insert(name.clone()) {
            visit(document.pointer(&name[1..]).unwrap(), "", &mut |_, value| names.extend(value["$ref"].as_str().map(str::to_owned)));
        }
    }
    let allows_null =
        |value: &Value| value["type"] == "null" || value["type"].as_array().is_some_and(|types| types.contains(&"null".into()));
    let nullable = places(|path, value| {
        let component = path.split('/').take(4).collect::<Vec<_>>().join("/");
        path.starts_with("/components/schemas/") && allows_null(value) && !requested.contains(&format!("#{component}"))
    });
    assert_eq!(nullable, [""; 0]);
}

#[test]
fn every_operation_belongs_to_a_described_group() {
    let document = openapi_document();
    let groups: Vec<_> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let strays = places(|path, value| {
        path.starts_with("/paths/")
            && value.get("operationId").is_some()
            && !(value["tags"].as_array()).is_some_and(|tags| tags.len() == 1 && groups.contains(&&tags[0]))
    });
    assert_eq!(strays, [""; 0]);
    let used = document["paths"].to_string();
    for group in groups {
        assert!(used.contains(&format!("\"tags\":[{group}]")), "nothing is in {group}");
    }
}

#[test]
fn each_problem_is_explained_where_its_type_points() {
    on_sqlite(async |app| {
        let problem = app.get("/v1/people").await.problem(401, "unauthenticated");
        let told = app.get(problem["type"].as_str().unwrap()).await.expect(200);
        assert_eq!((&told["code"], &told["status"], &told["title"]), (&problem["code"], &problem["status"], &problem["title"]));
        assert!(told["remedy"].as_str().unwrap().contains("/oauth/token"), "{told}");
        let page = Answer::send(app.request(Method::GET, "/problems/unauthenticated").header("accept", "text/html")).await;
        assert!(page.status == 200 && page.text.contains("Authentication required"), "{}", page.text);
        app.get("/problems/nothing").await.problem(404, "not_found");
    });
}

#[test]
fn the_catalog_explains_each_code_in_whole_sentences() {
    for code in Code::ALL {
        let name = code.as_str();
        assert!(!code.title().ends_with('.') && code.title().chars().count() <= 60, "{name}: {}", code.title());
        for text in [code.meaning(), code.remedy()] {
            assert!(text.ends_with('.') && text.starts_with(char::is_uppercase) && text.len() >= 7, "{name}: {text}");
        }
    }
}

#[test]
fn the_committed_catalog_of_problems_equals_what_the_code_says() {
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/problems.md")).unwrap_or_default();
    assert!(committed == msi_actions::app::render_problem_catalog(), "openapi/problems.md is out of date; mend it with: make openapi");
}
