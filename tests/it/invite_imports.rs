//! Inviting by CSV file, from the upload to the last row.

use msi_actions::clock::Clock;
use msi_actions::db::claim::ClaimedJob;
use msi_actions::ids::JobId;
use msi_actions::imports::ImportInvites;
use msi_actions::jobs::JobHandler;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, FIRST_USER, MUNCHKIN_ID, TestApp, on_both_engines};

pub async fn upload(app: &TestApp, token: &str, media: &str, file: impl Into<reqwest::Body>) -> Answer {
    Answer::send(app.request(Method::POST, "/v1/invite-imports").bearer_auth(token).header("content-type", media).body(file)).await
}

pub async fn confirm(app: &TestApp, token: &str, import: &Value, body: Value) -> Answer {
    let path = format!("/v1/invite-imports/{}/confirm", import["id"].as_str().unwrap());
    app.call(token, Method::POST, &path, Some(body)).await
}

/// Where an import is.
pub fn path(import: &Value, rest: &str) -> String {
    format!("/v1/invite-imports/{}{rest}", import["id"].as_str().unwrap())
}

/// Waits until every row has a result.
pub async fn completed(app: &TestApp, token: &str, import: &Value) -> Value {
    app.until(token, &path(import, ""), |import| import["state"] == "completed").await
}

/// Every row of a list, page by page.
pub async fn all(app: &TestApp, token: &str, list: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    let joint = if list.contains('?') { '&' } else { '?' };
    loop {
        let page = app.call(token, Method::GET, &format!("{list}{joint}limit=200{cursor}"), None).await.expect(200);
        rows.extend(page["data"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

/// An instance whose first user has been invited.
pub async fn begun(app: &TestApp) -> String {
    let token = app.guided_instance().await;
    app.call(&token, Method::POST, "/v1/invites/first", Some(json!({ "email": FIRST_USER }))).await.expect(201);
    token
}

on_both_engines! {
    async fn a_file_is_read_confirmed_and_worked_off_to_the_last_row(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        app.call(&token, Method::POST, "/v1/teams", Some(json!({ "name": "West" }))).await.expect(201);
        let file = "First Name;Last Name;E-Mail;Role;Teams\r\nAnn;O'Neil;ann@example.com;Admin;West\r\n\
            \"Bo; Jr\";Müller;bo@example.com;;\r\nCy;;cy@;;\r\n;;ANN@example.com;user;Nowhere\r\nMaria;;maria.admin@example.com;;\r\n";
        let windows = encoding_rs::WINDOWS_1252.encode(file).0.into_owned();
        let answer = upload(&app, &token, "text/csv", windows).await;
        let import = answer.expect(201);
        let location = app.location_of(&answer);
        let dialect = json!({ "format": "csv", "encoding": "windows-1252", "byte_order_mark": false, "delimiter": ";", "has_headers": true });
        assert_eq!(import["dialect"], dialect);
        assert_eq!((&import["state"], &import["rows"], &import["valid_rows"]), (&"analyzed".into(), &5.into(), &3.into()));
        let columns = ["first_name", "last_name", "email", "role", "teams"].map(|field| import["mapping"][field]["column"].clone());
        assert_eq!(columns, [0, 1, 2, 3, 4].map(Value::from));
        assert_eq!(import["sample"][1][0], "Bo; Jr");
        let errors: Vec<_> = import["errors"].as_array().unwrap().iter().map(|error| (error["row"].as_u64(), error["code"].as_str())).collect();
        assert_eq!(errors, [(Some(4), Some("email_invalid")), (Some(5), Some("team_unknown"))]);

        let confirmed = confirm(&app, &token, &import, json!({})).await;
        assert_eq!(app.location_of(&confirmed), location);
        confirmed.expect(202);
        let done = app.until(&token, &location, |import| import["state"] == "completed").await;
        assert_eq!(done["rows_done"], 5);
        let counts = &done["counts"];
        assert_eq!((&counts["invited"], &counts["invalid"], &counts["already_invited"]), (&2.into(), &2.into(), &1.into()));
        let results = all(&app, &token, &path(&import, "/results")).await;
        assert_eq!((&results[0]["email"], &results[0]["outcome"]), (&"ann@example.com".into(), &"invited".into()));
        assert_eq!((&results[2]["row"], &results[2]["outcome"]), (&4.into(), &"invalid".into()));
        assert_eq!(results[2]["reason"], "the part after the @ is no domain, such as example.com");
        assert_eq!(all(&app, &token, &path(&import, "/results?outcome=already_invited")).await.len(), 1);

        let members = app.call(&token, Method::GET, "/v1/members", None).await.expect(200)["data"].clone();
        let ann = members.as_array().unwrap().iter().find(|member| member["email"] == "ann@example.com").unwrap();
        assert_eq!((&ann["last_name"], &ann["role"], ann["teams"].as_array().unwrap().len()), (&"O'Neil".into(), &"admin".into(), 2));
        let bo = members.as_array().unwrap().iter().find(|member| member["email"] == "bo@example.com").unwrap();
        assert_eq!((&bo["last_name"], &bo["role"]), (&"Müller".into(), &"user".into()));
        app.stop().await;
    }

    async fn an_import_is_confirmed_once_and_the_same_file_invites_nobody_twice(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let file = "email\nann@example.com\nbo@example.com\n";
        let import = upload(&app, &token, "text/csv", file).await.expect(201);
        let both = tokio::join!(confirm(&app, &token, &import, json!({})), confirm(&app, &token, &import, json!({})));
        let mut codes = [both.0.status.as_u16(), both.1.status.as_u16()];
        codes.sort_unstable();
        assert_eq!(codes, [202, 409], "{both:?}");
        let again = confirm(&app, &token, &import, json!({})).await.problem(409, "import_already_confirmed");
        app.until(&token, again["link"].as_str().unwrap(), |import| import["state"] == "completed").await;

        let import = upload(&app, &token, "text/csv", file).await.expect(201);
        confirm(&app, &token, &import, json!({})).await.expect(202);
        let done = completed(&app, &token, &import).await;
        assert_eq!((&done["counts"]["already_invited"], &done["counts"]["invited"]), (&2.into(), &0.into()));
        app.stop().await;
    }

    async fn a_mapping_of_the_callers_own_is_followed_when_it_fits(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let file = "Email,Private email\nann@example.com,ann@home.example\n";
        let import = upload(&app, &token, "text/csv; charset=utf-8", file).await.expect(201);
        confirm(&app, &token, &import, json!({ "mapping": { "email": 2 } })).await.problem(409, "mapping_mismatch");
        confirm(&app, &token, &import, json!({ "mapping": { "email": 1, "first_name": 1 } })).await.problem(409, "mapping_mismatch");
        confirm(&app, &token, &import, json!({ "mapping": { "first_name": 0 } })).await.problem(422, "invalid_input");
        confirm(&app, &token, &import, json!({ "teams": ["Nowhere"] })).await.problem(409, "team_unknown");
        confirm(&app, &token, &import, json!({ "mapping": { "email": 1 }, "role": "admin" })).await.expect(202);
        let done = completed(&app, &token, &import).await;
        assert_eq!(done["mapping"]["email"], json!({ "column": 1, "confidence": 100 }));
        assert_eq!(all(&app, &token, &path(&import, "/results")).await[0]["email"], "ann@home.example");
        app.stop().await;
    }

    async fn more_rows_than_a_chunk_and_than_seats_all_have_a_result(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let file: String = (0..1250).map(|at| format!("p{at}@example.com\n")).collect();
        let import = upload(&app, &token, "text/csv", file).await.expect(201);
        assert_eq!((&import["dialect"]["has_headers"], &import["rows"]), (&false.into(), &1250.into()));
        confirm(&app, &token, &import, json!({})).await.expect(202);
        let done = completed(&app, &token, &import).await;
        assert_eq!((&done["counts"]["invited"], &done["counts"]["no_seat"]), (&99.into(), &1151.into()));
        let results = all(&app, &token, &path(&import, "/results")).await;
        let rows: Vec<_> = results.iter().map(|row| row["row"].as_u64().unwrap()).collect();
        assert_eq!(rows, (1..=1250).collect::<Vec<_>>());
        assert_eq!(results[1249]["reason"], "all user seats were taken");
        app.stop().await;
    }

    async fn an_import_that_three_workers_pick_up_at_once_does_each_row_once(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (instance, token) = app.instance(MUNCHKIN_ID).await;
        app.call(&token, Method::POST, "/v1/invites/first", Some(json!({ "email": FIRST_USER }))).await.expect(201);
        let file: String = (0..450).map(|at| format!("p{at}@example.com\n")).collect();
        let import = upload(&app, &token, "text/csv", file).await.expect(201);
        confirm(&app, &token, &import, json!({})).await.expect(202);
        // The service's own worker has the job now; two more play processes that think its lease has expired.
        let handler = ImportInvites::new(app.context().await);
        let job = ClaimedJob {
            id: JobId(app.clock.new_id()),
            instance_id: Some(instance.parse().unwrap()),
            kind: handler.kind().name.to_owned(),
            payload: sqlx::types::Json(json!({ "import_id": import["id"] })),
            attempts: 1,
            failures: 0,
            last_error: None,
        };
        tokio::join!(handler.run(&job), handler.run(&job));
        let done = completed(&app, &token, &import).await;
        let counts = &done["counts"];
        assert_eq!((&counts["invited"], &counts["no_seat"], &done["rows_done"]), (&99.into(), &351.into(), &450.into()), "{counts}");
        let results = all(&app, &token, &path(&import, "/results")).await;
        let rows: Vec<_> = results.iter().map(|row| row["row"].as_u64().unwrap()).collect();
        assert_eq!(rows, (1..=450).collect::<Vec<_>>());
        let invites = app.call(&token, Method::GET, "/v1/invites?limit=500", None).await.expect(200);
        assert_eq!(invites["data"].as_array().unwrap().len(), 100);
        app.stop().await;
    }

    async fn a_file_that_is_no_list_of_invitations_says_why(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        for (file, why) in [
            (b"".as_slice(), "empty"),
            (b"PK\x03\x04\x14\x00", "send the whole file again"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1", "the old form (.xls)"),
            (b"%PDF-1.7 \xe2\xe3", "a PDF document; export the list as CSV"),
            (b"\x89PNG\r\n\x1a\n", "an image; export the list"),
            (b"<html><table><tr><td>a@example.com</td></tr></table></html>", "a web page (HTML)"),
            (b"[{\"email\": \"a@example.com\"}]", "a JSON document; export the list as CSV"),
            (b"dn: cn=Ann,dc=example\nmail: a@example.com\n", "LDIF; export the list as CSV"),
            (b"BEGIN:VCARD\r\nEMAIL:a@example.com\r\n", "contacts (vCard); export the contacts as CSV"),
            (b"name,town\nAnn,Rome\n", "no column holds e-mail addresses"),
            (b"email\n", "no rows below its headers"),
            (b"a@example.com\x00\x01\x02,x", "neither a text nor a spreadsheet"),
        ] {
            let problem = upload(&app, &token, "text/csv", file).await.problem(422, "import_unreadable");
            assert!(problem["detail"].as_str().unwrap().contains(why), "{why}: {problem}");
        }
        let large = "a@example.com\n".repeat(75_000);
        let pieces = (0..51).map(move |_| Ok::<_, std::io::Error>(large.clone()));
        let unannounced = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        upload(&app, &token, "text/csv", unannounced).await.problem(413, "body_too_large");
        upload(&app, &token, "application/json", "{}").await.problem(415, "unsupported_media_type");
        let endless = format!("email\n\"ann@example.com\n{}", "bo@example.com,".repeat(100_000));
        let problem = upload(&app, &token, "text/csv", endless).await.problem(422, "import_unreadable");
        assert!(problem["detail"].as_str().unwrap().contains("line 3"), "{problem}");
        app.stop().await;
    }

    async fn a_file_is_confirmed_after_the_first_user_and_only_in_its_own_instance(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (_, first) = app.instance(MUNCHKIN_ID).await;
        let (_, second) = app.instance("456-DEF-789").await;
        let import = upload(&app, &first, "text/csv", "ann@example.com\n").await.expect(201);
        confirm(&app, &first, &import, json!({})).await.problem(409, "step_required");
        confirm(&app, &second, &import, json!({})).await.problem(404, "not_found");
        for rest in ["", "/errors", "/results", "/errors.csv", "/result.csv", "/events"] {
            app.call(&second, Method::GET, &path(&import, rest), None).await.problem(404, "not_found");
        }
        app.call(&second, Method::DELETE, &path(&import, ""), None).await.problem(404, "not_found");
        assert!(all(&app, &second, "/v1/invite-imports").await.is_empty());
        app.stop().await;
    }
}
