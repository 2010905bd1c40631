//! An import whose process is killed, again and again.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::invite_imports::{all, begun, confirm, path, upload};
use crate::support::{RandomChoices, TestApp, on_both_engines};

const ROWS: u64 = 700;
/// Longest time for anything, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Asks until it is so.
async fn until(app: &TestApp, token: &str, path: &str, ready: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let body = app.call(token, Method::GET, path, None).await.expect(200);
        if ready(&body) {
            return body;
        }
        assert!(began.elapsed() < PATIENCE, "still not ready: {body}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

on_both_engines! {
    async fn an_import_of_a_killed_process_invites_everybody_once(engine: Engine) {
        let chance = RandomChoices::new("an import whose process is killed");
        let app = TestApp::without_service(engine, 10).await;
        let mail = app.directory.path().join("mail");
        let variables = [
            ("MSI_LOG__FILTER", "info"),
            ("MSI_LIMITS__SEATS", "1000"),
            ("MSI_MAIL__MESSAGES_PER_MINUTE", "0"),
            ("MSI_MAIL__DIRECTORY", mail.to_str().unwrap()),
        ];
        let serve = || app.serve_with(app.port(), &variables);
        let mut process = serve();
        let token = begun(&app).await;
        let file: String = (0..ROWS).map(|at| format!("Person,p{at}@example.com\n")).collect();
        let import = upload(&app, &token, "text/csv", format!("name,email\n{file}")).await.expect(201);
        let own = path(&import, "");
        // Between the analysis and the confirmation, too.
        process.kill();
        process = serve();
        confirm(&app, &token, &import, json!({})).await.expect(202);
        for rows in [0, 200, 400] {
            // A transaction takes 200 rows on, so the kill comes before the end of the next one, or in the middle of it.
            let seen = until(&app, &token, &own, |import| import["rows_done"].as_u64() >= Some(rows)).await;
            assert_eq!(seen["state"], "confirmed", "there is something left to be killed: {seen}");
            tokio::time::sleep(Duration::from_millis(chance.below(20))).await;
            process.kill();
            // As if the time after which another process takes over had passed.
            app.sql("UPDATE jobs SET locked_until = created_at WHERE state = 'running'").await;
            process = serve();
        }
        let done = until(&app, &token, &own, |import| import["state"] == "completed").await;
        assert_eq!((&done["rows_done"], &done["counts"]["invited"]), (&ROWS.into(), &ROWS.into()), "{done}");

        let result = app.call(&token, Method::GET, &path(&import, "/result.csv"), None).await;
        let lines: Vec<_> = result.text.lines().skip(1).map(str::to_owned).collect();
        let wanted: Vec<_> = (0..ROWS).map(|at| format!("\"Person\",\"p{at}@example.com\",\"invited\",\"\"")).collect();
        assert_eq!(lines, wanted);
        for list in ["/v1/invites", "/v1/members"] {
            let rows = all(&app, &token, list).await;
            let addresses: BTreeSet<_> = rows.iter().map(|row| row["email"].as_str().unwrap()).collect();
            assert_eq!((rows.len() as u64, addresses.len() as u64), (ROWS + 1, ROWS + 1), "{list}, with the first user");
        }
        let nothing_waits = |page: &Value| page["data"].as_array().unwrap().is_empty();
        until(&app, &token, "/v1/invites?state=pending&limit=1", nothing_waits).await;
        let recipients: Vec<_> = app.texts().iter().filter_map(|text| text.lines().find(|line| line.starts_with("To: ")).map(str::to_owned)).collect();
        let once: BTreeSet<_> = recipients.iter().collect();
        assert_eq!((recipients.len() as u64, once.len() as u64), (ROWS + 1, ROWS + 1), "one message a person");
        assert_eq!(process.stop(), Some(0));
        app.stop().await;
    }
}
