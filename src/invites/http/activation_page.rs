//! The page behind the link of an invitation, in the invitation's language.

use crate::http::{Page, PageField, PageForm};
use crate::invites::activation::{ActivationMethod, OpenLink};
use crate::language::Language;
use crate::members::SHORTEST_PASSWORD;

/// What the page says.
struct ActivationPageTexts {
    title: String,
    invited: String,
    log_in_as: String,
    /// Texts of the buttons.
    production: &'static str,
    sandbox: &'static str,
    my_domain: &'static str,
    with_password: &'static str,
    /// Labels of the fields.
    my_domain_label: &'static str,
    password_label: String,
}

/// The page of a link that can be used.
pub(super) fn page(link: &OpenLink, token: &str, language: Language) -> Page {
    let words = words(language, &link.invite.email, &link.instance.name);
    let action = format!("/activate/{token}");
    let hidden = |method: &str| ("method".to_owned(), method.to_owned());
    let to_host = |host: &str, button: &str| PageForm {
        action: action.clone(),
        hidden: vec![hidden("salesforce"), ("salesforce_host".to_owned(), host.to_owned())],
        fields: Vec::new(),
        button: button.to_owned(),
        leads_away: true,
    };
    let host = PageField { name: "salesforce_host", label: words.my_domain_label.into(), kind: "text", autocomplete: "off" };
    let mut forms = vec![
        to_host("production", words.production),
        to_host("sandbox", words.sandbox),
        PageForm { fields: vec![host], hidden: vec![hidden("salesforce")], ..to_host("", words.my_domain) },
    ];
    if link.methods().contains(&ActivationMethod::Password) {
        let field = PageField { name: "password", label: words.password_label, kind: "password", autocomplete: "new-password" };
        let (hidden, button) = (vec![hidden("password")], words.with_password.into());
        forms.push(PageForm { action: action.clone(), hidden, fields: vec![field], button, leads_away: false });
    }
    Page { language, title: words.title, paragraphs: vec![words.invited, words.log_in_as], forms }
}

fn words(language: Language, email: &str, instance: &str) -> ActivationPageTexts {
    let shortest = SHORTEST_PASSWORD;
    match language {
        Language::En => ActivationPageTexts {
            title: format!("Activate your account of {instance}"),
            invited: format!("{email} was invited to {instance} in Sales Insight Actions."),
            log_in_as: format!("Log in to Salesforce as the user whose e-mail address is {email}."),
            production: "Log in with Salesforce",
            sandbox: "Log in with a Salesforce sandbox",
            my_domain: "Log in with My Domain",
            with_password: "Activate with this password",
            my_domain_label: "My Domain, for example acme.my.salesforce.com",
            password_label: format!("Or choose a password of at least {shortest} characters"),
        },
        Language::De => ActivationPageTexts {
            title: format!("Aktivieren Sie Ihr Konto bei {instance}"),
            invited: format!("{email} wurde zu {instance} in Sales Insight Actions eingeladen."),
            log_in_as: format!("Melden Sie sich bei Salesforce als der Benutzer an, dessen E-Mail-Adresse {email} ist."),
            production: "Mit Salesforce anmelden",
            sandbox: "Mit einer Salesforce-Sandbox anmelden",
            my_domain: "Mit My Domain anmelden",
            with_password: "Mit diesem Passwort aktivieren",
            my_domain_label: "My Domain, zum Beispiel acme.my.salesforce.com",
            password_label: format!("Oder wählen Sie ein Passwort mit mindestens {shortest} Zeichen"),
        },
        Language::Fr => ActivationPageTexts {
            title: format!("Activez votre compte {instance}"),
            invited: format!("{email} est invité à rejoindre {instance} dans Sales Insight Actions."),
            log_in_as: format!("Connectez-vous à Salesforce avec l'utilisateur dont l'adresse e-mail est {email}."),
            production: "Se connecter avec Salesforce",
            sandbox: "Se connecter avec une sandbox Salesforce",
            my_domain: "Se connecter avec My Domain",
            with_password: "Activer avec ce mot de passe",
            my_domain_label: "My Domain, par exemple acme.my.salesforce.com",
            password_label: format!("Ou choisissez un mot de passe d'au moins {shortest} caractères"),
        },
        Language::Es => ActivationPageTexts {
            title: format!("Active su cuenta de {instance}"),
            invited: format!("{email} ha recibido una invitación a {instance} en Sales Insight Actions."),
            log_in_as: format!("Inicie sesión en Salesforce con el usuario cuya dirección de correo electrónico es {email}."),
            production: "Iniciar sesión con Salesforce",
            sandbox: "Iniciar sesión con un sandbox de Salesforce",
            my_domain: "Iniciar sesión con My Domain",
            with_password: "Activar con esta contraseña",
            my_domain_label: "My Domain, por ejemplo acme.my.salesforce.com",
            password_label: format!("O elija una contraseña de al menos {shortest} caracteres"),
        },
        Language::It => ActivationPageTexts {
            title: format!("Attiva il tuo account di {instance}"),
            invited: format!("{email} ha ricevuto un invito a {instance} in Sales Insight Actions."),
            log_in_as: format!("Accedi a Salesforce con l'utente il cui indirizzo e-mail è {email}."),
            production: "Accedi con Salesforce",
            sandbox: "Accedi con una sandbox di Salesforce",
            my_domain: "Accedi con My Domain",
            with_password: "Attiva con questa password",
            my_domain_label: "My Domain, per esempio acme.my.salesforce.com",
            password_label: format!("Oppure scegli una password di almeno {shortest} caratteri"),
        },
        Language::Pt => ActivationPageTexts {
            title: format!("Ative a sua conta de {instance}"),
            invited: format!("{email} recebeu um convite para {instance} no Sales Insight Actions."),
            log_in_as: format!("Faça login no Salesforce com o usuário cujo endereço de e-mail é {email}."),
            production: "Fazer login com o Salesforce",
            sandbox: "Fazer login com um sandbox do Salesforce",
            my_domain: "Fazer login com o My Domain",
            with_password: "Ativar com esta senha",
            my_domain_label: "My Domain, por exemplo acme.my.salesforce.com",
            password_label: format!("Ou escolha uma senha de pelo menos {shortest} caracteres"),
        },
        Language::Ja => ActivationPageTexts {
            title: format!("{instance} のアカウントを有効にする"),
            invited: format!("{email} は Sales Insight Actions の {instance} に招待されました。"),
            log_in_as: format!("メールアドレスが {email} のユーザーとして Salesforce にログインしてください。"),
            production: "Salesforce でログイン",
            sandbox: "Salesforce Sandbox でログイン",
            my_domain: "私のドメインでログイン",
            with_password: "このパスワードで有効にする",
            my_domain_label: "私のドメイン（例: acme.my.salesforce.com）",
            password_label: format!("または {shortest} 文字以上のパスワードを設定"),
        },
        Language::Ko => ActivationPageTexts {
            title: format!("{instance} 계정 활성화"),
            invited: format!("{email} 님이 Sales Insight Actions의 {instance}에 초대되었습니다."),
            log_in_as: format!("이메일 주소가 {email}인 사용자로 Salesforce에 로그인하십시오."),
            production: "Salesforce로 로그인",
            sandbox: "Salesforce 샌드박스로 로그인",
            my_domain: "내 도메인으로 로그인",
            with_password: "이 비밀번호로 활성화",
            my_domain_label: "내 도메인(예: acme.my.salesforce.com)",
            password_label: format!("또는 {shortest}자 이상의 비밀번호를 선택하십시오"),
        },
        Language::Zh => ActivationPageTexts {
            title: format!("激活您在 {instance} 的帐户"),
            invited: format!("{email} 已受邀加入 Sales Insight Actions 中的 {instance}。"),
            log_in_as: format!("请以电子邮件地址为 {email} 的用户登录 Salesforce。"),
            production: "使用 Salesforce 登录",
            sandbox: "使用 Salesforce 沙盒登录",
            my_domain: "使用 My Domain 登录",
            with_password: "使用此密码激活",
            my_domain_label: "My Domain，例如 acme.my.salesforce.com",
            password_label: format!("或设置至少 {shortest} 个字符的密码"),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_language_has_its_own_texts_with_address_and_instance() {
        let mut seen = HashSet::new();
        for language in Language::ALL {
            let words = words(language, "ann@example.com", "Acme & Söhne");
            assert!(words.title.contains("Acme & Söhne") && words.invited.contains("Acme & Söhne"), "{}", words.invited);
            assert!(words.invited.contains("ann@example.com") && words.log_in_as.contains("ann@example.com"), "{}", words.log_in_as);
            assert!(words.my_domain_label.contains("acme.my.salesforce.com") && words.password_label.contains("12"));
            let buttons = [words.production, words.sandbox, words.my_domain, words.with_password].map(str::to_owned);
            for text in buttons.into_iter().chain([words.title, words.invited, words.log_in_as, words.password_label]) {
                assert!(!text.contains(['{', '}']), "{text}");
                assert!(seen.insert(text.clone()), "{language:?} has a text of its own: {text}");
            }
        }
    }
}
