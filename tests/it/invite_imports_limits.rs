//! What an upload may take: of the disk, of the processor, of time, and of the places that others wait for.

use std::io::{Cursor, Write};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::invite_imports::{all, begun, confirm, path, upload};
use crate::support::person::{member, open_to_members};
use crate::support::{Engine, TestApp, eventually, on_both_engines};

const SHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// A spreadsheet whose sheets all name one part, with these texts.
fn workbook(sheets: usize, sheet: &[&[u8]], texts: &str) -> Vec<u8> {
    let entries: String = (1..=sheets).map(|at| format!("<sheet name=\"S{at}\" sheetId=\"{at}\" r:id=\"r1\"/>")).collect();
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relation = |id: &str, kind: &str, target: &str| format!("<Relationship Id=\"{id}\" Type=\"{office}/{kind}\" Target=\"{target}\"/>");
    let root = format!("<Relationships xmlns=\"{package}\">{}</Relationships>", relation("r1", "officeDocument", "xl/workbook.xml"));
    let parts = relation("r1", "worksheet", "worksheets/sheet1.xml") + &relation("r2", "sharedStrings", "sharedStrings.xml");
    let book = format!("<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets>{entries}</sheets></workbook>");
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, pieces: &[&[u8]]| {
        archive.start_file(name, SimpleFileOptions::default()).unwrap();
        pieces.iter().for_each(|piece| archive.write_all(piece).unwrap());
    };
    add("_rels/.rels", &[root.as_bytes()]);
    add("xl/workbook.xml", &[book.as_bytes()]);
    add("xl/_rels/workbook.xml.rels", &[format!("<Relationships xmlns=\"{package}\">{parts}</Relationships>").as_bytes()]);
    add("xl/worksheets/sheet1.xml", sheet);
    add("xl/sharedStrings.xml", &[format!("<sst xmlns=\"{main}\"><si><t>{texts}</t></si></sst>").as_bytes()]);
    archive.finish().unwrap().into_inner()
}

/// A connection on which an upload of this many bytes has begun; nothing of the file was sent yet.
async fn begin_upload(app: &TestApp, token: &str, bytes: usize) -> (OwnedReadHalf, OwnedWriteHalf) {
    let head = format!(
        "POST /v1/invite-imports HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: text/csv\r\n\
         content-length: {bytes}\r\n\r\n"
    );
    begin(app, &head).await
}

async fn begin(app: &TestApp, head: &str) -> (OwnedReadHalf, OwnedWriteHalf) {
    let stream = TcpStream::connect(app.url.trim_start_matches("http://")).await.unwrap();
    let (read, mut write) = stream.into_split();
    write.write_all(head.as_bytes()).await.unwrap();
    (read, write)
}

/// What comes until the other side closes, or nothing came for a while.
async fn answer(mut read: OwnedReadHalf) -> String {
    let mut bytes = vec![0; 4096];
    let length = read.read(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[test]
fn one_long_text_in_every_cell_is_refused_before_it_fills_the_disk() {
    crate::support::run(async {
        let app = TestApp::start_guided(Engine::Sqlite, 10).await;
        let token = begun(&app).await;
        let row = |at: usize| {
            let cells: String = (b'A'..=b'O').map(|column| format!("<c r=\"{}{at}\" t=\"s\"><v>0</v></c>", column as char)).collect();
            format!("<row r=\"{at}\">{cells}</row>")
        };
        let rows: String = (1..=4000).map(row).collect();
        let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
        let bomb = workbook(1, &[sheet.as_bytes()], &"x".repeat(32_000));
        assert!(bomb.len() < 1024 * 1024, "{}", bomb.len());
        let problem = upload(&app, &token, SHEET, bomb).await.problem(422, "import_unreadable");
        assert_eq!((&problem["errors"][0]["code"], problem["errors"].as_array().unwrap().len()), (&"text_bytes".into(), 1), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("more than 50 MB"), "{problem}");
        app.stop().await;
    });
}

#[test]
fn a_part_that_thirty_sheets_name_is_not_read_thirty_times() {
    crate::support::run(async {
        let app = TestApp::start_guided(Engine::Sqlite, 10).await;
        let token = begun(&app).await;
        let row = [b"<row>".as_slice(), &vec![b' '; 1_000_000], b"</row>"].concat();
        let mut pieces = vec![b"<worksheet><sheetData>".as_slice()];
        pieces.extend(std::iter::repeat_n(row.as_slice(), 100));
        pieces.push(b"</sheetData></worksheet>");
        let bomb = workbook(30, &pieces, "x");
        assert!(bomb.len() < 1024 * 1024, "{}", bomb.len());
        let problem = upload(&app, &token, SHEET, bomb).await.problem(422, "import_unreadable");
        assert_eq!(problem["errors"][0]["code"], "unpacked_bytes", "{problem}");
        app.stop().await;
    });
}

#[test]
fn an_instance_has_four_uploads_at_once_and_a_closed_connection_is_none() {
    crate::support::run(async {
        let app = TestApp::start_guided(Engine::Sqlite, 10).await;
        let (_, token) = app.instance("123-ABC-456").await;
        let (_, other) = app.instance("456-DEF-789").await;
        let file = "a@example.com\n";
        let mut open = Vec::new();
        for _ in 0..5 {
            open.push(begin_upload(&app, &token, 1000).await);
        }
        // Of five, one is refused; then the others are under way.
        let is_answered = |(read, _): &(OwnedReadHalf, OwnedWriteHalf)| read.try_read(&mut [0; 10]).is_ok();
        eventually("one of five uploads is refused", async || open.iter().any(is_answered)).await;
        let refused = upload(&app, &token, "text/csv", file).await;
        refused.problem(429, "too_many_requests");
        assert_eq!(refused.headers["retry-after"], "10");
        upload(&app, &other, "text/csv", file).await.expect(201);
        drop(open);
        eventually("the places are free again", async || upload(&app, &token, "text/csv", file).await.status == 201).await;
        app.stop().await;
    });
}

#[test]
fn an_upload_of_a_few_bytes_a_second_ends() {
    crate::support::run(async {
        let app = TestApp::start_guided(Engine::Sqlite, 10).await;
        let token = begun(&app).await;
        let (read, mut write) = begin_upload(&app, &token, 100_000).await;
        let mut answered = tokio::spawn(answer(read));
        let answer = loop {
            // Once the service has answered, it takes no more.
            let _ = write.write_all(b"a").await;
            app.clock.advance(time::Duration::seconds(31));
            tokio::select! {
                answer = &mut answered => break answer.unwrap(),
                () = tokio::time::sleep(std::time::Duration::from_millis(20)) => {}
            }
        };
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"upload_too_slow\""), "{answer}");
        app.stop().await;
    });
}

#[test]
fn a_body_of_another_route_that_comes_too_slowly_ends() {
    crate::support::run(async {
        let app = TestApp::start_with_toml(Engine::Sqlite, "[server]\nrequest_timeout_seconds = 1\n").await;
        let token = app.operator_token().await;
        let head = format!(
            "POST /v1/instances HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             content-length: 1000\r\n\r\n{{"
        );
        let (read, _write) = begin(&app, &head).await;
        let answer = answer(read).await;
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\"timed_out\""), "{answer}");
        app.stop().await;
    });
}

on_both_engines! {
    async fn of_uploads_at_once_no_more_than_twenty_wait_to_be_confirmed(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        for _ in 0..18 {
            upload(&app, &token, "text/csv", "a@example.com\n").await.expect(201);
        }
        let one = || upload(&app, &token, "text/csv", "a@example.com\n");
        let four = tokio::join!(one(), one(), one(), one());
        let answers = [four.0, four.1, four.2, four.3];
        let mut codes = answers.each_ref().map(|answer| answer.status.as_u16());
        codes.sort_unstable();
        assert_eq!(codes, [201, 201, 409, 409]);
        let refused = answers.iter().find(|answer| answer.status == 409).unwrap();
        refused.problem(409, "import_limit_reached");
        assert_eq!(all(&app, &token, "/v1/invite-imports").await.len(), 20);
        app.stop().await;
    }

    async fn an_unclosed_quote_is_a_fault_of_its_row_alone(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let file = "email,name\na@example.com,\"oops\nb@example.com,B\nCy Lee <c@example.com>,\"C, Jr\"\nmailto:d@example.com,D\n";
        let import = upload(&app, &token, "text/csv", file).await.expect(201);
        assert_eq!((&import["rows"], &import["valid_rows"], &import["error_count"]), (&4.into(), &3.into(), &1.into()), "{import}");
        let error = &import["errors"][0];
        assert_eq!((&error["row"], &error["column"], &error["code"]), (&2.into(), &1.into(), &"quote_unclosed".into()));
        // Another mapping finds the same error in the rows as they were kept.
        let mapping = json!({ "mapping": { "email": 0, "last_name": 1 } });
        let mapped = app.call(&token, Method::PUT, &path(&import, "/mapping"), Some(mapping)).await.expect(200);
        assert_eq!(mapped["errors"], import["errors"]);
        assert_eq!(all(&app, &token, &path(&import, "/errors")).await, *import["errors"].as_array().unwrap());
        confirm(&app, &token, &import, json!({})).await.expect(202);
        let done = crate::invite_imports::completed(&app, &token, &import).await;
        assert_eq!((&done["counts"]["invited"], &done["counts"]["invalid"]), (&3.into(), &1.into()));
        let result = app.call(&token, Method::GET, &path(&import, "/result.csv"), None).await.text;
        let oops = "\"a@example.com\",\"\"\"oops\",\"invalid\",\"a quotation mark is opened here and never closed; close it, or take it away\"";
        assert_eq!(result.lines().nth(1), Some(oops), "{result}");
        let invited = app.call(&token, Method::GET, "/v1/invites?email=c@example", None).await.expect(200);
        assert_eq!(invited["data"][0]["email"], "c@example.com");
        app.stop().await;
    }

    async fn a_mapping_chosen_while_an_import_is_confirmed_is_not_lost(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        for round in 0..10 {
            let file = format!("Email,Private email\na{round}@example.com,a{round}@home.example\n");
            let import = upload(&app, &token, "text/csv", file).await.expect(201);
            let other = json!({ "mapping": { "email": 1 } });
            let address = path(&import, "/mapping");
            let mapped = app.call(&token, Method::PUT, &address, Some(other));
            let (mapped, confirmed) = tokio::join!(mapped, confirm(&app, &token, &import, json!({})));
            confirmed.expect(202);
            let done = crate::invite_imports::completed(&app, &token, &import).await;
            let column = if mapped.status == 200 { 1 } else { 0 };
            assert_eq!((&done["confirmation"]["mapping"]["email"], &done["mapping"]["email"]["column"]), (&column.into(), &column.into()));
            assert_eq!(done["counts"]["invited"], 1, "{done}");
        }
        app.stop().await;
    }

    async fn users_see_no_imports_and_admins_do(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = open_to_members(&app).await;
        let import: Value = upload(&app, &token, "text/csv", "a@example.com\n").await.expect(201);
        let user = member(&app, &token, "user@example.com", "user").await;
        let admin = member(&app, &token, "admin@example.com", "admin").await;
        for rest in ["", "/errors", "/results", "/errors.csv", "/events"] {
            user.get(&app, &path(&import, rest)).await.problem(403, "forbidden");
        }
        user.get(&app, "/v1/invite-imports").await.problem(403, "forbidden");
        admin.get(&app, &path(&import, "/results")).await.expect(200);
        admin.get(&app, "/v1/invite-imports").await.expect(200);
        app.stop().await;
    }
}
