//! Calls whose meaning depends on who reads them: none is passed on.

use serde_json::json;

use crate::support::{Engine, TestApp};

/// What the client of these tests may do: read and write below one address of Salesforce's, and read and make leads at Marketo.
const RULES: &[&str] = &[
    "salesforce GET /services/apexrest/headers/open",
    "salesforce POST /services/apexrest/headers/open",
    "salesforce PATCH /services/apexrest/headers/open",
    "marketo GET /rest/v1/leads.json",
    "marketo POST /rest/v1/leads.json",
    "marketo POST /bulk/v1/leads.json",
];

const APEX: &str = "/v1/salesforce/services/apexrest/headers/open";
const LEADS: &str = "/v1/marketo/rest/v1/leads.json";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const PARTS: &str = "Content-Type: multipart/form-data; boundary=x";

struct Call {
    method: &'static str,
    target: String,
    headers: &'static [&'static str],
    body: &'static str,
    /// What the problem's text must name.
    named: &'static str,
}

/// Paths below the open address, and what is wrong with each.
const PATHS: &[(&str, &str)] = &[
    ("/../secret", "\"..\""),
    ("/./x", "\".\""),
    ("/...", "\"...\""),
    ("/%2e%2e/secret", "%2e"),
    ("/%2E./secret", "%2E"),
    ("/..%2fsecret", "%2f"),
    ("/%252e%252e/secret", "%25"),
    ("/%c0%ae%c0%ae/secret", "%c0%ae"),
    ("/%c0%afsecret", "%c0%af"),
    ("/%e0%80%ae/secret", "%e0%80%ae"),
    ("/%5c..%5csecret", "%5c"),
    ("/..;/secret", "';'"),
    ("/x;method=DELETE", "';'"),
    ("/%3bx", "%3b"),
    ("/%00", "%00"),
    ("/%0d%0aX-Method:%20DELETE", "%0d"),
    ("/%0a", "%0a"),
    ("//secret", "empty segment"),
    ("/%2f/secret", "%2f"),
    ("/%73ecret", "%73"),
    ("/%zz", "percent sign"),
    ("/%4", "percent sign"),
    ("/%23x", "%23"),
    ("/%3f_HttpMethod=DELETE", "%3f"),
    ("/%C2%85", "\\u{85}"),
];

/// Queries, which stand beside a POST.
const QUERIES: &[(&str, &str)] = &[
    ("_method=POST&_HttpMethod=DELETE", "_HttpMethod"),
    ("_HttpMethod=DELETE", "_HttpMethod"),
    ("_method=GET&_method=DELETE", "more than once"),
    ("_METHOD=DELETE", "_METHOD"),
    ("%20_method=DELETE", "_method"),
    ("_method[]=DELETE", "_method[]"),
    ("%5Fmethod=GET&_method=DELETE", "more than once"),
    ("%255fmethod=DELETE", "%5fmethod"),
    ("a=b;_method=DELETE", "_method"),
    ("_http_method=DELETE", "_http_method"),
    ("X-HTTP-Method-Override=DELETE", "X-HTTP-Method-Override"),
    ("%c1%9fmethod=DELETE", "%c1%9fmethod"),
    ("_method%00=DELETE", "_method%00"),
    ("_method=GET%00DELETE", "GET%00DELETE"),
    ("_method%0d%0a=DELETE", "_method%0d%0a"),
    ("_method=%DELETE", "_method=%DELETE"),
];

/// Headers of a POST, its body, and what is wrong.
const HEADERS: &[(&[&str], &str, &str)] = &[
    (&["X_HTTP_METHOD_OVERRIDE: DELETE"], "", "x_http_method_override"),
    (&["X_HTTP_Method: DELETE"], "", "x_http_method"),
    (&["X-Method_Override: DELETE"], "", "x-method_override"),
    (&["X_Original_URL: /rest/v1/secret.json"], "", "x_original_url"),
    (&["X_Forwarded_Host: example.com"], "", "x_forwarded_host"),
    (&["Content-Type: text/plain", "Content_Type: application/x-www-form-urlencoded"], "_method=DELETE", "content_type"),
    (&["Content-Type: application/json", FORM], "_method=DELETE", "Content-Type"),
    (&["Content-Type: application/json, application/x-www-form-urlencoded"], "_method=DELETE", "Content-Type"),
    (&["Content-Type: text/plain; application/x-www-form-urlencoded"], "_method=DELETE", "Content-Type"),
    (&["Content-Type: application/x-www-form-urlencoded; charset=ibm037"], "_method=DELETE", "ibm037"),
    (&[FORM, "Content-Encoding: gzip"], "_method=DELETE", "Content-Encoding"),
    (&[FORM], "_method=GET&_method=DELETE", "more than once"),
    (&[FORM], "_HttpMethod=DELETE", "_HttpMethod"),
    (&[FORM], "%255fmethod=DELETE", "%5fmethod"),
    (&[FORM], "a=%c0%ae&x", "%c0%ae"),
    (&[PARTS], "--x\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--x--", "_method"),
];

/// Every call that could mean another one to somebody.
fn ambiguous_calls() -> Vec<Call> {
    let paths = PATHS.iter().flat_map(|(tail, named)| {
        ["GET", "POST"].map(|method| Call { method, target: format!("{APEX}{tail}"), headers: &[], body: "", named })
    });
    let queries =
        QUERIES.iter().map(|(query, named)| Call { method: "POST", target: format!("{LEADS}?{query}"), headers: &[], body: "", named });
    let headers = HEADERS.iter().map(|(headers, body, named)| Call { method: "POST", target: LEADS.into(), headers, body, named });
    let other = [
        // The same parameter in the query and in the form.
        Call { method: "POST", target: format!("{LEADS}?_method=GET"), headers: &[FORM], body: "_method=DELETE", named: "more than once" },
        Call { method: "GET", target: format!("{LEADS}?_method=POST"), headers: &[], body: "", named: "for POST" },
        Call { method: "GET", target: LEADS.into(), headers: &[FORM], body: "_method=POST", named: "for POST" },
        Call { method: "PATCH", target: format!("{APEX}?_HttpMethod=POST"), headers: &[], body: "", named: "for POST" },
        Call { method: "POST", target: format!("{APEX}?_method=PATCH"), headers: &[], body: "", named: "_method" },
        // What is told once and allowed for nobody.
        Call { method: "POST", target: format!("{APEX}?_HttpMethod=DELETE"), headers: &[], body: "", named: "DELETE" },
    ];
    paths.chain(queries).chain(headers).chain(other).collect()
}

#[test]
fn a_call_that_could_mean_another_is_refused_and_told_why() {
    crate::support::run(async {
        let app = TestApp::start_guided(Engine::Sqlite, 20).await;
        let admin = app.guided_instance().await;
        app.connect_both(&admin).await;
        let token = format!("Authorization: Bearer {}", app.integrator(&admin, RULES).await);
        let before = app.sandbox_says("calls").await;
        let calls = ambiguous_calls();
        assert!(calls.len() >= 80, "{}", calls.len());
        for Call { method, target, headers, body, named } in calls {
            let lines: Vec<_> = headers.iter().copied().chain([token.as_str()]).collect();
            let answer = app.send_raw(method, &target, &lines, body.as_bytes()).await;
            assert_eq!(answer.status, 403, "{method} {target} {headers:?} {body}: {}", answer.text);
            let detail = answer.problem(403, "call_not_allowed")["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(named), "{method} {target} {headers:?} {body}: {detail}");
        }
        // What no request line may hold the server itself refuses.
        for tail in ["\\..\\secret", "/a b", "/\0", "/é", "/\u{ff0e}\u{ff0e}/secret"] {
            let answer = app.send_raw("GET", &format!("{APEX}{tail}"), &[&token], b"").await;
            assert!(matches!(answer.status.as_u16(), 400 | 403), "{tail:?}: {}", answer.status);
        }
        assert_eq!(app.sandbox_says("calls").await, before, "nothing reached the vendors");
        app.stop().await;
    });
}

#[test]
fn calls_that_mean_one_thing_are_passed_on_as_they_are() {
    crate::support::run(async {
        let app = TestApp::start_guided(Engine::Sqlite, 20).await;
        let admin = app.guided_instance().await;
        app.connect_both(&admin).await;
        let token = format!("Authorization: Bearer {}", app.integrator(&admin, RULES).await);
        let parts = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"method.csv\"\r\n\r\nemail\na@example.com\r\n--x--";
        for (method, tail, headers, body) in [
            ("GET", "", &[][..], ""),
            ("GET", "/a%20b/Caf%C3%A9/a%40b.com/x(1)'*,=:@&$!~-._", &[], ""),
            ("GET", "?q=SELECT+Id%0D%0AFROM+Lead+WHERE+Name+LIKE+%27100%25%2541%27", &[], ""),
            ("GET", "?method=x&fields=Id;Name&empty=&=&&x", &["X-My_Header: 1", "Accept: */*"], ""),
            ("POST", "?_HttpMethod=PATCH", &["Content-Type: application/json"], "{}"),
            ("POST", "", &["Content-Type: application/x-www-form-urlencoded; charset=UTF-8"], "_HttpMethod=PATCH&a=%C3%A9+b"),
            ("POST", "", &[FORM], "method=DELETE&a=1"),
            ("POST", "", &["Content-Type: application/json; charset=utf-8"], "{\"_method\":\"DELETE\"}"),
            ("POST", "", &["X-HTTP-Method-Override: DELETE"], "dropped"),
            ("POST", "", &[PARTS], parts),
            ("PATCH", "", &["Content-Type: text/csv"], "name=_method,x"),
        ] {
            let lines: Vec<_> = headers.iter().copied().chain([token.as_str()]).collect();
            let answer = app.send_raw(method, &format!("{APEX}{tail}"), &lines, body.as_bytes()).await;
            let echoed = answer.expect(200);
            let target = format!("/services/apexrest/headers/open{tail}");
            assert_eq!((&echoed["method"], &echoed["target"], &echoed["body"]), (&json!(method), &json!(target), &json!(body)));
            assert!(echoed["headers"].get("x-http-method-override").is_none());
        }
        let read =
            app.send_raw("POST", &format!("{LEADS}?_method=GET"), &[&token, FORM], b"filterType=email&filterValues=a@example.com").await;
        assert_ne!(read.status, 403, "{}", read.text);
        app.stop().await;
    });
}
