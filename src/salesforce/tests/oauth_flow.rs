use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use time::macros::datetime;

use super::*;

const ID: &str = "https://login.salesforce.com/id/00Dx0000000BV7zEAG/005x00000012Q9PAAU";

fn app() -> OAuthApp {
    OAuthApp {
        client_id: "key".into(),
        client_secret: "consumer secret".into(),
        redirect_uri: "https://actions.example.com/oauth/salesforce/callback".into(),
        scopes: "api refresh_token".into(),
    }
}

fn signed_with(secret: &str) -> StubResponse {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{ID}1735689600123").as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let body = serde_json::json!({
        "access_token": "00Dx!token", "refresh_token": "5Aep!refresh", "token_type": "Bearer", "scope": "api refresh_token",
        "instance_url": "https://acme.my.salesforce.com", "id": ID, "issued_at": "1735689600123", "signature": signature,
    });
    StubResponse::json(200, &body.to_string())
}

/// A refresh against a server that answers every request alike.
async fn refresh_answered_with(reply: StubResponse) -> (Result<TokenGrant, SalesforceError>, Stub) {
    let stub = Stub::start(move |_, _| reply.clone()).await;
    let outcome = refresh(&http_client(), &app(), &stub.url_of("/salesforce"), &"old".into()).await;
    (outcome, stub)
}

#[test]
fn authorization_is_asked_for_with_pkce() {
    // The verifier and challenge of RFC 7636, appendix B.
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into();
    let login = "https://login.salesforce.com".parse().unwrap();
    let url = authorize_url(&app(), &login, "s&t", &verifier, Some("a@example.com"));
    let expected = "https://login.salesforce.com/services/oauth2/authorize?response_type=code&client_id=key\
        &redirect_uri=https%3A%2F%2Factions.example.com%2Foauth%2Fsalesforce%2Fcallback&scope=api+refresh_token&state=s%26t\
        &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&login_hint=a%40example.com";
    assert_eq!(url.as_str(), expected);
    let sandbox = "http://127.0.0.1:4010/salesforce/".parse().unwrap();
    let url = authorize_url(&app(), &sandbox, "s", &verifier, None);
    assert_eq!(url.path(), "/salesforce/services/oauth2/authorize");
}

#[tokio::test]
async fn a_code_is_exchanged_for_signed_tokens() {
    let stub = Stub::start(|_, _| signed_with("consumer secret")).await;
    let grant = exchange_code(&http_client(), &app(), &stub.url_of("/salesforce"), "a+b", &"verifier".into()).await.unwrap();
    assert_eq!(grant.access_token.expose_secret(), "00Dx!token");
    assert_eq!(grant.refresh_token.as_ref().unwrap().expose_secret(), "5Aep!refresh");
    assert_eq!((grant.organization_id.as_str(), grant.user_id.as_str()), ("00Dx0000000BV7zEAG", "005x00000012Q9PAAU"));
    assert_eq!((grant.instance_url.as_str(), grant.id_url.as_str()), ("https://acme.my.salesforce.com/", ID));
    assert_eq!(grant.issued_at, datetime!(2025-01-01 00:00:00.123 UTC));
    let request = &stub.requests()[0];
    assert_eq!(request.target, "/salesforce/services/oauth2/token");
    assert!(request.body.starts_with("grant_type=authorization_code&code=a%2Bb&client_id=key&client_secret=consumer+secret&"));
    assert!(request.body.ends_with("&code_verifier=verifier"));
    let shown = format!("{grant:?}");
    assert!(!shown.contains("00Dx!token") && !shown.contains("5Aep"));
}

#[tokio::test]
async fn tokens_with_a_wrong_signature_are_refused() {
    let (outcome, _) = refresh_answered_with(signed_with("another secret")).await;
    assert_eq!(outcome.unwrap_err(), SalesforceError::BadSignature);
}

#[tokio::test]
async fn a_refresh_whose_answer_was_lost_is_reported_and_never_repeated() {
    let mutilated = StubResponse::json(200, r#"{"access_token":"00Dx!token"}"#);
    for reply in [StubResponse::none(), signed_with("consumer secret").cut_after(30), mutilated] {
        let (outcome, stub) = refresh_answered_with(reply).await;
        let error = outcome.unwrap_err();
        assert!(matches!(error, SalesforceError::AnswerLost { .. }), "{error:?}");
        assert_eq!(stub.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_refresh_without_a_connection_leaves_the_token_untouched() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let login = format!("http://{}", free.local_addr().unwrap()).parse().unwrap();
    drop(free);
    let error = refresh(&http_client(), &app(), &login, &"old".into()).await.unwrap_err();
    assert!(matches!(error, SalesforceError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_refresh_that_met_a_server_error_was_answered_and_is_not_repeated() {
    let (outcome, stub) = refresh_answered_with(StubResponse::new(503, "text/html", "busy")).await;
    let error = outcome.unwrap_err();
    assert!(matches!(&error, SalesforceError::Api(refusal) if refusal.status == 503), "{error:?}");
    assert_eq!((error.category(), stub.requests().len()), (Category::Intermittent, 1));
}

#[tokio::test]
async fn refusals_of_the_token_endpoint_are_told_apart() {
    for (error, description, code, category) in [
        ("invalid_grant", "expired access/refresh token", "EXPIRED_ACCESS", Category::Authentication),
        ("invalid_grant", "authentication failure", "AUTHENTICATION_FAILURE", Category::Authentication),
        ("invalid_grant", "Inactive User", "INACTIVE_USER", Category::Authentication),
        ("inactive_user", "", "INACTIVE_USER", Category::Authentication),
        ("inactive_org", "organization is inactive", "INACTIVE_ORGANIZATION", Category::Authentication),
        ("invalid_grant", "inactive organization", "INACTIVE_ORGANIZATION", Category::Authentication),
        ("invalid_grant", "ip restricted", "INVALID_GRANT", Category::Authentication),
        ("invalid_grant", "expired authorization code", "AUTHENTICATION_FAILURE", Category::Authentication),
        ("access-denied", "end-user denied authorization", "access_denied", Category::Authentication),
        ("invalid_client", "invalid client credentials", "invalid_client", Category::Other),
        ("rate_limit_exceeded", "", "rate_limit_exceeded", Category::Intermittent),
        ("something_new", "", "something_new", Category::Other),
    ] {
        let body = serde_json::json!({ "error": error, "error_description": description });
        let (outcome, _) = refresh_answered_with(StubResponse::json(400, &body.to_string())).await;
        let refused = outcome.unwrap_err();
        assert!(matches!(&refused, SalesforceError::OAuth(refusal) if refusal.error == error), "{refused:?}");
        assert_eq!((refused.code(), refused.category()), (Some(code), category), "{error}: {description}");
        assert!(!refused.remedy().is_empty());
    }
}

#[tokio::test]
async fn a_token_that_is_invalid_already_counts_as_revoked() {
    let revoked = |reply: StubResponse| async move {
        let stub = Stub::start(move |_, _| reply.clone()).await;
        let outcome = revoke(&http_client(), &stub.url_of("/salesforce"), &"t!k".into()).await;
        (outcome, stub.requests()[0].body.clone())
    };
    assert_eq!(revoked(StubResponse::new(200, "text/plain", "")).await, (Ok(()), "token=t%21k".into()));
    assert_eq!(revoked(StubResponse::json(400, r#"{"error":"invalid_token"}"#)).await.0, Ok(()));
    let (outcome, _) = revoked(StubResponse::json(400, r#"{"error":"unsupported_token_type"}"#)).await;
    assert!(matches!(outcome, Err(SalesforceError::OAuth(_))), "{outcome:?}");
}

#[tokio::test]
async fn the_identity_tells_user_and_e_mail() {
    let body = r#"{"id":"x","user_id":"005x00000012Q9PAAU","organization_id":"00Dx0000000BV7zEAG","username":"jo@acme.com.dev",
        "display_name":"Jo Doe","email":"jo@acme.com","email_verified":true,"active":true,"user_type":"STANDARD","urls":{"rest":"{version}"}}"#;
    let stub = Stub::start(move |_, _| StubResponse::json(200, body)).await;
    let who = identity(&http_client(), &stub.url_of("/salesforce/id/00D/005"), &"tok".into()).await.unwrap();
    assert_eq!((who.email.as_str(), who.username.as_str(), who.email_verified), ("jo@acme.com", "jo@acme.com.dev", Some(true)));
    assert!(who.active);
    assert_eq!(stub.requests()[0].header("authorization"), Some("Bearer tok"));
    let refused = Stub::start(|_, _| refusal(401, "INVALID_SESSION_ID")).await;
    let outcome = identity(&http_client(), &refused.url_of("/id"), &"tok".into()).await;
    assert!(matches!(outcome, Err(SalesforceError::SessionInvalid(_))), "{outcome:?}");
}
