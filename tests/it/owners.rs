//! Whose a connection is: Marketo's has an owner, access and a hand-over; Salesforce's belongs to one organization; members have
//! their own.

use msi_actions::auth::Scope;
use reqwest::Method;
use serde_json::json;

use crate::support::person::{member, open_to_members};
use crate::support::{Answer, FIRST_USER, TestApp, WayBack, on_both_engines};

const SALESFORCE: &str = "/v1/connections/salesforce";
const MARKETO: &str = "/v1/connections/marketo";
const OWN: &str = "/v1/members/me/salesforce-connection";

on_both_engines! {
    async fn a_hand_over_never_leaves_the_others_without_marketo(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = open_to_members(&app).await;
        let (anna, bert) = (member(&app, &token, "anna@example.com", "admin").await, member(&app, &token, "bert@example.com", "admin").await);
        let broker = app.scoped(&token, &[Scope::TokensMarketo]).await;
        let still_connected = async || app.call(&broker, Method::POST, "/v1/tokens/marketo", None).await.expect(200);

        let made = anna.call(&app, Method::POST, MARKETO, Some(json!({}))).await.expect(201);
        assert_eq!((&made["connected_by"], &made["waits_to_follow"]), (&format!("member:{}", anna.id).into(), &false.into()));
        anna.call(&app, Method::POST, MARKETO, Some(json!({}))).await.problem(409, "already_connected");

        // Access is the owner's to give; with it, Bert can use the connection and not end it.
        let access = format!("{MARKETO}/access/{}", bert.id);
        bert.call(&app, Method::POST, &format!("{MARKETO}/test"), None).await.problem(403, "marketo_access_required");
        bert.call(&app, Method::PUT, &access, None).await.problem(403, "not_the_owner");
        assert_eq!(anna.call(&app, Method::PUT, &access, None).await.status, 204);
        let listed = anna.call(&app, Method::GET, &format!("{MARKETO}/access"), None).await.expect(200);
        assert_eq!(listed["data"][0]["email"], "bert@example.com");
        assert_eq!(bert.call(&app, Method::POST, &format!("{MARKETO}/test"), None).await.expect(200)["ok"], true);
        bert.call(&app, Method::DELETE, MARKETO, None).await.problem(403, "not_the_owner");

        // The hand-over: access withdrawn, Bert connects, Anna disconnects.
        bert.call(&app, Method::POST, MARKETO, Some(json!({}))).await.problem(409, "access_still_granted");
        assert_eq!(anna.call(&app, Method::DELETE, &access, None).await.status, 204);
        anna.call(&app, Method::DELETE, &access, None).await.problem(404, "not_found");
        let following = bert.call(&app, Method::POST, MARKETO, Some(json!({}))).await.expect(201);
        assert_eq!(following["waits_to_follow"], true);
        still_connected().await;
        assert_eq!(anna.call(&app, Method::GET, MARKETO, None).await.expect(200)["connected_by"], format!("member:{}", anna.id));
        assert_eq!(anna.call(&app, Method::DELETE, MARKETO, None).await.status, 204);
        still_connected().await;
        let now = bert.call(&app, Method::GET, MARKETO, None).await.expect(200);
        assert_eq!((&now["connected_by"], &now["waits_to_follow"]), (&format!("member:{}", bert.id).into(), &false.into()));
        anna.call(&app, Method::DELETE, MARKETO, None).await.problem(403, "not_the_owner");

        // An operator can end what its owner can't end any more.
        assert_eq!(app.call(&token, Method::DELETE, MARKETO, None).await.status, 204);
        app.call(&broker, Method::POST, "/v1/tokens/marketo", None).await.problem(404, "not_connected");
        app.stop().await;
    }

    async fn access_is_for_active_admins_of_the_instance(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = open_to_members(&app).await;
        app.connect_marketo(&token).await.expect(201);
        let user = member(&app, &token, "user@example.com", "user").await;
        for who in [user.id.as_str(), "0190b0a0-0000-7000-8000-000000000000"] {
            app.call(&token, Method::PUT, &format!("{MARKETO}/access/{who}"), None).await.problem(409, "not_an_admin");
        }
        user.call(&app, Method::POST, MARKETO, Some(json!({}))).await.problem(403, "forbidden");
        app.stop().await;
    }

    async fn marketos_health_check_tells_a_permission_from_the_allow_list(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = app.guided_instance().await;
        for (change, code, word) in [
            (json!({ "read_leads": false }), "permission_missing", "Read-Only Person"),
            (json!({ "address_allowed": false }), "address_not_allowed", "IP Restrictions"),
        ] {
            app.tell_sandbox("marketo", json!({ "read_leads": true, "address_allowed": true })).await;
            app.connect_marketo(&token).await.expect(201);
            app.tell_sandbox("marketo", change).await;
            let tested = app.call(&token, Method::POST, &format!("{MARKETO}/test"), None).await.expect(200);
            assert_eq!((&tested["ok"], &tested["code"]), (&false.into(), &code.into()));
            assert!(tested["remedy"].as_str().unwrap().contains(word), "{tested}");
            assert_eq!(app.call(&token, Method::GET, MARKETO, None).await.expect(200)["state"], "needs_attention");
            assert_eq!(app.call(&token, Method::DELETE, MARKETO, None).await.status, 204);
            app.connect_marketo(&token).await.problem(409, &format!("marketo_{code}"));
        }
        app.stop().await;
    }

    async fn another_organization_is_refused_until_it_is_confirmed(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = app.guided_instance().await;
        app.connect_salesforce_as(&token, FIRST_USER).await;
        let here = app.call(&token, Method::GET, SALESFORCE, None).await.expect(200)["organization_id"].as_str().unwrap().to_owned();
        assert_eq!(app.call(&token, Method::DELETE, SALESFORCE, None).await.status, 204);
        // The sandbox plays one organization, so the instance is moved instead.
        app.sql("UPDATE salesforce_organizations SET organization_id = '00D000000000001AAA'").await;

        let begun = app.call(&token, Method::POST, SALESFORCE, Some(json!({}))).await.expect(201);
        let way = app.log_in_at_salesforce(begun["authorization_url"].as_str().unwrap(), FIRST_USER).await;
        let problem = app.come_back_as_a_program(&way).await.problem(409, "other_organization");
        assert!(problem["detail"].as_str().unwrap().contains(&here), "{problem}");
        app.call(&token, Method::GET, SALESFORCE, None).await.problem(404, "not_connected");
        assert_eq!(app.sandbox_calls("POST /salesforce/services/oauth2/revoke").await, 2, "the unwanted grant was given back");

        let wrong = app.call(&token, Method::POST, SALESFORCE, Some(json!({ "confirm_organization_id": "acme" }))).await;
        assert_eq!(wrong.problem(422, "invalid_input")["errors"][0]["pointer"], "/confirm_organization_id");
        let begun = app.call(&token, Method::POST, SALESFORCE, Some(json!({ "confirm_organization_id": here }))).await.expect(201);
        let way = app.log_in_at_salesforce(begun["authorization_url"].as_str().unwrap(), FIRST_USER).await;
        assert_eq!(app.come_back(&way).await.status, 200);
        assert_eq!(app.call(&token, Method::GET, SALESFORCE, None).await.expect(200)["organization_id"], here.as_str());
        app.stop().await;
    }

    async fn a_members_own_link_needs_their_session_out_and_back(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = open_to_members(&app).await;
        let anna = member(&app, &token, "anna@example.com", "user").await;
        let eve = member(&app, &token, "eve@example.com", "admin").await;
        let begin = async || {
            let begun = anna.call(&app, Method::POST, OWN, Some(json!({}))).await.expect(201);
            begun["authorization_url"].as_str().unwrap().to_owned()
        };
        // Whoever gets hold of the address can't go on with it, logged in as somebody else or not at all.
        let address = begin().await;
        for cookie in ["", eve.cookie.as_str(), "msi_session=made-up"] {
            let opened = app.http.get(&address).header("cookie", cookie).header("accept", "application/json");
            Answer::send(opened).await.problem(403, "member_session_required");
        }
        // Nor can they come back in Anna's place.
        let way = app.log_in_at_salesforce_beside(&anna.cookie, &address, FIRST_USER).await;
        let stolen = WayBack { cookie: way.cookie.replace(&anna.cookie, &eve.cookie), ..way };
        app.come_back_as_a_program(&stolen).await.problem(403, "member_session_required");
        // Her session may end while she is at Salesforce.
        let way = app.log_in_at_salesforce_beside(&anna.cookie, &begin().await, FIRST_USER).await;
        app.call(&token, Method::POST, &format!("/v1/members/{}/deactivate", anna.id), None).await.expect(200);
        let page = app.come_back(&way).await;
        assert!(page.status == 403 && page.text.contains("not logged in in this browser"), "{}", page.text);
        assert_eq!(app.count("SELECT COUNT(*) FROM salesforce_connections").await, 0);
        assert_eq!(app.sandbox_calls("salesforce token authorization_code").await, 0, "no code was exchanged");
        app.stop().await;
    }

    async fn a_member_has_a_salesforce_connection_of_their_own(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = open_to_members(&app).await;
        let anna = member(&app, &token, "anna@example.com", "user").await;
        anna.call(&app, Method::GET, OWN, None).await.problem(404, "not_connected");
        app.call(&token, Method::GET, OWN, None).await.problem(403, "member_required");
        let begun = anna.call(&app, Method::POST, OWN, Some(json!({ "host": "production" }))).await.expect(201);
        let way = app.log_in_at_salesforce_beside(&anna.cookie, begun["authorization_url"].as_str().unwrap(), FIRST_USER).await;
        assert_eq!(app.come_back(&way).await.status, 200);
        assert_eq!(anna.call(&app, Method::GET, OWN, None).await.expect(200)["username"], FIRST_USER);
        assert_eq!(anna.call(&app, Method::POST, &format!("{OWN}/test"), None).await.expect(200)["ok"], true);
        app.call(&token, Method::GET, SALESFORCE, None).await.problem(404, "not_connected");
        assert_eq!(anna.call(&app, Method::DELETE, OWN, None).await.status, 204);
        anna.call(&app, Method::DELETE, OWN, None).await.problem(404, "not_connected");
        assert_eq!(app.sandbox_calls("POST /salesforce/services/oauth2/revoke").await, 1);
        app.stop().await;
    }
}
