//! The few pages that people see without the console: activating, a new password, and coming back from Salesforce. Plain forms, no
//! script, in the languages that messages are written in.

mod problems;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::{Code, Problem};
use crate::language::Language;

/// A page with text and forms.
#[derive(Debug, Clone, Template)]
#[template(path = "http/page/page.html")]
pub struct Page {
    /// What it is written in.
    pub language: Language,
    /// Heading and window title.
    pub title: String,
    /// Text, a paragraph each.
    pub paragraphs: Vec<String>,
    /// What can be done.
    pub forms: Vec<PageForm>,
}

/// A form of a page.
#[derive(Debug, Clone)]
pub struct PageForm {
    /// Where it is posted.
    pub action: String,
    /// Values sent along.
    pub hidden: Vec<(String, String)>,
    /// What the person fills in.
    pub fields: Vec<PageField>,
    /// Text of the button.
    pub button: String,
}

/// A field of a form.
#[derive(Debug, Clone)]
pub struct PageField {
    pub name: &'static str,
    pub label: String,
    /// HTML input type.
    pub kind: &'static str,
    /// HTML autocomplete hint.
    pub autocomplete: &'static str,
}

impl Page {
    /// A page of text only.
    pub fn text(language: Language, title: impl Into<String>, paragraphs: impl IntoIterator<Item = String>) -> Self {
        Self { language, title: title.into(), paragraphs: paragraphs.into_iter().collect(), forms: Vec::new() }
    }

    /// The page of a problem: what happened and what to do. What people rarely meet is told in English, and said to be.
    #[must_use]
    pub fn of_problem(problem: &Problem, language: Language) -> Self {
        let (title, paragraphs) = problems::told(problem, language);
        Self::text(language, title, paragraphs)
    }

    /// What is wrong with what was filled in, to be shown beside the form once more.
    #[must_use]
    pub fn with_fault(mut self, problem: &Problem) -> Self {
        self.paragraphs.extend(problems::told(problem, self.language).1);
        self
    }

    /// The answer. It may not be framed, cached, nor leak its address (which can hold a token) to other sites.
    ///
    /// # Errors
    /// [`Code::Internal`] when the template can't be filled in.
    pub fn respond(&self, status: StatusCode) -> Result<HttpResponse, Problem> {
        let html = self.render().map_err(|_| Problem::new(Code::Internal, "The page can't be shown."))?;
        Ok(HttpResponse::build(status)
            .insert_header((
                "content-security-policy",
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
            ))
            .insert_header(("referrer-policy", "no-referrer"))
            .insert_header(("cache-control", "no-store"))
            .insert_header(("content-language", self.language.as_str()))
            .content_type("text/html; charset=utf-8")
            .body(html))
    }
}
