use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::MailContent;
use super::dates::date_and_time;
use crate::language::Language;

/// What the message with a link for a new password says.
#[derive(Clone, Serialize, Deserialize)]
pub struct PasswordResetMail {
    /// What the instance is called.
    pub instance: String,
    /// The link.
    pub link: String,
    /// Until when the link works.
    #[serde(with = "time::serde::timestamp")]
    pub expires_at: OffsetDateTime,
}

impl PasswordResetMail {
    pub(super) fn content(&self, language: Language) -> MailContent {
        let instance = self.instance.as_str();
        let until = date_and_time(language, self.expires_at);
        let [subject, greeting, asked, open, works, note] = match language {
            Language::En => [
                format!("A new password for {instance} in Sales Insight Actions"),
                "Hello,".into(),
                format!("somebody asked for a new password for your account of {instance} in Sales Insight Actions."),
                "Open this link to choose one:".into(),
                format!("The link works once, until {until}."),
                "If it was not you, ignore this message: your password stays as it is.".into(),
            ],
            Language::De => [
                format!("Ein neues Passwort für {instance} in Sales Insight Actions"),
                "Guten Tag,".into(),
                format!("für Ihr Konto bei {instance} in Sales Insight Actions wurde ein neues Passwort angefordert."),
                "Öffnen Sie diesen Link, um eines zu wählen:".into(),
                format!("Der Link funktioniert einmal, bis {until}."),
                "Wenn Sie das nicht waren, ignorieren Sie diese Nachricht: Ihr Passwort bleibt, wie es ist.".into(),
            ],
            Language::Fr => [
                format!("Un nouveau mot de passe pour {instance} dans Sales Insight Actions"),
                "Bonjour,".into(),
                format!("un nouveau mot de passe a été demandé pour votre compte {instance} dans Sales Insight Actions."),
                "Ouvrez ce lien pour en choisir un\u{a0}:".into(),
                format!("Le lien fonctionne une seule fois, jusqu'au {until}."),
                "Si ce n'était pas vous, ignorez ce message\u{a0}: votre mot de passe reste inchangé.".into(),
            ],
            Language::Es => [
                format!("Una contraseña nueva para {instance} en Sales Insight Actions"),
                "Hola:".into(),
                format!("Se ha solicitado una contraseña nueva para su cuenta de {instance} en Sales Insight Actions."),
                "Abra este enlace para elegirla:".into(),
                format!("El enlace funciona una sola vez, hasta el {until}."),
                "Si no ha sido usted, ignore este mensaje: su contraseña no cambia.".into(),
            ],
            Language::It => [
                format!("Una nuova password per {instance} in Sales Insight Actions"),
                "Buongiorno,".into(),
                format!("è stata richiesta una nuova password per il tuo account di {instance} in Sales Insight Actions."),
                "Apri questo link per sceglierla:".into(),
                format!("Il link funziona una sola volta, fino al {until}."),
                "Se non sei stato tu, ignora questo messaggio: la tua password resta invariata.".into(),
            ],
            Language::Pt => [
                format!("Uma nova senha para {instance} no Sales Insight Actions"),
                "Olá,".into(),
                format!("Foi solicitada uma nova senha para a sua conta de {instance} no Sales Insight Actions."),
                "Abra este link para escolhê-la:".into(),
                format!("O link funciona uma única vez, até {until}."),
                "Se não foi você, ignore esta mensagem: a sua senha permanece como está.".into(),
            ],
            Language::Ja => [
                format!("Sales Insight Actions の {instance} の新しいパスワード"),
                "こんにちは。".into(),
                format!("Sales Insight Actions の {instance} のアカウントについて、新しいパスワードの設定が要求されました。"),
                "次のリンクを開いて、新しいパスワードを設定してください。".into(),
                format!("このリンクは {until} まで、1 回だけ使用できます。"),
                "このメッセージに心当たりがない場合は無視してください。パスワードは変更されません。".into(),
            ],
            Language::Ko => [
                format!("Sales Insight Actions의 {instance} 새 비밀번호"),
                "안녕하세요.".into(),
                format!("Sales Insight Actions의 {instance} 계정에 대한 새 비밀번호가 요청되었습니다."),
                "다음 링크를 열어 새 비밀번호를 설정하십시오.".into(),
                format!("이 링크는 {until}까지 한 번만 사용할 수 있습니다."),
                "본인이 요청하지 않았다면 이 메시지를 무시하십시오. 비밀번호는 변경되지 않습니다.".into(),
            ],
            Language::Zh => [
                format!("Sales Insight Actions 中 {instance} 的新密码"),
                "您好！".into(),
                format!("有人为您在 Sales Insight Actions 中 {instance} 的帐户申请了新密码。"),
                "请打开以下链接以设置新密码：".into(),
                format!("该链接只能使用一次，有效期至 {until}。"),
                "如果不是您本人的操作，请忽略此邮件：您的密码不会改变。".into(),
            ],
        };
        MailContent { subject, greeting, before: vec![asked, open], link: Some(self.link.clone()), after: vec![works], note: Some(note) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::mail::MailTemplate;

    #[test]
    fn each_language_names_the_instance_the_link_and_until_when_it_works() {
        let template = MailTemplate::PasswordReset(PasswordResetMail {
            instance: "Acme & Söhne".into(),
            link: "https://actions.example.com/reset-password/abcDEF-_123".into(),
            expires_at: datetime!(2026-03-09 08:05 UTC),
        });
        let mut subjects = HashSet::new();
        for language in Language::ALL {
            let message = template.message(Uuid::nil(), "a@example.com", language, datetime!(2026-03-09 07:05 UTC)).unwrap();
            for part in ["Acme & Söhne", "\n\nhttps://actions.example.com/reset-password/abcDEF-_123\n\n", "08:05 UTC", "2026"] {
                assert!(message.text.contains(part), "{part:?} is missing in {}", message.text);
            }
            assert!(subjects.insert(message.subject), "{language:?} has a subject of its own");
        }
    }
}
