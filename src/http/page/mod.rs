//! The few pages that people see without the console: activating, a new password, and coming back from Salesforce. Plain forms, no
//! script, in the languages that messages are written in.

mod problem_texts;

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
    /// Whether the answer to it sends the browser to another site, such as Salesforce's login.
    pub leads_away: bool,
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
    pub fn with_paragraphs(language: Language, title: impl Into<String>, paragraphs: impl IntoIterator<Item = String>) -> Self {
        Self { language, title: title.into(), paragraphs: paragraphs.into_iter().collect(), forms: Vec::new() }
    }

    /// The page of a problem: what happened and what to do. What people rarely meet is told in English, and said to be.
    #[must_use]
    pub fn of_problem(problem: &Problem, language: Language) -> Self {
        let (title, text) = problem_texts::title_and_text(problem, language);
        Self::with_paragraphs(language, title, [text])
    }

    /// What is wrong with what was filled in, to be shown beside the form once more.
    #[must_use]
    pub fn with_error(mut self, problem: &Problem) -> Self {
        self.paragraphs.push(problem_texts::title_and_text(problem, self.language).1);
        self
    }

    /// The answer. It may not be framed, cached, nor leak its address (which can hold a token) to other sites. Its own forms name their
    /// origin, which browsers leave out of a page without any referrer.
    ///
    /// # Errors
    /// [`Code::Internal`] when the template can't be filled in.
    pub fn respond(&self, status: StatusCode) -> Result<HttpResponse, Problem> {
        let html = self.render().map_err(|_| Problem::new(Code::Internal, "The page can't be shown."))?;
        // A browser takes the redirect that answers a form, and each one after it, for the form's own action: at Salesforce they may
        // lead through whatever site an organization logs in at.
        let form_action = match self.forms.as_slice() {
            [] => "'none'",
            forms if forms.iter().any(|form| form.leads_away) => "'self' https: http://127.0.0.1:* http://localhost:*",
            _ => "'self'",
        };
        let policy =
            format!("default-src 'none'; style-src 'unsafe-inline'; form-action {form_action}; frame-ancestors 'none'; base-uri 'none'");
        Ok(HttpResponse::build(status)
            .insert_header(("content-security-policy", policy))
            // Not `no-referrer`, under which browsers send `Origin: null` with the page's own forms.
            .insert_header(("referrer-policy", "same-origin"))
            .insert_header(("cache-control", "no-store"))
            .insert_header(("content-language", self.language.as_str()))
            .content_type("text/html; charset=utf-8")
            .body(html))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_lets_forms_lead_where_its_own_do_and_nowhere_else() {
        let form = |leads_away| PageForm { action: "/x".into(), hidden: Vec::new(), fields: Vec::new(), button: "Go".into(), leads_away };
        let policy = |forms| {
            let page = Page { forms, ..Page::with_paragraphs(Language::En, "Title", []) };
            page.respond(StatusCode::OK).unwrap().headers().get("content-security-policy").unwrap().to_str().unwrap().to_owned()
        };
        assert!(policy(vec![]).contains("form-action 'none'; frame-ancestors 'none'"));
        assert!(policy(vec![form(false)]).contains("form-action 'self'; frame-ancestors 'none'"));
        assert!(policy(vec![form(false), form(true)]).contains("form-action 'self' https: "));
    }
}
