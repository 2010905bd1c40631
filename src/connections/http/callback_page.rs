//! What people see who come back from Salesforce.

use crate::connections::TestResult;
use crate::http::Page;
use crate::language::Language;
use crate::locales::LocalizedText;

/// The page of somebody who has connected Salesforce, and what a test call came to.
pub(super) fn connected(result: &TestResult, language: Language) -> Page {
    if result.ok {
        let (title, text) = (LocalizedText::SalesforceConnectedPageTitle, LocalizedText::SalesforceConnectedPageText);
        return Page::with_paragraphs(language, title.render(language), [text.render(language)]);
    }
    let (title, text) = (LocalizedText::SalesforceNeedsAttentionPageTitle, LocalizedText::SalesforceNeedsAttentionPageText);
    // Salesforce's words, and what is said about them, are in English.
    let said = [result.message.clone(), result.remedy.clone()].into_iter().flatten();
    Page::with_paragraphs(language, title.render(language), std::iter::once(text.render(language)).chain(said))
}
