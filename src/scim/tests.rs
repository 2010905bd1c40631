use proptest::prelude::*;
use serde_json::{Value, json};

use super::protocol::patch::{Patch, apply};
use super::protocol::projection::Projection;
use super::protocol::{ScimRefusal, filter};
use super::resources::{GROUP, USER};
use super::users::ProvisionedUser;

const SAM: &str = "0190b0a0-0000-7000-8000-000000000001";
const ANN: &str = "0190b0a0-0000-7000-8000-000000000002";

fn user() -> Value {
    json!({
        "schemas": [USER.id], "id": SAM, "userName": "Sam", "externalId": "X1",
        "name": { "givenName": "Sam", "familyName": "Sun" },
        "emails": [{ "value": "sam@example.com", "type": "work", "primary": true }],
        "active": true, "roles": [{ "value": "user" }],
        "meta": { "resourceType": "User", "created": "2026-06-15T12:00:00Z", "lastModified": "2026-06-16T12:00:00Z", "version": "W/\"1\"" },
    })
}

fn group() -> Value {
    json!({ "schemas": [GROUP.id], "id": "g", "displayName": "West", "members": [{ "value": SAM, "type": "User" }, { "value": ANN, "type": "User" }] })
}

fn patch(operations: &Value) -> Patch {
    serde_json::from_value(json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })).unwrap()
}

fn passes(text: &str) -> Result<bool, ScimRefusal> {
    filter::passes(&[&USER], &user(), &filter::parse(text)?)
}

#[test]
fn a_filter_lets_through_what_it_describes() {
    for wanted in [
        r#"userName eq "sam""#,
        r#"USERNAME Eq "SAM""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "s""#,
        r#"externalId eq "X1""#,
        r#"name.familyName co "u" and active eq true"#,
        r#"active eq "True""#,
        r#"emails eq "sam@example.com""#,
        r#"emails[type eq "work" and value ew "@example.com"]"#,
        r#"emails.type eq "work""#,
        "externalId pr and not (displayName pr)",
        r#"displayName eq null or userName eq "nobody""#,
        r#"userName ne "ann""#,
        r#"meta.lastModified gt "2026-06-15T23:00:00Z""#,
        r#"meta.created le "2026-06-15T14:00:00+02:00""#,
        r#"id eq "0190b0a0-0000-7000-8000-000000000001""#,
        r#"userName gt "Rob""#,
    ] {
        assert_eq!(passes(wanted), Ok(true), "{wanted}");
    }
    for other in [
        r#"userName eq "ann""#,
        r#"externalId eq "x1""#,
        r#"emails[type eq "home" and value eq "sam@example.com"]"#,
        "displayName pr",
        r#"userName ne "sam""#,
        r#"meta.created gt "2026-06-15T12:00:00Z""#,
        "active eq false",
    ] {
        assert_eq!(passes(other), Ok(false), "{other}");
    }
}

#[test]
fn a_filter_that_can_not_be_used_is_refused_whatever_the_resources_are() {
    let deep = format!("{}userName pr{}", "not (".repeat(400), ")".repeat(400));
    for wrong in [
        "",
        "userName",
        "userName eq sam",
        r#"nothing eq "x""#,
        r#"name.nothing eq "x""#,
        r#"urn:other:User:userName eq "x""#,
        "active gt true",
        "userName eq true",
        r#"meta.created gt "yesterday""#,
        "userName gt null",
        "phoneNumbers[type eq \"work\"]",
        "roles[nothing pr]",
        r#"userName eq "sam" or nothing pr"#,
        &deep,
        &format!(r#"userName eq "{}""#, "x".repeat(2000)),
    ] {
        assert!(matches!(passes(wrong), Err(ScimRefusal::InvalidFilter(_))), "{wrong:?}: {:?}", passes(wrong));
    }
}

#[test]
fn kinds_searched_together_lack_what_only_another_has() {
    let passes = |text: &str| {
        let filter = filter::parse(text).unwrap();
        (filter::passes(&[&USER, &GROUP], &user(), &filter).unwrap(), filter::passes(&[&GROUP, &USER], &group(), &filter).unwrap())
    };
    assert_eq!(passes(r#"userName eq "sam" or displayName eq "west""#), (true, true));
    assert_eq!(passes(r#"userName ne "ann""#), (true, true));
    assert_eq!(passes("members pr"), (false, true));
    assert_eq!(passes("urn:ietf:params:scim:schemas:core:2.0:User:displayName pr"), (false, false));
}

#[test]
fn a_user_is_changed_as_entra_id_writes_it() {
    let changed = apply(
        &USER,
        &user(),
        &patch(&json!([
            { "op": "Replace", "path": "active", "value": "False" },
            { "op": "Replace", "path": "name.givenName", "value": "Samuel" },
            { "op": "Add", "path": "displayName", "value": "Sam Sun" },
            { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "samuel@example.com" },
            { "op": "Add", "path": "roles[primary eq \"True\"].value", "value": "admin" },
            { "op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "Sales" },
            { "op": "Add", "path": "phoneNumbers[type eq \"work\"].value", "value": "+1" },
            { "op": "Add", "path": "name.formatted", "value": "Samuel Sun" },
            { "op": "Replace", "value": { "name.familyName": "Moon", "title": "Dr", "externalId": "X2" } },
        ])),
    );
    // A role beside the first one: which is meant can't be known.
    assert!(matches!(ProvisionedUser::read(changed.as_ref().unwrap()), Err(ScimRefusal::InvalidValue(text)) if text.contains("one role")));
    let mut changed = changed.unwrap();
    changed["roles"].as_array_mut().unwrap().remove(0);
    let wanted = ProvisionedUser::read(&changed).unwrap();
    assert_eq!((wanted.active, wanted.email.as_str()), (Some(false), "samuel@example.com"));
    let names = [wanted.first_name, wanted.last_name].map(|name| name.map(String::from));
    assert_eq!(names, [Some("Samuel".to_owned()), Some("Moon".to_owned())]);
    assert_eq!((wanted.external_id.as_deref(), wanted.role), (Some("X2"), Some(crate::auth::Role::Admin)));
    assert_eq!(wanted.given.display_name.as_deref(), Some("Sam Sun"));
}

#[test]
fn members_of_a_group_come_and_go_as_okta_and_entra_id_write_it() {
    let members = |operations: Value| {
        let changed = apply(&GROUP, &group(), &patch(&operations)).unwrap();
        let members = changed["members"].as_array().cloned().unwrap_or_default();
        members.iter().map(|one| one["value"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(members(json!([{ "op": "remove", "path": format!("members[value eq \"{SAM}\"]") }])), [ANN]);
    assert_eq!(members(json!([{ "op": "Remove", "path": "members", "value": [{ "value": ANN }] }])), [SAM]);
    assert_eq!(
        members(json!([{ "op": "Add", "path": "members", "value": [{ "value": "c", "display": "Cy" }, { "value": SAM }] }])),
        [SAM, ANN, "c"]
    );
    assert_eq!(members(json!([{ "op": "replace", "path": "members", "value": [{ "value": ANN }] }])), [ANN]);
    assert!(members(json!([{ "op": "remove", "path": "members" }])).is_empty());
    let renamed = apply(&GROUP, &group(), &patch(&json!([{ "op": "replace", "value": { "id": "g", "displayName": "East" } }]))).unwrap();
    assert_eq!(renamed["displayName"], "East");
}

#[test]
fn a_value_made_the_primary_one_takes_that_from_the_others() {
    let added = json!([{ "op": "add", "path": "emails", "value": [{ "value": "new@example.com", "primary": true }] }]);
    let changed = apply(&USER, &user(), &patch(&added)).unwrap();
    assert_eq!(changed["emails"][0]["primary"], false);
    assert_eq!(ProvisionedUser::read(&changed).unwrap().email.as_str(), "new@example.com");
    let back = json!([{ "op": "replace", "path": "emails[type eq \"work\"].primary", "value": true }]);
    let changed = apply(&USER, &changed, &patch(&back)).unwrap();
    assert_eq!(ProvisionedUser::read(&changed).unwrap().email.as_str(), "sam@example.com");
}

#[test]
fn a_change_that_can_not_be_applied_says_why() {
    let refused = |operation: Value| apply(&USER, &user(), &patch(&json!([operation]))).unwrap_err();
    assert!(matches!(refused(json!({ "op": "move", "path": "active", "value": true })), ScimRefusal::InvalidSyntax(_)));
    assert!(matches!(refused(json!({ "op": "replace", "path": "nothing", "value": 1 })), ScimRefusal::InvalidPath(_)));
    assert!(matches!(refused(json!({ "op": "replace", "path": "emails[", "value": 1 })), ScimRefusal::InvalidPath(_)));
    assert!(matches!(refused(json!({ "op": "replace", "path": "emails[nothing eq 1].value", "value": 1 })), ScimRefusal::InvalidPath(_)));
    assert!(matches!(
        refused(json!({ "op": "replace", "path": "emails[type eq \"home\"].value", "value": "x" })),
        ScimRefusal::NoTarget(_)
    ));
    assert!(matches!(refused(json!({ "op": "remove" })), ScimRefusal::NoTarget(_)));
    assert!(matches!(refused(json!({ "op": "replace", "path": "id", "value": "x" })), ScimRefusal::Mutability(_)));
    assert!(matches!(refused(json!({ "op": "remove", "path": "userName" })), ScimRefusal::Mutability(_)));
    assert!(matches!(refused(json!({ "op": "remove", "path": "emails[type eq \"work\"]" })), ScimRefusal::Mutability(_)));
    assert!(matches!(refused(json!({ "op": "add", "value": "x" })), ScimRefusal::InvalidValue(_)));
    let unnamed = Patch { schemas: Vec::new(), ..patch(&json!([])) };
    assert!(matches!(apply(&USER, &user(), &unnamed), Err(ScimRefusal::InvalidSyntax(_))));
}

#[test]
fn a_user_is_read_whole_and_every_error_is_named() {
    let wanted = ProvisionedUser::read(
        &json!({ "SCHEMAS": [USER.id], "USERNAME": "sam@example.com", "active": "False", "unknown": 1, "name": null }),
    )
    .unwrap();
    assert_eq!((wanted.email.as_str(), wanted.active), ("sam@example.com", Some(false)), "a user name that is an address stands for one");
    assert_eq!((wanted.role, wanted.first_name), (None, None));
    let refusal = ProvisionedUser::read(
        &json!({ "schemas": [USER.id], "userName": 7, "emails": [{ "type": "work" }], "active": "maybe", "roles": ["boss"] }),
    );
    let Err(ScimRefusal::InvalidValue(text)) = refusal else { panic!("{refusal:?}") };
    for error in ["userName must be a text", "emails.value is missing", "active must be true or false", "roles.value is one of admin, user"]
    {
        assert!(text.contains(error), "{error}: {text}");
    }
    let refusal = ProvisionedUser::read(
        &json!({ "schemas": [USER.id], "userName": "x".repeat(257), "emails": [{ "value": "nowhere" }], "name": { "givenName": "a\u{7}" } }),
    );
    let Err(ScimRefusal::InvalidValue(text)) = refusal else { panic!("{refusal:?}") };
    for error in ["userName has at most 256", "name.givenName can't be used", "the address has no @"] {
        assert!(text.contains(error), "{error}: {text}");
    }
    assert!(matches!(ProvisionedUser::read(&json!({ "userName": "x" })), Err(ScimRefusal::InvalidSyntax(_))));
    assert!(matches!(ProvisionedUser::read(&json!(["x"])), Err(ScimRefusal::InvalidSyntax(_))));
}

#[test]
fn an_answer_holds_what_was_asked_for_and_always_the_id() {
    let shown = |only: &[&str], without: &[&str]| {
        let projection = Projection::from_attributes(only.iter().copied(), without.iter().copied()).unwrap();
        let shown = projection.of_resource(&USER, user());
        (shown.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" "), shown)
    };
    let (names, resource) = shown(&["USERNAME", "name.givenName", "urn:ietf:params:scim:schemas:core:2.0:User:active"], &[]);
    assert_eq!(names, "active id name schemas userName");
    assert_eq!(resource["name"], json!({ "givenName": "Sam" }));
    let (names, resource) = shown(&[], &["id", "name.givenName", "emails", "meta"]);
    assert_eq!(names, "active externalId id name roles schemas userName");
    assert_eq!(resource["name"], json!({ "familyName": "Sun" }));
    assert!(Projection::from_attributes(["id"], ["name"]).is_err());
}

proptest! {
    #[test]
    fn no_filter_breaks_the_reading(text in r#"[a-z.]{0,8}( (eq|co|pr|and|or|not|\[|\]|\(|\)|"[^"]{0,3}"|true|null|[a-zA-Z]{1,9}|\PC)){0,9}"#) {
        let _ = passes(&text);
    }

    #[test]
    fn no_change_breaks_the_applying(
        op in "(add|replace|remove)",
        path in proptest::option::of(r#"(userName|name|name.givenName|emails|emails.value|emails\[type eq "work"\](.value)?|roles|active|\PC{0,9})"#),
        value in prop_oneof![
            Just(Value::Null), any::<bool>().prop_map(Value::from), "[a-z@.]{0,12}".prop_map(Value::from),
            "[a-z]{1,5}".prop_map(|text| json!([{ "value": text }, text, null, 1])),
            "[a-zA-Z]{1,9}".prop_map(|name| json!({ "emails": { "value": [name.clone()] }, "name": name.clone(), name: 1 })),
        ],
    ) {
        if let Ok(changed) = apply(&USER, &user(), &patch(&json!([{ "op": op, "path": path, "value": value }]))) {
            let _ = ProvisionedUser::read(&changed);
        }
    }
}
