//! The catalog of problems: `GET /problems/{code}`, to which `type` of every problem points, and the page `openapi/problems.md`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use crate::http::problem::ProblemBody;
use crate::http::{AnyCaller, Audience, Code, Page, PathParams, Problem, Routes, problem_or_page, route};
use crate::language::Language;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(get_problem_type));
}

/// A kind of problem.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ProblemType {
    /// Stable name, as `code` of a problem has it.
    #[schema(example = "invalid_input")]
    code: &'static str,
    /// The HTTP status of the answers that carry it.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// The same for every problem of this kind.
    title: &'static str,
    /// What it means.
    meaning: &'static str,
    /// What to do about it.
    remedy: &'static str,
}

impl From<Code> for ProblemType {
    fn from(code: Code) -> Self {
        Self { code: code.as_str(), status: code.status().as_u16(), title: code.title(), meaning: code.meaning(), remedy: code.remedy() }
    }
}

/// Look a problem up
///
/// What a problem's code means and what to do about it: JSON, or a page for whoever asks with `Accept: text/html`.
#[utoipa::path(
    get, path = "/problems/{code}", operation_id = "getProblemType", tag = "Operation",
    params(("code" = String, Path, description = "The problem's code.", example = "invalid_input")),
    responses(
        (status = 200, description = "The problem.", content((ProblemType = "application/json"), (String = "text/html"))),
        (status = 404, description = "No problem has this code.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
    )
)]
async fn get_problem_type(_: AnyCaller, request: HttpRequest, PathParams(code): PathParams<String>) -> Result<HttpResponse, Problem> {
    let reader = Audience::of_api_request(&request);
    let answer = match (find(&code), reader) {
        (None, _) => Err(Problem::new(Code::NotFound, "No problem has this code.")),
        (Some(code), Audience::Program) => Ok(HttpResponse::Ok().json(ProblemType::from(code))),
        (Some(code), Audience::Person(_)) => {
            let facts = format!("Status {}, code {}.", code.status().as_u16(), code.as_str());
            let paragraphs = [code.meaning().replace('`', ""), code.remedy().replace('`', ""), facts];
            Page::with_paragraphs(Language::En, code.title(), paragraphs).respond(StatusCode::OK)
        }
    };
    problem_or_page(answer, reader)
}

fn find(code: &str) -> Option<Code> {
    Code::ALL.iter().copied().find(|one| one.as_str() == code)
}

/// Renders `openapi/problems.md`.
#[must_use]
pub fn render_problem_catalog() -> String {
    let mut page = "# Problems\n\nEvery error answer is a problem document (RFC 9457) with one of these codes. Written by `make openapi` from the \
                    code; a test fails when the two differ.\n\n| Code | Status | Title | What it means | What to do |\n|---|---|---|---|---|\n"
        .to_owned();
    for code in Code::ALL {
        let ProblemType { code, status, title, meaning, remedy } = ProblemType::from(*code);
        page.push_str(&format!("| `{code}` | {status} | {title} | {meaning} | {remedy} |\n"));
    }
    page
}
