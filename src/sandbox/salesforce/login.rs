//! The login page: a plain form, so that a person or a script can fill it in.

use std::fmt::Write as _;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use url::form_urlencoded;

use super::authorization::AuthorizeRequest;
use super::oauth_parameters::{Pairs, value};
use crate::sandbox::state::SandboxState;

const COOKIE: &str = "sid";
/// Parameters of the authorize request that travel through the form.
const CARRIED: [&str; 10] = [
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
fn cookie(request: &HttpRequest) -> Option<&str> {
    let sent = request.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
    sent.flat_map(|text| text.split(';')).find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// The id of the active user whose cookie the browser shows.
pub fn logged_in(request: &HttpRequest, sandbox: &SandboxState) -> Option<String> {
    let cookie = cookie(request)?;
    let salesforce = sandbox.salesforce();
    let user = salesforce.grants.logged_in(cookie, sandbox.now())?;
    salesforce.user(user).filter(|user| user.active).map(|user| user.id.clone())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// The page, with the parameters it must carry on and a message if the last try failed.
pub fn page(pairs: &Pairs, username: Option<&str>, message: Option<&str>) -> HttpResponse {
    let mut hidden = String::new();
    for name in CARRIED {
        if let Some(value) = value(pairs, name) {
            let _ = writeln!(hidden, "<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escaped(value));
        }
    }
    let message = message.map_or_else(String::new, |message| format!("<p role=\"alert\" id=\"error\">{}</p>", escaped(message)));
    let username = escaped(username.unwrap_or_default());
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
    let pairs: Pairs = form_urlencoded::parse(&body).into_owned().collect();
    let asked = match AuthorizeRequest::read(&sandbox, &pairs) {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    if value(&pairs, "cancel").is_some() {
        return asked.deny();
    }
    let (username, password) = (value(&pairs, "username").unwrap_or_default(), value(&pairs, "password").unwrap_or_default());
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
        return page(&pairs, Some(username), Some(message));
    };
    let cookie = sandbox.new_secret();
    sandbox.salesforce().grants.add_cookie(cookie.clone(), &user, sandbox.now());
    let mut answer = asked.grant(&sandbox, &user);
    if let Ok(value) = HeaderValue::try_from(format!("{COOKIE}={cookie}; Path=/salesforce; HttpOnly; SameSite=Lax")) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
    answer
}

async fn log_out(request: HttpRequest, sandbox: web::Data<SandboxState>) -> HttpResponse {
    if let Some(cookie) = cookie(&request) {
        sandbox.salesforce().grants.log_out(cookie);
    }
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body("<!DOCTYPE html><title>Logged out</title><p>You are logged out.</p>")
}
