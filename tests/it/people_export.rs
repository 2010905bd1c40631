//! Exporting people as a file.

use std::io::Read;

use reqwest::Method;
use serde_json::Value;

use crate::people::{add, synced};
use crate::support::{Answer, TestApp, on_both_engines};

async fn export(app: &TestApp, token: &str, query: &str) -> Answer {
    let answer = app.call(token, Method::GET, &format!("/v1/people/export?{query}"), None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

/// Reads every line after the first as an object without its empty cells.
fn read_csv(text: &str) -> Vec<Value> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names = reader.headers().unwrap().clone();
    let person = |record: csv::StringRecord| {
        let cells = names.iter().zip(&record).filter(|(_, cell)| !cell.is_empty());
        let plain = |name: &str, cell: &str| if name == "marketo_id" { cell.parse::<i64>().unwrap().into() } else { Value::from(cell) };
        cells.map(|(name, cell)| (name.to_owned(), plain(name, cell))).collect::<serde_json::Map<_, _>>().into()
    };
    reader.records().map(|record| person(record.unwrap())).collect()
}

fn read_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

on_both_engines! {
    async fn an_export_has_everybody_once_in_either_format(engine: Engine) {
        let (app, token) = synced(engine).await;
        // More than are read at a time.
        add(&app, &vec![("Comma, \"Quote\"", "Line\nBreak"); 2_300]).await;
        let mut all = app.people(&token).await;
        let lines = export(&app, &token, "format=ndjson").await;
        assert_eq!(lines.headers["content-type"], "application/x-ndjson");
        assert_eq!(lines.headers["content-disposition"], "attachment; filename=\"people.ndjson\"");
        assert!(read_lines(&lines.text) == all);
        let csv = export(&app, &token, "").await;
        assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8; header=present");
        assert!(csv.text.starts_with("marketo_id,first_name,last_name,"));
        for person in &mut all {
            // Phone numbers begin with a sign that begins a formula.
            if let Some(phone) = person["phone"].as_str().filter(|phone| phone.starts_with('+')).map(|phone| format!("'{phone}")) {
                person["phone"] = phone.into();
            }
        }
        assert!(read_csv(&csv.text) == all);
        app.stop().await;
    }

    async fn an_export_is_compressed_when_gzip_is_accepted(engine: Engine) {
        let (app, token) = synced(engine).await;
        let plain = export(&app, &token, "format=csv").await;
        assert!(!plain.headers.contains_key("content-encoding"));
        // The usual client unpacks unasked.
        #[allow(clippy::disallowed_methods)]
        let client = reqwest::Client::builder().no_gzip().build().unwrap();
        let request = client.get(format!("{}/v1/people/export", app.url)).bearer_auth(&token).header("accept-encoding", "gzip");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-encoding"], "gzip");
        assert_eq!(answer.headers()["vary"], "accept-encoding");
        let mut unpacked = String::new();
        flate2::read::GzDecoder::new(&*answer.bytes().await.unwrap()).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain.text);
        app.stop().await;
    }

    async fn csv_cells_are_never_formulas_and_json_lines_are_unchanged(engine: Engine) {
        let (app, token) = synced(engine).await;
        add(&app, &[("=HYPERLINK(\"http://x\")", "@SUM"), ("'t", "'=1")]).await;
        let csv = read_csv(&export(&app, &token, "email=p9000001@added.example").await.text);
        assert_eq!((&csv[0]["first_name"], &csv[0]["last_name"]), (&"'=HYPERLINK(\"http://x\")".into(), &"'@SUM".into()));
        let csv = read_csv(&export(&app, &token, "email=p9000002@added.example").await.text);
        assert_eq!((&csv[0]["first_name"], &csv[0]["last_name"]), (&"'t".into(), &"''=1".into()));
        let lines = read_lines(&export(&app, &token, "format=ndjson&marketo_id=9000001").await.text);
        assert_eq!(lines[0]["last_name"], "@SUM");
        app.stop().await;
    }

    async fn an_export_takes_the_filters_of_the_list(engine: Engine) {
        let (app, token) = synced(engine).await;
        add(&app, &vec![("Exported", "Twin"); 1_500]).await;
        let found = read_lines(&export(&app, &token, "format=ndjson&name_prefix=exp").await.text);
        let ids: Vec<_> = found.iter().map(|person| person["marketo_id"].as_i64().unwrap()).collect();
        assert_eq!(ids, (9_000_001..=9_001_500).collect::<Vec<_>>());
        let nobody = export(&app, &token, "salesforce_id=0031U00000V0tkDBAR").await;
        assert_eq!(nobody.text.lines().count(), 1, "the line of names");
        let path = "/v1/people/export?format=xml";
        app.call(&token, Method::GET, path, None).await.problem(422, "invalid_input");
        let path = "/v1/people/export?marketo_id=0&salesforce_id=1&email=";
        let problem = app.call(&token, Method::GET, path, None).await.problem(422, "invalid_input");
        assert_eq!(problem["errors"].as_array().unwrap().len(), 3);
        app.stop().await;
    }
}
