//! How messages leave, with a real mail server (npm `smtp-server`): nothing is lost, and nobody gets two.

use std::process::Output;

use msi_actions::sandbox::SandboxSettings;
use reqwest::Method;
use reqwest::header::ACCEPT;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{
    Answer, Engine, FIRST_USER, MUNCHKIN_ID, MailServer, TestApp, binary, eventually, link_path, mail_authority, on_both_engines,
    reserve_port,
};

/// The service, with a mail server at `url`.
async fn app_with(engine: Engine, url: String) -> TestApp {
    let played = SandboxSettings { people: 10, ..SandboxSettings::default() };
    TestApp::start_guided_changed(engine, played, |settings| {
        settings.mail.smtp_url = url;
        settings.mail.from = "MSI Actions <no-reply@actions.example>".into();
        settings.mail.ca_file = mail_authority();
        settings.mail.messages_per_minute = 0;
        settings.mail.answer_timeout_seconds = 1;
    })
    .await
}

/// Invites the first user; returns the address of the invitation.
async fn invite_first(app: &TestApp, token: &str) -> String {
    let invited = app.call(token, Method::POST, "/v1/invites/first", Some(json!({ "email": FIRST_USER }))).await.expect(201);
    format!("/v1/invites/{}", invited["id"].as_str().unwrap())
}

async fn outbox(app: &TestApp, query: &str) -> Vec<Value> {
    let token = app.operator_token().await;
    app.call(&token, Method::GET, &format!("/v1/mail/outbox{query}"), None).await.expect(200)["data"].as_array().unwrap().clone()
}

/// Moves the clock past the next try.
async fn next_try(app: &TestApp) {
    app.advance_between_jobs(Duration::minutes(1)).await;
}

fn status(wanted: &'static str) -> impl Fn(&Value) -> bool {
    move |invite| invite["state"] == wanted
}

fn delayed(why: &'static str) -> impl Fn(&Value) -> bool {
    move |invite| invite["state"] == "pending" && invite["send_error"].as_str().is_some_and(|text| text.contains(why))
}

on_both_engines! {
    async fn an_invitation_is_sent_encrypted_and_its_link_activates(engine: Engine) {
        let server = MailServer::start_encrypted("mailer@actions", "correct horse/battery", false);
        let url = format!("smtp://mailer%40actions:correct%20horse%2Fbattery@localhost:{}?tls=required", server.port);
        let app = app_with(engine, url).await;
        let token = app.guided_instance().await;
        let instance = app.call(&token, Method::PATCH, "/v1/instance", Some(json!({ "language": "de", "name": "Bücher & Söhne" }))).await;
        instance.expect(200);
        let path = invite_first(&app, &token).await;
        let invite = app.until(&token, &path, status("sent")).await;

        let received = server.received();
        assert_eq!(received.len(), 1);
        let message = &received[0];
        assert_eq!((&message["secure"], &message["user"]), (&true.into(), &"mailer@actions".into()));
        assert_eq!((&message["from"], &message["to"]), (&"no-reply@actions.example".into(), &json!([FIRST_USER])));
        assert_eq!(message["subject"], "Einladung zu Bücher & Söhne in Sales Insight Actions");
        assert_eq!((&message["headers"]["content-language"], &message["headers"]["auto-submitted"]), (&"de".into(), &"auto-generated".into()));
        assert_eq!(message["message_id"], format!("<{}@actions.example>", invite["message_id"].as_str().unwrap()));
        for part in ["Ihr Marketo-Administrator hat Sie zu Bücher & Söhne", "bis 22. Juni 2026, 12:00 UTC"] {
            assert!(message["text"].as_str().unwrap().contains(part), "{message}");
        }
        let link = link_path(message);
        assert!(message["html"].as_str().unwrap().contains(&format!("<a href=\"{}{link}\">", app.url)), "{message}");

        let page = Answer::send(app.request(Method::GET, &link).header(ACCEPT, "text/html")).await;
        assert_eq!(page.status.as_u16(), 200, "{}", page.text);
        let begun = Answer::send(app.request(Method::POST, &link).json(&json!({ "method": "salesforce" }))).await.expect(200);
        let back = app.log_in_at_salesforce(begun["authorization_url"].as_str().unwrap(), FIRST_USER).await;
        assert!(app.come_back(&back).await.text.contains("Ihr Konto ist aktiv"));
        assert_eq!(app.call(&token, Method::GET, &path, None).await.expect(200)["state"], "accepted");

        let seen = outbox(&app, "").await;
        assert_eq!((&seen[0]["state"], &seen[0]["attempts"], &seen[0]["kind"]), (&"sent".into(), &1.into(), &"invitation".into()));
        assert_eq!((&seen[0]["recipient"], &seen[0]["language"]), (&"m…@example.com".into(), &"de".into()));
        assert!(!seen[0].to_string().contains("activate"), "{}", seen[0]);
        app.stop().await;
    }

    async fn tls_from_the_start_works_too(engine: Engine) {
        let server = MailServer::start_encrypted("mailer", "correct horse", true);
        let app = app_with(engine, format!("smtps://mailer:correct%20horse@localhost:{}", server.port)).await;
        let token = app.guided_instance().await;
        let path = invite_first(&app, &token).await;
        app.until(&token, &path, status("sent")).await;
        assert_eq!(server.received()[0]["secure"], true);
        app.stop().await;
    }

    async fn a_message_deferred_with_451_is_tried_again_and_arrives_once(engine: Engine) {
        let server = MailServer::start();
        server.tell("recipient", json!([{ "answer": "451 4.7.1 <maria.admin@example.com> is greylisted" }])).await;
        server.tell("message", json!([{ "answer": "452 4.3.1 the disk is full" }])).await;
        let app = app_with(engine, server.url()).await;
        let token = app.guided_instance().await;
        let path = invite_first(&app, &token).await;
        app.until(&token, &path, delayed("greylisted")).await;
        let waiting = outbox(&app, "?state=queued").await;
        assert_eq!(waiting[0]["attempts"], 1);
        assert_eq!(waiting[0]["last_error"], "the mail server does not take the message now (451)", "without the address");
        assert_eq!(waiting[0]["next_attempt_at"], "2026-06-15T12:00:04.000000Z");
        let problem = app.call(&token, Method::POST, &format!("{path}/resend"), None).await.problem(409, "invite_on_its_way");
        assert!(problem["detail"].as_str().unwrap().contains("tried again by itself"), "{problem}");

        app.advance_between_jobs(Duration::seconds(4)).await;
        app.until(&token, &path, delayed("disk is full")).await;
        app.advance_between_jobs(Duration::seconds(8)).await;
        let sent = app.until(&token, &path, status("sent")).await;
        assert!(sent.get("send_error").is_none(), "{sent}");
        let received = server.received();
        assert_eq!(received.len(), 2, "the one refused at its end, and the one taken");
        assert_eq!((&received[0]["message_id"], link_path(&received[0])), (&received[1]["message_id"], link_path(&received[1])));
        assert_eq!(outbox(&app, "?state=sent").await[0]["attempts"], 3);
        next_try(&app).await;
        assert_eq!(server.received().len(), 2);
        app.stop().await;
    }

    async fn an_address_refused_with_550_bounces_until_it_is_invited_again(engine: Engine) {
        let server = MailServer::start();
        let app = app_with(engine, server.url()).await;
        let token = app.guided_instance().await;
        let first = invite_first(&app, &token).await;
        app.until(&token, &first, status("sent")).await;
        server.tell("recipient", json!([{ "answer": "550 5.1.1 no such mailbox" }])).await;
        let list = json!({ "emails": ["nobody@example.com"] });
        let invited = app.call(&token, Method::POST, "/v1/invites", Some(list.clone())).await.expect(200);
        let path = format!("/v1/invites/{}", invited["data"][0]["invite"]["id"].as_str().unwrap());
        let bounced = app.until(&token, &path, status("bounced")).await;
        assert!(bounced["send_error"].as_str().unwrap().contains("5.1.1 no such mailbox"), "{bounced}");
        assert_eq!(outbox(&app, "?state=refused").await[0]["last_error"], "the mail server refuses the message (550)");
        next_try(&app).await;
        app.call(&token, Method::POST, &format!("{path}/extend"), None).await.problem(409, "invite_settled");
        assert_eq!(server.count("received"), 1);

        let again = app.call(&token, Method::POST, "/v1/invites", Some(list)).await.expect(200);
        assert_eq!(again["data"][0]["outcome"], "invited");
        let path = format!("/v1/invites/{}", again["data"][0]["invite"]["id"].as_str().unwrap());
        app.until(&token, &path, status("sent")).await;
        assert_eq!(server.count("received"), 2);
        app.stop().await;
    }

    async fn while_the_server_is_down_the_message_waits_and_then_arrives_once(engine: Engine) {
        let port = reserve_port();
        let url = format!("smtp://127.0.0.1:{port}");
        let app = app_with(engine, url).await;
        let token = app.guided_instance().await;
        let path = invite_first(&app, &token).await;
        app.until(&token, &path, |invite| invite["send_error"].is_string()).await;
        app.advance_between_jobs(Duration::seconds(4)).await;
        eventually("a second try", async || outbox(&app, "").await[0]["attempts"] == 2).await;
        let server = MailServer::start_with(json!({ "port": port }));
        next_try(&app).await;
        app.until(&token, &path, status("sent")).await;
        next_try(&app).await;
        assert_eq!(server.received().len(), 1);
        app.stop().await;
    }

    async fn a_server_that_refuses_us_or_our_password_bounces_nobody(engine: Engine) {
        let server = MailServer::start_encrypted("mailer", "another", false);
        server.tell("connect", json!([{ "answer": "554 5.7.1 your address is blocked" }])).await;
        let url = format!("smtp://mailer:wrong@localhost:{}?tls=required", server.port);
        let app = app_with(engine, url).await;
        let token = app.guided_instance().await;
        let path = invite_first(&app, &token).await;
        app.until(&token, &path, delayed("blocked")).await;
        app.advance_between_jobs(Duration::seconds(4)).await;
        app.until(&token, &path, delayed("wrong credentials")).await;
        assert_eq!(outbox(&app, "?state=queued&kind=invitation").await[0]["attempts"], 2);
        app.stop().await;
    }

    async fn nothing_goes_to_a_server_that_can_not_be_trusted_or_does_not_encrypt(engine: Engine) {
        let (plain, untrusted) = (MailServer::start(), MailServer::start_encrypted("mailer", "another", false));
        let app = app_with(engine, format!("{}?tls=required", plain.url())).await;
        let token = app.guided_instance().await;
        let path = invite_first(&app, &token).await;
        app.until(&token, &path, delayed("no STARTTLS")).await;
        app.stop().await;
        let played = SandboxSettings { people: 10, ..SandboxSettings::default() };
        let app = TestApp::start_guided_changed(engine, played, |settings| {
            settings.mail.smtp_url = format!("smtp://mailer:another@localhost:{}?tls=required", untrusted.port);
        })
        .await;
        let token = app.guided_instance().await;
        invite_first(&app, &token).await;
        eventually("a try", async || outbox(&app, "").await[0]["last_error"].is_string()).await;
        assert_eq!((plain.count("received"), untrusted.count("received")), (0, 0));
        app.stop().await;
    }

    async fn a_slow_server_gets_the_message_once(engine: Engine) {
        let server = MailServer::start();
        // Longer than the answers to earlier steps are waited for: that first try comes to nothing.
        server.tell("connect", json!([{ "delay": 1500 }])).await;
        server.tell("message", json!([{ "delay": 2500 }])).await;
        let app = app_with(engine, server.url()).await;
        let token = app.guided_instance().await;
        let path = invite_first(&app, &token).await;
        app.until(&token, &path, delayed("timed out")).await;
        app.advance_between_jobs(Duration::seconds(4)).await;
        // The answer to the end of the message is waited for, however long it takes.
        app.until(&token, &path, status("sent")).await;
        next_try(&app).await;
        assert_eq!((server.received().len(), &outbox(&app, "").await[0]["attempts"]), (1, &2.into()));
        app.stop().await;
    }

    async fn a_message_whose_answer_is_lost_is_sent_once_more_at_most(engine: Engine) {
        let server = MailServer::start();
        server.tell("message", json!([{ "drop": true }, { "drop": true }])).await;
        let app = app_with(engine, server.url()).await;
        let token = app.guided_instance().await;
        let path = invite_first(&app, &token).await;
        app.until(&token, &path, |invite| invite["send_error"].is_string()).await;
        assert!(outbox(&app, "").await[0]["last_error"].as_str().unwrap().starts_with("it is not known whether"));
        app.advance_between_jobs(Duration::seconds(4)).await;
        let sent = app.until(&token, &path, status("sent")).await;
        assert!(sent["send_error"].as_str().unwrap().contains("did not confirm"), "{sent}");
        let seen = outbox(&app, "?state=unconfirmed").await;
        assert_eq!((seen.len(), &seen[0]["attempts"]), (1, &2.into()));
        next_try(&app).await;
        let received = server.received();
        assert_eq!(received.len(), 2);
        assert_eq!(received[0]["message_id"], received[1]["message_id"], "so that the receiver can tell them to be one");
        assert_eq!(link_path(&received[0]), link_path(&received[1]));
        app.stop().await;
    }

    async fn a_message_of_a_killed_process_is_sent_at_most_once_more(engine: Engine) {
        let server = MailServer::start();
        let minutes = json!({ "delay": 120_000 });
        server.tell("message", json!([minutes, minutes])).await;
        let url = server.url();
        let app = TestApp::without_service(engine, 10).await;
        let serve = || app.serve_with(app.port(), &[("MSI_MAIL__SMTP_URL", &url), ("MSI_LOG__FILTER", "info")]);
        let first = serve();
        let (_, token) = app.instance(MUNCHKIN_ID).await;
        let path = invite_first(&app, &token).await;
        let mut process = first;
        for time in 1..=2 {
            server.wait_for("received", time).await;
            assert_eq!(outbox(&app, "").await[0]["state"], "sending");
            process.kill();
            // As if the lease of the dead had expired.
            app.sql("UPDATE jobs SET locked_until = '2020-01-01T00:00:00.000000Z' WHERE kind = 'send_mail'").await;
            process = serve();
        }
        let sent = app.until(&token, &path, status("sent")).await;
        assert!(sent["send_error"].as_str().unwrap().contains("did not confirm"), "{sent}");
        assert_eq!((&outbox(&app, "").await[0]["state"], server.received().len()), (&"unconfirmed".into(), 2));
        let received = server.received();
        assert_eq!((&received[0]["message_id"], link_path(&received[0])), (&received[1]["message_id"], link_path(&received[1])));
        process.stop();
    }

    async fn a_server_is_handed_so_many_messages_a_minute_by_all_processes_together(engine: Engine) {
        let server = MailServer::start();
        let played = SandboxSettings { people: 10, ..SandboxSettings::default() };
        let app = TestApp::start_guided_changed(engine, played, |settings| {
            settings.mail.smtp_url = server.url();
            settings.mail.messages_per_minute = 6;
        })
        .await;
        let replica = app.replica().await;
        let token = app.guided_instance().await;
        invite_first(&app, &token).await;
        app.call(&token, Method::POST, "/v1/invites", Some(json!({ "emails": ["a@example.com, b@example.com, c@example.com"] }))).await.expect(200);
        let planned = async || outbox(&app, "").await.iter().filter(|mail| mail["attempts"] == 0 && mail["next_attempt_at"] != "2026-06-15T12:00:00.000000Z").count() == 3;
        eventually("three have their time", planned).await;
        let mut times: Vec<_> = outbox(&app, "?state=queued").await.iter().map(|mail| mail["next_attempt_at"].as_str().unwrap().to_owned()).collect();
        times.sort();
        assert_eq!(times, ["12:00:10", "12:00:20", "12:00:30"].map(|time| format!("2026-06-15T{time}.000000Z")));
        for count in 1..=4 {
            server.wait_for("received", count).await;
            assert_eq!(server.received().len(), count);
            app.advance_between_jobs(Duration::seconds(10)).await;
        }
        replica.stop().await;
        app.stop().await;
    }

    async fn an_invitation_that_can_not_be_delivered_in_its_time_is_given_up(engine: Engine) {
        let app = app_with(engine, "smtp://127.0.0.1:1".into()).await;
        let token = app.guided_instance().await;
        let path = invite_first(&app, &token).await;
        app.until(&token, &path, |invite| invite["send_error"].is_string()).await;
        app.advance_between_jobs(Duration::days(7)).await;
        eventually("it is given up", async || outbox(&app, "?state=ran_out").await.len() == 1).await;
        let token = app.narrowed_again(&token).await;
        assert_eq!(app.call(&token, Method::GET, &path, None).await.expect(200)["state"], "expired");
        app.stop().await;
    }

    async fn an_invitation_revoked_before_its_message_left_is_not_sent(engine: Engine) {
        let port = reserve_port();
        let url = format!("smtp://127.0.0.1:{port}");
        let app = app_with(engine, url).await;
        let token = app.guided_instance().await;
        let path = invite_first(&app, &token).await;
        app.until(&token, &path, |invite| invite["send_error"].is_string()).await;
        app.call(&token, Method::POST, &format!("{path}/revoke"), None).await.expect(200);
        let server = MailServer::start_with(json!({ "port": port }));
        next_try(&app).await;
        // The next message is tried after it.
        invite_first(&app, &token).await;
        let statuses = async || outbox(&app, "").await.iter().map(|mail| mail["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        eventually("one is sent and one is not", async || statuses().await == ["sent", "canceled"]).await;
        assert_eq!(server.received().len(), 1);
        app.stop().await;
    }

    async fn the_outbox_is_read_by_operators_page_by_page(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (instance, first) = app.instance(MUNCHKIN_ID).await;
        let (_, second) = app.instance("456-DEF-789").await;
        invite_first(&app, &first).await;
        app.clock.advance(Duration::seconds(1));
        app.call(&second, Method::POST, "/v1/invites/first", Some(json!({ "email": "tom.ops@example.com" }))).await.expect(201);
        app.call(&first, Method::POST, "/v1/invites", Some(json!({ "emails": ["a@example.com, b@example.com"] }))).await.expect(200);
        let token = app.operator_token().await;
        let page = app.call(&token, Method::GET, "/v1/mail/outbox?limit=3", None).await.expect(200);
        let recipients = |page: &Value| page["data"].as_array().unwrap().iter().map(|mail| mail["recipient"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        let rest = format!("/v1/mail/outbox?limit=3&cursor={}", page["next_cursor"].as_str().unwrap());
        let rest = app.call(&token, Method::GET, &rest, None).await.expect(200);
        assert_eq!((recipients(&page).len(), recipients(&rest)), (3, vec!["m…@example.com".to_owned()]), "the newest come first");
        assert_eq!(outbox(&app, &format!("?instance_id={instance}")).await.len(), 3);
        assert_eq!(outbox(&app, "?kind=password_reset").await.len(), 0);
        app.call(&token, Method::GET, "/v1/mail/outbox?kind=a%00b", None).await.problem(422, "invalid_input");
        app.call(&token, Method::GET, "/v1/mail/outbox?state=lost", None).await.problem(422, "invalid_input");
        app.stop().await;
    }
}

fn send_test_message(url: &str) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let mut command = binary(directory.path());
    command.args(["mail", "test", "--to", "ops@example.com"]).env("MSI_MAIL__SMTP_URL", url).output().unwrap()
}

#[test]
fn an_operator_sends_a_test_message_and_sees_what_the_server_says() {
    crate::support::run(async {
        let server = MailServer::start();
        let sent = send_test_message(&server.url());
        assert!(sent.status.success(), "{sent:?}");
        assert_eq!(String::from_utf8_lossy(&sent.stdout), format!("sent to ops@example.com by 127.0.0.1:{}\n", server.port));
        assert_eq!(server.received()[0]["subject"], "Test message from MSI Actions");

        server.tell("recipient", json!([{ "answer": "550 5.7.1 relaying denied" }])).await;
        let refused = send_test_message(&server.url());
        assert!(!refused.status.success());
        assert!(String::from_utf8_lossy(&refused.stderr).contains("5.7.1 relaying denied"), "{refused:?}");
    });
}
