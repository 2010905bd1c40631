//! The pages behind the link for a new password, in the instance's language.

use crate::http::{Page, PageField, PageForm};
use crate::language::Language;
use crate::members::SHORTEST_PASSWORD;

/// The page of a link that can be used.
pub(super) fn page(email: &str, token: &str, language: Language) -> Page {
    let ResetPageTexts { title, text, label, button } = words(language, email);
    let field = PageField { name: "password", label, kind: "password", autocomplete: "new-password" };
    let action = format!("/reset-password/{token}");
    let form = PageForm { action, hidden: Vec::new(), fields: vec![field], button: button.into(), leads_away: false };
    Page { language, title: title.into(), paragraphs: vec![text], forms: vec![form] }
}

/// The page when the password is set.
pub(super) fn done(language: Language) -> Page {
    let (title, text) = match language {
        Language::En => ("Your password is set", "Log in with it. You were logged out everywhere else."),
        Language::De => ("Ihr Passwort ist gesetzt", "Melden Sie sich damit an. Überall sonst wurden Sie abgemeldet."),
        Language::Fr => ("Votre mot de passe est défini", "Connectez-vous avec celui-ci. Vous avez été déconnecté partout ailleurs."),
        Language::Es => ("Su contraseña está establecida", "Inicie sesión con ella. Se ha cerrado su sesión en todos los demás lugares."),
        Language::It => ("La tua password è impostata", "Usala per accedere. In tutti gli altri luoghi la tua sessione è stata chiusa."),
        Language::Pt => ("A sua senha foi definida", "Faça login com ela. As suas outras sessões foram encerradas."),
        Language::Ja => ("パスワードを設定しました", "新しいパスワードでログインしてください。ほかの場所ではログアウトされました。"),
        Language::Ko => ("비밀번호가 설정되었습니다", "새 비밀번호로 로그인하십시오. 다른 모든 곳에서 로그아웃되었습니다."),
        Language::Zh => ("您的密码已设置", "请使用新密码登录。您已在其他所有位置退出登录。"),
    };
    Page::text(language, title, [text.to_owned()])
}

/// What the page of the link says.
struct ResetPageTexts {
    title: &'static str,
    text: String,
    label: String,
    button: &'static str,
}

fn words(language: Language, email: &str) -> ResetPageTexts {
    let shortest = SHORTEST_PASSWORD;
    match language {
        Language::En => ResetPageTexts {
            title: "Choose a new password",
            text: format!("For {email}. You are logged out everywhere, and log in with the new password."),
            label: format!("A password of at least {shortest} characters"),
            button: "Set this password",
        },
        Language::De => ResetPageTexts {
            title: "Wählen Sie ein neues Passwort",
            text: format!("Für {email}. Sie werden überall abgemeldet und melden sich mit dem neuen Passwort an."),
            label: format!("Ein Passwort mit mindestens {shortest} Zeichen"),
            button: "Dieses Passwort setzen",
        },
        Language::Fr => ResetPageTexts {
            title: "Choisissez un nouveau mot de passe",
            text: format!("Pour {email}. Vous serez déconnecté partout et vous connecterez avec le nouveau mot de passe."),
            label: format!("Un mot de passe d'au moins {shortest} caractères"),
            button: "Définir ce mot de passe",
        },
        Language::Es => ResetPageTexts {
            title: "Elija una contraseña nueva",
            text: format!("Para {email}. Se cerrará su sesión en todas partes e iniciará sesión con la contraseña nueva."),
            label: format!("Una contraseña de al menos {shortest} caracteres"),
            button: "Establecer esta contraseña",
        },
        Language::It => ResetPageTexts {
            title: "Scegli una nuova password",
            text: format!("Per {email}. La tua sessione verrà chiusa ovunque e accederai con la nuova password."),
            label: format!("Una password di almeno {shortest} caratteri"),
            button: "Imposta questa password",
        },
        Language::Pt => ResetPageTexts {
            title: "Escolha uma nova senha",
            text: format!("Para {email}. As suas sessões serão encerradas em toda parte, e você fará login com a nova senha."),
            label: format!("Uma senha de pelo menos {shortest} caracteres"),
            button: "Definir esta senha",
        },
        Language::Ja => ResetPageTexts {
            title: "新しいパスワードの設定",
            text: format!("{email} のパスワードです。すべての場所でログアウトされます。新しいパスワードでログインしてください。"),
            label: format!("{shortest} 文字以上のパスワード"),
            button: "このパスワードを設定する",
        },
        Language::Ko => ResetPageTexts {
            title: "새 비밀번호 선택",
            text: format!("{email}의 비밀번호입니다. 모든 곳에서 로그아웃되며 새 비밀번호로 로그인하게 됩니다."),
            label: format!("{shortest}자 이상의 비밀번호"),
            button: "이 비밀번호 설정",
        },
        Language::Zh => ResetPageTexts {
            title: "设置新密码",
            text: format!("用于 {email}。您将在所有位置退出登录，然后使用新密码登录。"),
            label: format!("至少 {shortest} 个字符的密码"),
            button: "设置此密码",
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_language_has_every_text_of_its_own() {
        let mut seen = HashSet::new();
        for language in Language::ALL {
            let (form, done) = (page("ann@example.com", "secret", language), done(language));
            assert!(form.paragraphs[0].contains("ann@example.com") && form.forms[0].fields[0].label.contains("12"), "{form:?}");
            let texts = [form.title, form.paragraphs.concat(), form.forms[0].fields[0].label.clone(), form.forms[0].button.clone()];
            for text in texts.into_iter().chain([done.title, done.paragraphs.concat()]) {
                assert!(!text.contains(['{', '}']), "{text}");
                assert!(seen.insert(text.clone()), "{language:?} has a text of its own: {text}");
            }
        }
    }
}
