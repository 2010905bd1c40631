//! What goes in and out of an import: forms and spreadsheets, mappings, errors, the file with its results.

use std::collections::BTreeSet;

use reqwest::Method;
use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};
use time::Duration;

use crate::invite_imports::{all, begun, completed, confirm, path, upload};
use crate::support::{Answer, Engine, TestApp, eventually, on_both_engines};

/// A form with these fields: name, file name, content.
fn form(fields: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, content) in fields {
        let head = format!("--x7d\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(b"Content-Type: application/octet-stream\r\n\r\n");
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--x7d--\r\n");
    body
}

const FORM: &str = "multipart/form-data; boundary=x7d";

/// A spreadsheet with these rows below an empty one.
fn spreadsheet(rows: &[&[&str]]) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("People").unwrap();
    for (row, cells) in (1..).zip(rows) {
        for (column, cell) in (0..).zip(*cells) {
            sheet.write(row, column, *cell).unwrap();
        }
    }
    book.save_to_buffer().unwrap()
}

async fn file(app: &TestApp, token: &str, path: &str) -> Answer {
    app.call(token, Method::GET, path, None).await
}

/// A file of the fixtures.
fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/it/fixtures/csv/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

on_both_engines! {
    async fn a_spreadsheet_in_a_form_is_read_and_comes_back_as_csv(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let rows: [&[&str]; 4] =
            [&["Vorname", "E-Mail", "Rolle"], &["Käthe", "kaethe@example.com", "Benutzer"], &["=1+1", "bo@example.com"], &["Cy", "cy@"]];
        let import = upload(&app, &token, FORM, form(&[("file", "Lists/people.xlsx", &spreadsheet(&rows))])).await.expect(201);
        assert_eq!(import["file_name"], "people.xlsx");
        assert_eq!((&import["dialect"]["format"], &import["dialect"]["sheet"]), (&"xlsx".into(), &"People".into()));
        assert_eq!((&import["rows"], &import["valid_rows"]), (&3.into(), &2.into()));
        assert_eq!((&import["errors"][0]["row"], &import["errors"][0]["column"]), (&5.into(), &1.into()), "as in the sheet");
        confirm(&app, &token, &import, json!({})).await.expect(202);
        completed(&app, &token, &import).await;
        let result = file(&app, &token, &path(&import, "/result.csv")).await;
        assert_eq!(result.headers["content-type"], "text/csv; charset=UTF-8");
        let want = "\u{feff}\"Vorname\",\"E-Mail\",\"Rolle\",\"outcome\",\"reason\"\r\n\
            \"Käthe\",\"kaethe@example.com\",\"Benutzer\",\"invited\",\"\"\r\n\
            \"'=1+1\",\"bo@example.com\",\"\",\"invited\",\"\"\r\n\
            \"Cy\",\"cy@\",\"\",\"invalid\",\"the part after the @ is no domain, such as example.com\"\r\n";
        assert_eq!(result.text.trim_start_matches('\u{feff}'), want.trim_start_matches('\u{feff}'));
        app.stop().await;
    }

    async fn a_form_has_one_file_in_the_field_file(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let csv = b"email\nann@example.com\n".as_slice();
        upload(&app, &token, FORM, form(&[("file", "a.csv", csv)])).await.expect(201);
        for (fields, pointer) in [
            (vec![], "/file"),
            (vec![("list", "a.csv", csv)], "/list"),
            (vec![("file", "a.csv", csv), ("file", "b.csv", csv)], "/file"),
        ] {
            let problem = upload(&app, &token, FORM, form(&fields)).await.problem(422, "invalid_input");
            assert_eq!(problem["errors"][0]["pointer"], pointer);
        }
        upload(&app, &token, FORM, "--x7d\r\nContent-Disp").await.problem(400, "malformed_request");
        upload(&app, &token, "multipart/form-data", "x").await.problem(400, "malformed_request");
        let whole = spreadsheet(&[&["Email"], &["ann@example.com"]]);
        let media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        upload(&app, &token, media, whole.clone()).await.expect(201);
        let problem = upload(&app, &token, media, whole[..whole.len() / 2].to_vec()).await.problem(422, "import_unreadable");
        assert!(problem["detail"].as_str().unwrap().contains("a part is missing; send the whole file again"), "{problem}");
        app.stop().await;
    }

    async fn every_fault_is_listed_page_by_page_and_comes_as_a_file(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let rows: String = (0..700).map(|at| if at % 2 == 0 { format!("=p{at}@;boss\n") } else { format!("p{at}@example.com;user\n") }).collect();
        let import = upload(&app, &token, "text/csv", format!("email;role\nann@example.com;user\nANN@example.com;user\n{rows}")).await.expect(201);
        assert_eq!((&import["error_count"], &import["valid_rows"]), (&701.into(), &351.into()));
        assert_eq!(import["errors"].as_array().unwrap().len(), 100);
        let errors = all(&app, &token, &path(&import, "/errors")).await;
        assert_eq!(errors.len(), 701);
        assert_eq!(errors[..100], import["errors"].as_array().unwrap()[..]);
        assert_eq!((&errors[0]["row"], &errors[0]["code"]), (&3.into(), &"duplicate".into()));
        let last: Vec<_> = errors[699..].iter().map(|error| (error["row"].as_u64(), error["code"].as_str())).collect();
        assert_eq!(last, [(Some(702), Some("email_invalid")), (Some(702), Some("role_unknown"))]);
        // A page that ends between two errors of one row goes on with the second.
        let page = app.call(&token, Method::GET, &path(&import, "/errors?limit=2"), None).await.expect(200);
        let next = format!("/errors?limit=1&cursor={}", page["next_cursor"].as_str().unwrap());
        assert_eq!(app.call(&token, Method::GET, &path(&import, &next), None).await.expect(200)["data"][0], errors[2]);

        let answer = file(&app, &token, &path(&import, "/errors.csv")).await;
        assert!(answer.headers["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"invite-import-"));
        let lines: Vec<_> = answer.text.lines().collect();
        assert_eq!(lines.len(), 702);
        assert_eq!(lines[0], "\"row\";\"column\";\"code\";\"detail\";\"value\"");
        assert_eq!(lines[2], "\"4\";\"email\";\"email_invalid\";\"the part after the @ is no domain, such as example.com\";\"'=p0@\"");
        assert_eq!(lines[3], "\"4\";\"role\";\"role_unknown\";\"the role is user or admin\";\"boss\"");
        app.stop().await;
    }

    async fn changing_the_mapping_checks_the_whole_file_again(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let rows: String = (0..500).map(|at| format!("p{at}@example.com,q{at},Sales\n")).collect();
        let import = upload(&app, &token, "text/csv", format!("Email,Other,Team\n{rows}")).await.expect(201);
        assert_eq!((&import["mapping"]["teams"]["column"], &import["error_count"]), (&2.into(), &500.into()));
        let put = async |mapping: Value| app.call(&token, Method::PUT, &path(&import, "/mapping"), Some(json!({ "mapping": mapping }))).await;
        let mapped = put(json!({ "email": 0, "first_name": 1 })).await.expect(200);
        assert_eq!((&mapped["valid_rows"], &mapped["error_count"], &mapped["errors"]), (&500.into(), &0.into(), &json!([])));
        assert_eq!(mapped["mapping"], json!({ "email": { "column": 0, "confidence": 100 }, "first_name": { "column": 1, "confidence": 100 } }));
        assert!(all(&app, &token, &path(&import, "/errors")).await.is_empty());
        assert_eq!(put(json!({ "email": 1 })).await.expect(200)["valid_rows"], 0);
        assert_eq!(all(&app, &token, &path(&import, "/errors")).await.len(), 500);
        put(json!({ "email": 3 })).await.problem(409, "mapping_mismatch");
        put(json!({ "email": 0, "role": 0 })).await.problem(409, "mapping_mismatch");
        put(json!({ "first_name": 0 })).await.problem(422, "invalid_input");
        // The team is made meanwhile.
        app.call(&token, Method::POST, "/v1/teams", Some(json!({ "name": "Sales" }))).await.expect(201);
        assert_eq!(put(json!({ "email": 0, "teams": 2 })).await.expect(200)["valid_rows"], 500);
        confirm(&app, &token, &import, json!({})).await.expect(202);
        put(json!({ "email": 1 })).await.problem(409, "import_already_confirmed");
        let done = completed(&app, &token, &import).await;
        assert_eq!((&done["counts"]["invited"], &done["counts"]["no_seat"]), (&99.into(), &401.into()));
        app.stop().await;
    }

    async fn a_mapping_and_its_audit_event_are_recorded_together_or_not_at_all(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let import = upload(&app, &token, "text/csv", "Email,Other\nann@example.com,Ann\n").await.expect(201);
        // As a full disk may.
        app.sql(match engine {
            Engine::Sqlite => "CREATE TRIGGER full BEFORE INSERT ON audit_events BEGIN SELECT RAISE(ABORT, 'full'); END",
            Engine::Postgres => "CREATE TRIGGER full_disk BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()",
        })
        .await;
        let other = json!({ "mapping": { "email": 0, "first_name": 1 } });
        app.call(&token, Method::PUT, &path(&import, "/mapping"), Some(other.clone())).await.problem(500, "internal_error");
        confirm(&app, &token, &import, other.clone()).await.problem(500, "internal_error");
        let as_before = app.call(&token, Method::GET, &path(&import, ""), None).await.expect(200);
        assert_eq!((&as_before["mapping"], &as_before["state"]), (&import["mapping"], &"analyzed".into()));
        app.sql(match engine {
            Engine::Sqlite => "DROP TRIGGER full",
            Engine::Postgres => "DROP TRIGGER full_disk ON audit_events",
        })
        .await;
        let mapped = app.call(&token, Method::PUT, &path(&import, "/mapping"), Some(other)).await.expect(200);
        assert_eq!(mapped["mapping"]["first_name"]["column"], 1);
        assert_eq!(all(&app, &token, "/v1/audit-events?action=import.mapped").await.len(), 1);
        app.stop().await;
    }

    async fn of_two_who_map_at_once_one_follows_the_other(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let rows: String = (0..900).map(|at| format!("p{at}@example.com,q{at}@\n")).collect();
        let import = upload(&app, &token, "text/csv", format!("Email,Other\n{rows}")).await.expect(201);
        let put = async |email: u64| {
            let body = json!({ "mapping": { "email": email } });
            app.call(&token, Method::PUT, &path(&import, "/mapping"), Some(body)).await.expect(200)
        };
        tokio::join!(put(1), put(0), put(1), put(0));
        let last = app.call(&token, Method::GET, &path(&import, ""), None).await.expect(200);
        let errors = all(&app, &token, &path(&import, "/errors")).await;
        assert_eq!(json!(errors.len()), last["error_count"], "the errors are those of the current mapping");
        app.stop().await;
    }

    async fn the_result_file_keeps_the_delimiter_and_encoding_of_the_upload(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let sent = "Name;E-Mail;Outcome\r\nMüller;mueller@example.com;+49\r\n\"=HYPERLINK(\"\"x\"\")\";no;\r\nÄnne;MUELLER@example.com;\r\nend\r\n";
        let windows = encoding_rs::WINDOWS_1252.encode(sent).0.into_owned();
        let import = upload(&app, &token, "text/csv", windows).await.expect(201);
        assert_eq!(import["notes"], 1);
        file(&app, &token, &path(&import, "/result.csv")).await.problem(409, "import_not_confirmed");
        confirm(&app, &token, &import, json!({})).await.expect(202);
        completed(&app, &token, &import).await;
        let response = app.request(Method::GET, &path(&import, "/result.csv")).bearer_auth(&token).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/csv; charset=windows-1252");
        let bytes = response.bytes().await.unwrap();
        let text = encoding_rs::WINDOWS_1252.decode(&bytes).0.into_owned();
        let want = [
            "\"Name\";\"E-Mail\";\"Outcome\";\"invitation outcome\";\"reason\"",
            "\"Müller\";\"mueller@example.com\";\"'+49\";\"invited\";\"\"",
            "\"'=HYPERLINK(\"\"x\"\")\";\"no\";\"\";\"invalid\";\"the address has no @\"",
            "\"Änne\";\"MUELLER@example.com\";\"\";\"already_invited\";\"the person has an invitation that still holds; no second message was sent\"",
            "\"end\"",
            "",
        ];
        assert_eq!(text, want.join("\r\n"));
        app.stop().await;
    }

    async fn a_report_of_salesforce_invites_its_rows_and_not_its_notes(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let import = upload(&app, &token, "text/csv", fixture("salesforce-report.csv")).await.expect(201);
        confirm(&app, &token, &import, json!({})).await.expect(202);
        let done = completed(&app, &token, &import).await;
        assert_eq!((&done["rows_done"], &done["notes"]), (&3.into(), &5.into()));
        assert_eq!((&done["counts"]["invited"], &done["counts"]["invalid"]), (&3.into(), &0.into()));
        let text = file(&app, &token, &path(&import, "/result.csv")).await.text;
        assert!(text.ends_with("\"Example Inc.\"\r\n"), "{text}");
        app.stop().await;
    }

    async fn an_import_is_discarded_until_it_is_confirmed_and_only_so_many_wait(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let send = async |token: &str| upload(&app, token, "text/csv", "email\nann@example.com\n").await;
        let mut imports = Vec::new();
        for _ in 0..20 {
            imports.push(send(&token).await.expect(201));
        }
        let problem = send(&token).await.problem(409, "import_limit_reached");
        assert_eq!(problem["link"], "/v1/invite-imports");
        let listed = all(&app, &token, "/v1/invite-imports").await;
        let ids = |rows: &[Value]| rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>();
        assert_eq!((listed.len(), ids(&listed)), (20, ids(&imports)));
        assert_eq!((&listed[0]["state"], &listed[0]["rows"], &listed[0]["valid_rows"]), (&"analyzed".into(), &1.into(), &1.into()));

        let delete = async |import: &Value| app.call(&token, Method::DELETE, &path(import, ""), None).await;
        delete(&imports[0]).await.expect(204);
        delete(&imports[0]).await.problem(404, "not_found");
        confirm(&app, &token, &imports[1], json!({})).await.expect(202);
        delete(&imports[1]).await.problem(409, "import_already_confirmed");
        completed(&app, &token, &imports[1]).await;
        delete(&imports[1]).await.problem(409, "import_already_confirmed");
        assert_eq!(app.sql("UPDATE invite_import_chunks SET faults = faults").await, 19, "with the import its rows have gone");

        app.clock.advance(Duration::days(8));
        let token = app.narrowed_again(&token).await;
        send(&token).await.expect(201);
        eventually("what waited for a week is gone", async || all(&app, &token, "/v1/invite-imports").await.len() == 2).await;
        app.stop().await;
    }

    async fn the_progress_is_told_by_events_until_the_import_is_over(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let file: String = (0..300).map(|at| format!("p{at}@example.com\n")).collect();
        let import = upload(&app, &token, "text/csv", file).await.expect(201);
        let following = app.request(Method::GET, &path(&import, "/events")).bearer_auth(&token);
        let following = tokio::spawn(async move { following.send().await.unwrap().text().await.unwrap() });
        confirm(&app, &token, &import, json!({})).await.expect(202);
        let text = following.await.unwrap();
        let events: Vec<Value> = text.lines().filter_map(|line| line.strip_prefix("data: ")).map(|data| serde_json::from_str(data).unwrap()).collect();
        assert!(text.starts_with("event: import\n"), "{text}");
        let last = events.last().unwrap();
        assert_eq!((&last["state"], &last["rows_done"], &last["rows"]), (&"completed".into(), &300.into(), &300.into()));
        app.stop().await;
    }

    async fn a_stream_of_events_is_brought_to_its_end_when_the_process_stops(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let import = upload(&app, &token, "text/csv", "ann@example.com\n").await.expect(201);
        let mut following = app.request(Method::GET, &path(&import, "/events")).bearer_auth(&token).send().await.unwrap();
        let first = following.chunk().await.unwrap().unwrap();
        assert!(first.starts_with(b"event: import\n"));
        // Cut off, it would be an error.
        let ((), rest) = tokio::join!(app.stop(), following.text());
        assert_eq!(rest.unwrap(), "");
    }
}
