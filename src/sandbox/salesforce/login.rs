//! The login page: a plain form that a person or a script can fill in.

use std::fmt::Write as _;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use url::form_urlencoded;

use super::authorization::AuthorizationRequest;
use super::oauth_parameters::{OauthParameters, find_value};
use crate::sandbox::state::SandboxState;

const COOKIE: &str = "sid";
/// Parameters of the authorization request that the form carries on.
const CARRIED_PARAMETERS: [&str; 10] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "login_hint",
    "nonce",
];

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/login", web::post().to(log_in)).route("/secur/logout.jsp", web::get().to(log_out));
}

/// The login cookie's value.
fn login_cookie(request: &HttpRequest) -> Option<&str> {
    let sent = request.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
    sent.flat_map(|text| text.split(';')).find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// The id of the active user who is logged in with this browser.
pub fn find_logged_in_user(request: &HttpRequest, sandbox: &SandboxState) -> Option<String> {
    let cookie = login_cookie(request)?;
    let salesforce = sandbox.salesforce();
    let user = salesforce.grants.logged_in_user(cookie, sandbox.now())?;
    salesforce.find_user(user).filter(|user| user.active).map(|user| user.id.clone())
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// The login page, with the parameters it carries on and a message if the last attempt failed.
pub fn render_page(parameters: &OauthParameters, username: Option<&str>, message: Option<&str>) -> HttpResponse {
    let mut hidden = String::new();
    for name in CARRIED_PARAMETERS {
        if let Some(value) = find_value(parameters, name) {
            let _ = writeln!(hidden, "<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape_html(value));
        }
    }
    let message = message.map_or_else(String::new, |message| format!("<p role=\"alert\" id=\"error\">{}</p>", escape_html(message)));
    let username = escape_html(username.unwrap_or_default());
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Login | Salesforce (sandbox)</title></head>\n<body>\n\
         <h1>Log in to Salesforce</h1>\n<p>A simulated org. The users and their password are listed at /__sandbox.</p>\n{message}\n\
         <form method=\"post\" action=\"/login\">\n{hidden}\
         <p><label for=\"username\">Username</label> <input id=\"username\" name=\"username\" type=\"text\" autocomplete=\"username\" value=\"{username}\"></p>\n\
         <p><label for=\"password\">Password</label> <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\"></p>\n\
         <p><button type=\"submit\" id=\"Login\">Log In</button> <button type=\"submit\" name=\"cancel\" value=\"1\">Cancel</button></p>\n\
         </form>\n</body></html>\n"
    );
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .content_type("text/html; charset=utf-8")
        .body(html)
}

async fn log_in(body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let parameters: OauthParameters = form_urlencoded::parse(&body).into_owned().collect();
    let authorization = match AuthorizationRequest::from_parameters(&sandbox, &parameters) {
        Ok(authorization) => authorization,
        Err(response) => return response,
    };
    if find_value(&parameters, "cancel").is_some() {
        return authorization.deny();
    }
    let (username, password) =
        (find_value(&parameters, "username").unwrap_or_default(), find_value(&parameters, "password").unwrap_or_default());
    let user = {
        let salesforce = sandbox.salesforce();
        salesforce
            .users
            .iter()
            .find(|user| user.active && user.username.eq_ignore_ascii_case(username) && user.password == password)
            .map(|user| user.id.clone())
    };
    let Some(user) = user else {
        let message = "Please check your username and password. If you still can't log in, contact your Salesforce administrator.";
        return render_page(&parameters, Some(username), Some(message));
    };
    let cookie = sandbox.new_secret();
    sandbox.salesforce().grants.add_cookie(cookie.clone(), &user, sandbox.now());
    let mut answer = authorization.grant(&sandbox, &user);
    if let Ok(value) = HeaderValue::try_from(format!("{COOKIE}={cookie}; Path=/salesforce; HttpOnly; SameSite=Lax")) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
    answer
}

async fn log_out(request: HttpRequest, sandbox: web::Data<SandboxState>) -> HttpResponse {
    if let Some(cookie) = login_cookie(&request) {
        sandbox.salesforce().grants.log_out(cookie);
    }
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body("<!DOCTYPE html><title>Logged out</title><p>You are logged out.</p>")
}
