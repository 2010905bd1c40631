//! The pages behind the link for a new password, in the instance's language.

use crate::http::{Page, PageField, PageForm};
use crate::language::Language;
use crate::locales::LocalizedText;
use crate::members::MIN_PASSWORD_LENGTH;

/// The page of a link that can be used.
pub(super) fn page(email: &str, token: &str, language: Language) -> Page {
    let text = |text: LocalizedText<'_>| text.render(language);
    let label = text(LocalizedText::PasswordResetPagePasswordLabel { shortest: MIN_PASSWORD_LENGTH });
    let field = PageField { name: "password", label, kind: "password", autocomplete: "new-password" };
    let (action, button) = (format!("/reset-password/{token}"), text(LocalizedText::PasswordResetPageButton));
    let form = PageForm { action, hidden: Vec::new(), fields: vec![field], button, leads_away: false };
    let (title, paragraph) = (text(LocalizedText::PasswordResetPageTitle), text(LocalizedText::PasswordResetPageText { email }));
    Page { language, title, paragraphs: vec![paragraph], forms: vec![form] }
}

/// The page when the password is set.
pub(super) fn done(language: Language) -> Page {
    let (title, text) = (LocalizedText::PasswordSetPageTitle, LocalizedText::PasswordSetPageText);
    Page::with_paragraphs(language, title.render(language), [text.render(language)])
}
