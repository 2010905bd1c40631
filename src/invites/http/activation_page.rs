//! The page behind the link of an invitation, in the invitation's language.

use crate::http::{Page, PageField, PageForm};
use crate::invites::activation::{ActivationMethod, OpenLink};
use crate::language::Language;
use crate::locales::LocalizedText;
use crate::members::MIN_PASSWORD_LENGTH;

/// The page of a link that can be used.
pub(super) fn page(link: &OpenLink, token: &str, language: Language) -> Page {
    let (email, instance, shortest) = (link.invite.email.as_str(), link.instance.name.as_str(), MIN_PASSWORD_LENGTH);
    let text = |text: LocalizedText<'_>| text.render(language);
    let action = format!("/activate/{token}");
    let hidden = |method: &str| ("method".to_owned(), method.to_owned());
    let to_host = |host: &str, button: LocalizedText<'_>| PageForm {
        action: action.clone(),
        hidden: vec![hidden("salesforce"), ("salesforce_host".to_owned(), host.to_owned())],
        fields: Vec::new(),
        button: text(button),
        leads_away: true,
    };
    let label = text(LocalizedText::ActivationPageMyDomainLabel);
    let host = PageField { name: "salesforce_host", label, kind: "text", autocomplete: "off" };
    let mut forms = vec![
        to_host("production", LocalizedText::ActivationPageLogInProduction),
        to_host("sandbox", LocalizedText::ActivationPageLogInSandbox),
        PageForm { fields: vec![host], hidden: vec![hidden("salesforce")], ..to_host("", LocalizedText::ActivationPageLogInMyDomain) },
    ];
    if link.methods().contains(&ActivationMethod::Password) {
        let label = text(LocalizedText::ActivationPagePasswordLabel { shortest });
        let field = PageField { name: "password", label, kind: "password", autocomplete: "new-password" };
        let (hidden, button) = (vec![hidden("password")], text(LocalizedText::ActivationPageUsePassword));
        forms.push(PageForm { action: action.clone(), hidden, fields: vec![field], button, leads_away: false });
    }
    let title = text(LocalizedText::ActivationPageTitle { instance });
    let invited = text(LocalizedText::ActivationPageInvited { email, instance });
    let log_in_as = text(LocalizedText::ActivationPageLogInAs { email });
    Page { language, title, paragraphs: vec![invited, log_in_as], forms }
}
