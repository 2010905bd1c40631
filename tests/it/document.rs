//! The OpenAPI document as generators need it: a name for each type, one place for what operations share.

use msi_actions::app::openapi_document;
use serde_json::Value;

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
