//! Dot segments in addresses. Marketo reads `/rest/../bulk/v1/…`, which node-marketo-rest sends, as `/bulk/v1/…`.

use actix_web::dev::ServiceRequest;
use actix_web::http::uri::{PathAndQuery, Uri};

/// Resolves `.` and `..` in a path (RFC 3986, section 5.2.4); `None` when there are none.
fn resolve_path(path: &str) -> Option<String> {
    if !path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return None;
    }
    let mut resolved: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    resolved.pop();
                }
                // A directory keeps its slash.
                if is_last {
                    resolved.push("");
                }
            }
            segment => resolved.push(segment),
        }
    }
    Some(format!("/{}", resolved.join("/")))
}

/// Resolves the dot segments of a request's address before it is routed.
pub fn resolve_dot_segments(request: &mut ServiceRequest) {
    let Some(path) = resolve_path(request.uri().path()) else { return };
    let target = request.uri().query().map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = target.parse::<PathAndQuery>().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_segments_of_a_path_are_resolved() {
        for (path, wanted) in [
            ("/rest/../bulk/v1/leads/export.json", Some("/bulk/v1/leads/export.json")),
            ("/rest/./v1/leads.json", Some("/rest/v1/leads.json")),
            ("/../../rest/v1", Some("/rest/v1")),
            ("/rest/v1/..", Some("/rest/")),
            ("/rest/v1/leads.json", None),
            ("/rest/v1/..leads", None),
        ] {
            assert_eq!(resolve_path(path).as_deref(), wanted, "{path}");
        }
    }
}
