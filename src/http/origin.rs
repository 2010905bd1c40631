use std::fmt;
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use tracing_actix_web::RequestId;

use super::HandlerArgument;
use super::MiddlewareConfig;
use super::Problem;
use crate::permissions::Caller;

/// Most characters of a user agent that are kept.
const MAX_USER_AGENT_LENGTH: usize = 300;

/// Who asks for a change, and from where. An extractor; [`InstanceCaller`](super::InstanceCaller) carries one too.
#[derive(Clone, PartialEq, Eq)]
pub struct ChangeOrigin {
    /// `client:ID`, `member:ID`, `job:KIND`, `command:NAME`, or `anonymous` for a caller who has not said who it is.
    pub actor: String,
    /// The caller's IP address.
    pub address: Option<String>,
    /// The caller's `User-Agent`.
    pub user_agent: Option<String>,
    /// The id that the request's answer and log lines have.
    pub request_id: Option<String>,
}

impl ChangeOrigin {
    fn inside(actor: String) -> Self {
        Self { actor, address: None, user_agent: None, request_id: None }
    }

    /// A job of this kind, or another task of the service itself.
    #[must_use]
    pub fn job(kind: &str) -> Self {
        Self::inside(format!("job:{kind}"))
    }

    /// A command that an operator gave, such as `client create`.
    #[must_use]
    pub fn command(name: &str) -> Self {
        Self::inside(format!("command:{name}"))
    }

    /// The same place with another actor: for requests that prove who acts by themselves, such as following a link.
    #[must_use]
    pub fn acting_as(&self, actor: &impl fmt::Display) -> Self {
        Self { actor: actor.to_string(), ..self.clone() }
    }
}

impl fmt::Debug for ChangeOrigin {
    /// Addresses and programs of people stay out of logs.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ChangeOrigin({})", self.actor)
    }
}

impl HandlerArgument for ChangeOrigin {}

impl FromRequest for ChangeOrigin {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(of_request(request)))
    }
}

/// Where `request` comes from.
pub(super) fn of_request(request: &HttpRequest) -> ChangeOrigin {
    let actor = request.extensions().get::<Arc<Caller>>().map_or_else(|| "anonymous".to_owned(), |caller| caller.actor.to_string());
    let user_agent = request.headers().get(header::USER_AGENT).map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes());
        text.chars().filter(|one| !one.is_control()).take(MAX_USER_AGENT_LENGTH).collect()
    });
    let address = client_address(request).map(|address| address.to_string());
    let request_id = request.extensions().get::<RequestId>().map(ToString::to_string);
    ChangeOrigin { actor, address, user_agent, request_id }
}

fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    address_of(request, request.app_data::<Data<MiddlewareConfig>>().map_or(0, |config| config.proxies))
}

/// The network that a request comes from, as [`network_of`] its caller's address.
#[must_use]
pub fn network_of_request(request: &HttpRequest) -> Option<IpAddr> {
    client_address(request).map(network_of)
}

/// By what callers are told apart whose number is to be bounded: the address itself, of IPv6 its first 64 bits, since whoever has one
/// such address has all of its network (RFC 6177).
#[must_use]
pub fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// The address that the outermost of our `proxies` saw. Each appends to `X-Forwarded-For` whom it was called by; what stands
/// left of that the caller may have made up.
fn address_of(request: &HttpRequest, proxies: usize) -> Option<IpAddr> {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    if proxies == 0 {
        return peer;
    }
    let mut seen = Vec::new();
    for value in request.headers().get_all("x-forwarded-for") {
        seen.extend(value.to_str().unwrap_or_default().split(',').map(str::trim));
    }
    let claimed = seen.len().checked_sub(proxies).and_then(|at| seen.get(at)).and_then(|text| text.parse::<IpAddr>().ok());
    claimed.map(|address| address.to_canonical()).or(peer)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn seen(proxies: usize, forwarded: &[&str]) -> String {
        let mut request = TestRequest::get().peer_addr("10.0.0.9:4000".parse().unwrap());
        for value in forwarded {
            request = request.append_header(("x-forwarded-for", *value));
        }
        address_of(&request.to_http_request(), proxies).unwrap().to_string()
    }

    #[test]
    fn a_forwarded_address_counts_only_as_far_as_our_own_proxies_wrote_it() {
        assert_eq!(seen(0, &["203.0.113.7"]), "10.0.0.9");
        assert_eq!(seen(1, &["198.51.100.1, 203.0.113.7"]), "203.0.113.7");
        assert_eq!(seen(2, &["198.51.100.1, 203.0.113.7", "10.0.0.2"]), "203.0.113.7");
        assert_eq!(seen(1, &["::ffff:203.0.113.7"]), "203.0.113.7");
        for unreadable in [&[][..], &["unknown"], &["203.0.113.7:80x"]] {
            assert_eq!(seen(1, unreadable), "10.0.0.9", "{unreadable:?}");
        }
    }

    #[test]
    fn where_people_are_is_not_in_what_is_logged() {
        let request = TestRequest::get().peer_addr("203.0.113.7:4000".parse().unwrap()).to_http_request();
        let origin = of_request(&request);
        assert_eq!(origin.address.as_deref(), Some("203.0.113.7"));
        assert!(!format!("{origin:?}").contains("203"));
    }
}
