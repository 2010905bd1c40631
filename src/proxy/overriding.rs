//! Methods that a call names beside the request's own. Both vendors let a POST stand for another method, Marketo by the parameter
//! `_method`, Salesforce by `_HttpMethod`, in the query or in a form; a rule is good for both methods or for none. Whatever some server
//! could read as such a name and another could not is refused.

use percent_encoding::percent_decode_str;

use crate::http::echo;
use crate::upstream::Vendor;

/// Why a call could mean another one to the vendor than to us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmbiguousCall {
    #[error("the call names another method more than once; give {0} once, in the query or in the form")]
    SeveralMethods(&'static str),
    #[error("the parameter {name:?} could be read as a method; {vendor} takes {own}, and nothing like it")]
    LooksLikeMethod { name: String, vendor: &'static str, own: &'static str },
    #[error("the part {0:?} of the form could be read as a method; no part may be named like that")]
    Part(String),
    #[error("the parameter {own} is for POST; this is a {method}")]
    NotAPost { own: &'static str, method: String },
    #[error("the part {0:?} of the query or form can be read in several ways: encode it as UTF-8 with %XX, without NUL")]
    Encoding(String),
    #[error("the header {0:?} could be read as another one; header names that matter have dashes")]
    Header(String),
    #[error("the header Content-Type is given more than once")]
    SeveralContentTypes,
    #[error("the Content-Type {0:?} can be read in several ways; send one media type, and forms as UTF-8")]
    ContentType(String),
    #[error("a form with a Content-Encoding can't be looked into; send it unpacked")]
    PackedForm,
}

/// The parameter by which a vendor is told another method.
fn own_name(vendor: Vendor) -> &'static str {
    match vendor {
        // <https://developer.adobe.com/marketo-apis/> calls it a way around long addresses.
        Vendor::Marketo => "_method",
        // REST API Developer Guide, "Using HTTP PATCH": for clients that know no PATCH.
        Vendor::Salesforce => "_HttpMethod",
    }
}

/// The method that a call of `method` asks for in its place, in capitals; `texts` are its query and its form.
///
/// # Errors
/// [`AmbiguousCall`].
pub fn find_overriding_method<'a>(
    vendor: Vendor,
    method: &str,
    texts: impl IntoIterator<Item = &'a str>,
) -> Result<Option<String>, AmbiguousCall> {
    let own = own_name(vendor);
    let mut found = None;
    for pair in texts.into_iter().flat_map(|text| text.split('&')) {
        let (name, value) = decode(pair)?;
        if name == own {
            if found.replace(value.to_ascii_uppercase()).is_some() {
                return Err(AmbiguousCall::SeveralMethods(own));
            }
            continue;
        }
        // Some servers end a pair at a semicolon, too.
        let parts = pair.split(';').map(|part| part.split('=').next().unwrap_or_default());
        if is_like_method(&name) || parts.skip(usize::from(!pair.contains(';'))).any(|part| is_like_method(&lossy(part))) {
            let name = if pair.contains(';') { pair } else { &name };
            return Err(AmbiguousCall::LooksLikeMethod { name: echo(name).into_owned(), vendor: vendor.as_str(), own });
        }
    }
    if found.is_some() && method != "POST" {
        return Err(AmbiguousCall::NotAPost { own, method: method.to_owned() });
    }
    Ok(found)
}

/// Name and value of a pair, decoded.
fn decode(pair: &str) -> Result<(String, String), AmbiguousCall> {
    let refuse = || AmbiguousCall::Encoding(echo(pair).into_owned());
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        let decoded = percent_decode_str(&text).decode_utf8().map_err(|_| refuse())?;
        if has_broken_escape(&text) || decoded.contains('\0') { Err(refuse()) } else { Ok(decoded.into_owned()) }
    };
    let name = decode(name)?;
    if name.chars().any(char::is_control) { Err(refuse()) } else { Ok((name, decode(value)?)) }
}

fn lossy(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Whether there is a percent sign without two hexadecimal digits behind it.
pub(super) fn has_broken_escape(text: &str) -> bool {
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'%', bytes).any(|at| !digit(bytes.get(at + 1)) || !digit(bytes.get(at + 2)))
}

/// Whether some server could take a name for one that names the method: `_METHOD`, ` _method`, `_method[]`, `_http-method`,
/// `X-HTTP-Method-Override`, or any of these encoded once more.
pub(super) fn is_like_method(name: &str) -> bool {
    let mut name = name.to_owned();
    // Each round takes two characters of each escape away, and three rounds are more than any server makes.
    for _ in 0..3 {
        // An index behind it makes a list of it.
        let word = name.split('[').find(|part| !part.is_empty()).unwrap_or_default();
        let letters: String = word.chars().filter(char::is_ascii_alphanumeric).map(|one| one.to_ascii_lowercase()).collect();
        let is_like = match letters.as_str() {
            // A plain word is a parameter like others.
            "method" => !name.eq_ignore_ascii_case("method"),
            "httpmethod" | "xhttpmethod" | "methodoverride" | "httpmethodoverride" | "xmethodoverride" | "xhttpmethodoverride" => true,
            _ => false,
        };
        if is_like {
            return true;
        }
        if !name.contains('%') {
            return false;
        }
        name = lossy(&name);
    }
    false
}

/// Longest header line of a part that is looked at across two chunks.
const CARRIED: usize = 256;

/// Looks for names like a method's among the parts of a form of the type `multipart/form-data` (RFC 7578), chunk by chunk.
#[derive(Debug, Default)]
pub struct PartNames {
    carried: Vec<u8>,
}

impl PartNames {
    /// The first such name that has arrived by the end of `chunk`.
    pub fn find_method(&mut self, chunk: &[u8]) -> Option<String> {
        self.carried.extend_from_slice(chunk);
        let found = memchr::memchr2_iter(b'n', b'N', &self.carried).find_map(|at| {
            let rest = self.carried[at..].get(4..).filter(|_| self.carried[at..at + 4].eq_ignore_ascii_case(b"name"))?;
            let rest = rest.trim_ascii_start();
            let rest = rest.strip_prefix(b"*").unwrap_or(rest).trim_ascii_start().strip_prefix(b"=")?;
            let end = rest.iter().position(|byte| matches!(byte, b';' | b'\r' | b'\n')).unwrap_or(rest.len());
            let name = String::from_utf8_lossy(&rest[..end.min(CARRIED)]);
            // RFC 8187 has the character set before the name.
            let name = name.rsplit("''").next().unwrap_or_default().trim().trim_matches('"');
            is_like_method(name).then(|| echo(name).into_owned())
        });
        let old = self.carried.len().saturating_sub(CARRIED);
        self.carried.drain(..old);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find_method(vendor: Vendor, method: &str, texts: &[&str]) -> Result<Option<String>, AmbiguousCall> {
        find_overriding_method(vendor, method, texts.iter().copied())
    }

    #[test]
    fn the_method_that_a_post_stands_for_is_found() {
        for (vendor, texts, method) in [
            (Vendor::Marketo, &["a=b&_method=get"][..], Some("GET")),
            (Vendor::Marketo, &["a=b", "_method=DELETE&x"], Some("DELETE")),
            (Vendor::Salesforce, &["%5fHttpMethod=PATCH"], Some("PATCH")),
            (Vendor::Salesforce, &["method=DELETE&q=SELECT+Id%0AFROM+Lead+WHERE+Name+LIKE+'100%25'"], None),
            (Vendor::Salesforce, &["fields=Id;Name&a;b=c", ""], None),
        ] {
            assert_eq!(find_method(vendor, "POST", texts), Ok(method.map(str::to_owned)), "{texts:?}");
        }
    }

    #[test]
    fn what_could_be_a_second_method_is_refused() {
        for text in [
            "_method=GET&_method=GET",
            "_method=POST&_HttpMethod=DELETE",
            "_METHOD=DELETE",
            "%20_method=DELETE",
            "+_method=DELETE",
            ".method=DELETE",
            "_method[]=DELETE",
            "_method%5B0%5D=DELETE",
            "%255fmethod=DELETE",
            "%25255fmethod=DELETE",
            "a=b;_method=DELETE",
            "_method;a=DELETE",
            "_http_method=DELETE",
            "X-HTTP-Method-Override=DELETE",
            "_met%E2%80%8Bhod=DELETE",
            "_method%00=DELETE",
            "%c1%9fmethod=DELETE",
            "_method=%00DELETE",
            "_method=%zz",
            "a%0d%0a_x=1",
        ] {
            assert!(find_method(Vendor::Marketo, "POST", &[text]).is_err(), "{text}");
        }
        assert_eq!(find_method(Vendor::Marketo, "POST", &["_method=GET", "_method=GET"]), Err(AmbiguousCall::SeveralMethods("_method")));
        assert!(find_method(Vendor::Marketo, "GET", &["_method=DELETE"]).is_err());
        assert!(find_method(Vendor::Salesforce, "POST", &["_method=DELETE"]).is_err());
    }

    #[test]
    fn a_method_hidden_in_a_part_of_a_form_is_found_across_chunks() {
        let part = "--x\r\nContent-Disposition: form-data; NAME = \"_method\"\r\n\r\nDELETE\r\n--x--";
        for cut in 0..part.len() {
            let mut names = PartNames::default();
            let found = [&part[..cut], &part[cut..]].map(|chunk| names.find_method(chunk.as_bytes()));
            assert!(found.iter().any(Option::is_some), "{cut}");
        }
        for harmless in ["form-data; name=\"file\"; filename=\"method.csv\"", "name=method", "first name,last name\r\nAnn,Lee"] {
            assert_eq!(PartNames::default().find_method(harmless.as_bytes()), None, "{harmless}");
        }
        assert!(PartNames::default().find_method(b"form-data; name*=utf-8''_HttpMethod\r\n").is_some());
    }
}
