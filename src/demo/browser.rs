//! Does what a person's browser does: opens an address, fills in the login form, follows redirects.

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use url::Url;

/// Every user of the sandbox has this password.
const PASSWORD: &str = "sandbox";

/// Opens the authorization address, logs in at Salesforce, and returns to the service with the cookie that it set; returns the text of the
/// last page.
pub(super) async fn authorize(http: &reqwest::Client, authorization_url: &str, username: &str) -> Result<String, String> {
    let start = http.get(authorization_url).send().await.map_err(|error| format!("the authorization can't be started: {error}"))?;
    let header = |name| start.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (Some(login), Some(cookie)) = (header(LOCATION), header(SET_COOKIE)) else {
        return Err(format!("the authorization address answered {} and leads nowhere", start.status()));
    };
    let page = http.get(&login).send().await.map_err(|error| format!("the login page can't be opened: {error}"))?;
    if !page.status().is_success() {
        return Err(format!("the login page answered {}", page.status()));
    }
    let url = Url::parse(&login).map_err(|error| format!("the login address can't be read: {error}"))?;
    // The form carries the parameters of the address along.
    let mut form: Vec<(String, String)> = url.query_pairs().into_owned().filter(|(name, _)| name != "login_hint").collect();
    form.push(("username".into(), username.into()));
    form.push(("password".into(), PASSWORD.into()));
    let action = format!("{}/login", login.split("/services/").next().unwrap_or_default());
    let answer = http.post(action).form(&form).send().await.map_err(|error| format!("the login failed: {error}"))?;
    let back = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let back = back.ok_or_else(|| format!("Salesforce did not let {username} in (HTTP {})", answer.status()))?;
    let cookie = cookie.split(';').next().unwrap_or_default();
    let page = http.get(back).header(COOKIE, cookie).send().await.map_err(|error| format!("coming back failed: {error}"))?;
    let status = page.status();
    let text = page.text().await.map_err(|error| format!("coming back failed: {error}"))?;
    if status.is_success() { Ok(text) } else { Err(format!("coming back from Salesforce answered {status}: {}", visible_text(&text))) }
}

/// The text between the tags of a page, for an error message.
fn visible_text(html: &str) -> String {
    let body = html.split_once("<main>").map_or(html, |(_, body)| body);
    let mut text = String::new();
    let mut inside = false;
    for one in body.chars() {
        match one {
            '<' => inside = true,
            '>' => inside = false,
            one if !inside => text.push(one),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
