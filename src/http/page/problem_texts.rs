//! What pages say of problems: in English what the problem itself says, in other languages what people can do.

use crate::http::{Code, Problem};
use crate::language::Language;
use crate::locales::LocalizedText;

/// Title and text of a problem. What people rarely meet is quoted in English, and said to be.
pub(super) fn title_and_text(problem: &Problem, language: Language) -> (String, String) {
    let (title, text) = texts(problem);
    (title.render(language), text.render(language))
}

fn texts(problem: &Problem) -> (LocalizedText<'_>, LocalizedText<'_>) {
    use LocalizedText::*;

    let (title, detail) = (problem.code().title(), problem.detail());
    match problem.code() {
        Code::ActivationUnknown => (ProblemLinkUnknownTitle { title }, ProblemLinkUnknownText { detail }),
        Code::ActivationUsed => (ProblemLinkUsedTitle { title }, ProblemLinkUsedText { detail }),
        Code::ActivationExpired => (ProblemLinkExpiredTitle { title }, ProblemLinkExpiredText { detail }),
        Code::ActivationRevoked => (ProblemLinkRevokedTitle { title }, ProblemLinkRevokedText { detail }),
        Code::ActivationReplaced => (ProblemLinkReplacedTitle { title }, ProblemLinkReplacedText { detail }),
        Code::ActivationMethodNotAllowed => (ProblemPasswordActivationOffTitle { title }, ProblemPasswordActivationOffText { detail }),
        Code::EmailMismatch => (ProblemEmailMismatchTitle { title }, ProblemEmailMismatchText { detail }),
        Code::ResetLinkUnusable => (ProblemResetLinkUnusableTitle { title }, ProblemResetLinkUnusableText { detail }),
        Code::PasswordLoginSwitchedOff => (ProblemPasswordLoginOffTitle { title }, ProblemPasswordLoginOffText { detail }),
        Code::StateInvalid => (ProblemAuthorizationStateInvalidTitle { title }, ProblemAuthorizationStateInvalidText { detail }),
        Code::MemberSessionRequired => (ProblemSessionRequiredTitle { title }, ProblemSessionRequiredText { detail }),
        Code::AuthorizationDenied => (ProblemAuthorizationDeniedTitle { title }, ProblemAuthorizationDeniedText { detail }),
        Code::SalesforceNotConfigured => (ProblemSalesforceNotConfiguredTitle { title }, ProblemSalesforceNotConfiguredText { detail }),
        Code::Unavailable | Code::StorageFull | Code::UpstreamUnavailable | Code::TimedOut => {
            (ProblemUnavailableTitle { title }, ProblemUnavailableText { detail })
        }
        Code::Internal => (ProblemInternalTitle { title }, ProblemInternalText { detail }),
        Code::InvalidInput => match problem.errors() {
            [error] if error.pointer == "/password" && error.code == "guessable" => {
                (ProblemPasswordGuessableTitle { title }, ProblemPasswordGuessableText { detail })
            }
            [error] if error.pointer == "/password" => (ProblemPasswordLengthTitle { title }, ProblemPasswordLengthText { detail }),
            [error] if error.pointer == "/salesforce_host" => (ProblemSalesforceHostTitle { title }, ProblemSalesforceHostText { detail }),
            _ => (ProblemOtherTitle { title }, ProblemOtherText { detail }),
        },
        _ => (ProblemOtherTitle { title }, ProblemOtherText { detail }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::http::ValidationError;

    #[test]
    fn only_english_and_rare_problems_are_told_in_the_problems_own_words() {
        let error = |pointer: &str, code: &str| Problem::invalid(vec![ValidationError::new(pointer, code, "told in English")]);
        let errors =
            [error("/password", "guessable"), error("/password", "out_of_range"), error("/salesforce_host", "x"), error("/x", "x")];
        let mut met = BTreeMap::new();
        for problem in Code::ALL.iter().map(|code| Problem::new(*code, "told in English")).chain(errors) {
            let (title, text) = texts(&problem);
            for language in Language::ALL {
                let (said_title, said) = title_and_text(&problem, language);
                let is_quoted =
                    language == Language::En || ["problem-authorization-denied.text", "problem-other.text"].contains(&text.id());
                assert_eq!(said.contains("told in English"), is_quoted, "{language:?} {said}");
                assert_eq!(said_title == problem.code().title(), language == Language::En, "{language:?} {said_title}");
            }
            met.insert(title.id(), text.id());
        }
        assert_eq!(met.len(), 19, "{met:?}");
        assert!(
            met.iter().all(|(title, text)| title.split('.').next() == text.split('.').next()),
            "a title and a text of one problem: {met:?}"
        );
    }
}
