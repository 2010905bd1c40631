//! What pages say of problems. English is what the problem itself says; each other language has a file of its own beside this one.

mod de;
mod es;
mod fr;
mod it;
mod ja;
mod ko;
mod pt;
mod zh;

use crate::http::{Code, Problem};
use crate::language::Language;

/// A problem that people meet on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    LinkUnknown,
    LinkUsed,
    LinkExpired,
    LinkRevoked,
    LinkReplaced,
    /// Only a login at Salesforce activates.
    OnlySalesforceActivates,
    /// Another person has logged in at Salesforce than was invited.
    OtherAddress,
    ResetLinkUnusable,
    PasswordsSwitchedOff,
    AuthorizationNotBegun,
    /// A member's own authorization, without that member's session.
    SessionMissing,
    /// With Salesforce's reason.
    AuthorizationRefused,
    SalesforceNotConfigured,
    Unavailable,
    Fault,
    PasswordTooShortOrLong,
    PasswordGuessable,
    NoSalesforceHost,
    /// Whatever else, told in English.
    Other,
}

impl Met {
    fn of(problem: &Problem) -> Self {
        match problem.code() {
            Code::ActivationUnknown => Self::LinkUnknown,
            Code::ActivationUsed => Self::LinkUsed,
            Code::ActivationExpired => Self::LinkExpired,
            Code::ActivationRevoked => Self::LinkRevoked,
            Code::ActivationReplaced => Self::LinkReplaced,
            Code::ActivationMethodNotAllowed => Self::OnlySalesforceActivates,
            Code::EmailMismatch => Self::OtherAddress,
            Code::ResetLinkUnusable => Self::ResetLinkUnusable,
            Code::PasswordLoginSwitchedOff => Self::PasswordsSwitchedOff,
            Code::StateInvalid => Self::AuthorizationNotBegun,
            Code::MemberSessionRequired => Self::SessionMissing,
            Code::AuthorizationDenied => Self::AuthorizationRefused,
            Code::SalesforceNotConfigured => Self::SalesforceNotConfigured,
            Code::Unavailable | Code::StorageFull | Code::UpstreamUnavailable | Code::TimedOut => Self::Unavailable,
            Code::Internal => Self::Fault,
            Code::InvalidInput => match problem.errors() {
                [fault] if fault.pointer == "/password" && fault.code == "guessable" => Self::PasswordGuessable,
                [fault] if fault.pointer == "/password" => Self::PasswordTooShortOrLong,
                [fault] if fault.pointer == "/salesforce_host" => Self::NoSalesforceHost,
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }

    /// Whether what the problem itself says belongs behind the text.
    fn is_quoted(self) -> bool {
        matches!(self, Self::AuthorizationRefused | Self::Other)
    }

    /// Title and text; none in English.
    fn in_language(self, language: Language) -> Option<(&'static str, &'static str)> {
        match language {
            Language::En => None,
            Language::De => Some(de::told(self)),
            Language::Fr => Some(fr::told(self)),
            Language::Es => Some(es::told(self)),
            Language::It => Some(it::told(self)),
            Language::Pt => Some(pt::told(self)),
            Language::Ja => Some(ja::told(self)),
            Language::Ko => Some(ko::told(self)),
            Language::Zh => Some(zh::told(self)),
        }
    }
}

/// Title and paragraphs of a problem's page.
pub(super) fn told(problem: &Problem, language: Language) -> (String, Vec<String>) {
    let met = Met::of(problem);
    match met.in_language(language) {
        None => (problem.code().title().to_owned(), vec![problem.detail().to_owned()]),
        Some((title, text)) if met.is_quoted() => (title.to_owned(), vec![format!("{text} {}", problem.detail())]),
        Some((title, text)) => (title.to_owned(), vec![text.to_owned()]),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::http::ValidationError;

    #[test]
    fn each_language_tells_each_problem_in_words_of_its_own() {
        let mut seen = HashSet::new();
        let fault = |pointer: &str, code: &str| Problem::invalid(vec![ValidationError::new(pointer, code, "told in English")]);
        let faults =
            [fault("/password", "guessable"), fault("/password", "out_of_range"), fault("/salesforce_host", "x"), fault("/x", "x")];
        let mut met = Vec::new();
        for problem in Code::ALL.iter().map(|code| Problem::new(*code, "told in English")).chain(faults) {
            if met.contains(&Met::of(&problem)) {
                continue;
            }
            met.push(Met::of(&problem));
            for language in Language::ALL {
                let (title, paragraphs) = told(&problem, language);
                let text = paragraphs.join("\n");
                assert!(!title.is_empty() && !text.is_empty() && !text.contains(['{', '}']), "{language:?} {title} {text}");
                let in_english = language == Language::En || Met::of(&problem).is_quoted();
                assert_eq!(text.contains("told in English"), in_english, "{language:?} {text}");
                assert!(language == Language::En || seen.insert((language.as_str(), title)), "{language:?} says it of two problems");
            }
        }
        assert_eq!(met.len(), 19, "every kind was met");
    }
}
