use actix_web::HttpRequest;
use actix_web::http::header;
use url::Url;

use super::{Code, Problem};
use crate::context::PublicUrl;

/// Refuses a request that another site makes a browser send. Needed where the answer sets the session cookie and no session is asked
/// for: a page elsewhere could log its visitor in as somebody of its choice (RFC 6749, section 10.12, says it of another flow).
///
/// Browsers tell by `Sec-Fetch-Site` (W3C, Fetch Metadata Request Headers), older ones and those without TLS by `Origin` (Fetch,
/// section 3.2). A program sends neither, and no page can take them away.
///
/// # Errors
/// [`Code::CrossSiteRequest`].
pub fn refuse_cross_site(request: &HttpRequest, public_url: &PublicUrl) -> Result<(), Problem> {
    let refused = || {
        let detail = "A page of another site has sent this. Open the address yourself, or send it as a program, without Origin.";
        Err(Problem::new(Code::CrossSiteRequest, detail))
    };
    let mut sites = request.headers().get_all("sec-fetch-site").peekable();
    if sites.peek().is_some() {
        // `none`: the person asked for it themselves, as with a bookmark.
        return if sites.all(|site| site == "same-origin" || site == "none") { Ok(()) } else { refused() };
    }
    let own = Url::parse(&public_url.0).map(|url| url.origin().ascii_serialization());
    let is_own = |origin: &header::HeaderValue| own.as_ref().is_ok_and(|own| origin == own.as_str());
    if request.headers().get_all(header::ORIGIN).all(is_own) { Ok(()) } else { refused() }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn is_let_in(headers: &[(&'static str, &str)]) -> bool {
        let request = headers.iter().fold(TestRequest::post(), |request, (name, value)| request.append_header((*name, *value)));
        refuse_cross_site(&request.to_http_request(), &PublicUrl("https://actions.example.com".into())).is_ok()
    }

    #[test]
    fn a_browser_is_let_in_only_from_our_own_pages() {
        for own in [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none"), ("origin", "https://actions.example.com")] {
            assert!(is_let_in(&[own]), "{own:?}");
        }
        for foreign in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", ""),
            ("origin", "https://evil.example"),
            ("origin", "http://actions.example.com"),
            ("origin", "https://actions.example.com:444"),
            ("origin", "https://actions.example.com.evil.example"),
            ("origin", "null"),
        ] {
            assert!(!is_let_in(&[foreign]), "{foreign:?}");
        }
        assert!(is_let_in(&[]), "a program");
    }

    #[test]
    fn what_the_browser_says_of_the_site_goes_before_the_origin() {
        assert!(is_let_in(&[("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:4290")]), "another name of this machine");
        assert!(!is_let_in(&[("sec-fetch-site", "cross-site"), ("origin", "https://actions.example.com")]));
        assert!(!is_let_in(&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")]));
        assert!(!is_let_in(&[("origin", "https://actions.example.com"), ("origin", "https://evil.example")]));
    }
}
