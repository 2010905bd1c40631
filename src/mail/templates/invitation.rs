use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::MailContent;
use super::dates::date_and_time;
use crate::language::Language;

/// What an invitation says.
#[derive(Clone, Serialize, Deserialize)]
pub struct InvitationMail {
    /// What the instance is called.
    pub instance: String,
    /// Who invited.
    pub invited_by: Inviter,
    /// The activation link.
    pub link: String,
    /// Until when the link works.
    #[serde(with = "time::serde::timestamp")]
    pub expires_at: OffsetDateTime,
}

/// Who invited, as the invited person knows them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inviter {
    /// A person's name or address.
    Named(String),
    /// Somebody in Marketo, of whom no more is known.
    MarketoAdmin,
    /// A program of the instance's.
    Admin,
}

impl Inviter {
    fn named(&self, language: Language) -> String {
        let (marketo_admin, admin) = match language {
            Language::En => ("Your Marketo administrator", "An administrator"),
            Language::De => ("Ihr Marketo-Administrator", "Ein Administrator"),
            Language::Fr => ("Votre administrateur Marketo", "Un administrateur"),
            Language::Es => ("Su administrador de Marketo", "Un administrador"),
            Language::It => ("L'amministratore di Marketo", "Un amministratore"),
            Language::Pt => ("O administrador do Marketo", "Um administrador"),
            Language::Ja => ("Marketo の管理者", "管理者"),
            Language::Ko => ("Marketo 관리자", "관리자"),
            Language::Zh => ("您的 Marketo 管理员", "管理员"),
        };
        match (self, language) {
            (Self::Named(name), Language::Ja) => format!("{name} さん"),
            (Self::Named(name), _) => name.clone(),
            (Self::MarketoAdmin, _) => marketo_admin.to_owned(),
            (Self::Admin, _) => admin.to_owned(),
        }
    }
}

impl InvitationMail {
    pub(super) fn content(&self, language: Language) -> MailContent {
        let (instance, by) = (self.instance.as_str(), self.invited_by.named(language));
        let until = date_and_time(language, self.expires_at);
        let [subject, greeting, invited, open, works, note] = match language {
            Language::En => [
                format!("You are invited to {instance} in Sales Insight Actions"),
                "Hello,".into(),
                format!("{by} invited you to {instance} in Sales Insight Actions."),
                "Open this link to activate your account:".into(),
                format!("The link works once, until {until}."),
                "If you did not expect this message, ignore it: nothing happens until the link is used.".into(),
            ],
            Language::De => [
                format!("Einladung zu {instance} in Sales Insight Actions"),
                "Guten Tag,".into(),
                format!("{by} hat Sie zu {instance} in Sales Insight Actions eingeladen."),
                "Öffnen Sie diesen Link, um Ihr Konto zu aktivieren:".into(),
                format!("Der Link funktioniert einmal, bis {until}."),
                "Wenn Sie diese Nachricht nicht erwartet haben, ignorieren Sie sie: Es geschieht nichts, solange der Link nicht \
                 benutzt wird."
                    .into(),
            ],
            Language::Fr => [
                format!("Invitation à {instance} dans Sales Insight Actions"),
                "Bonjour,".into(),
                format!("{by} vous invite à rejoindre {instance} dans Sales Insight Actions."),
                "Ouvrez ce lien pour activer votre compte\u{a0}:".into(),
                format!("Le lien fonctionne une seule fois, jusqu'au {until}."),
                "Si vous n'attendiez pas ce message, ignorez-le\u{a0}: rien ne se passe tant que le lien n'est pas utilisé.".into(),
            ],
            Language::Es => [
                format!("Invitación a {instance} en Sales Insight Actions"),
                "Hola:".into(),
                format!("{by} le ha invitado a {instance} en Sales Insight Actions."),
                "Abra este enlace para activar su cuenta:".into(),
                format!("El enlace funciona una sola vez, hasta el {until}."),
                "Si no esperaba este mensaje, ignórelo: no ocurre nada hasta que se use el enlace.".into(),
            ],
            Language::It => [
                format!("Invito a {instance} in Sales Insight Actions"),
                "Buongiorno,".into(),
                format!("{by} ti ha invitato a {instance} in Sales Insight Actions."),
                "Apri questo link per attivare il tuo account:".into(),
                format!("Il link funziona una sola volta, fino al {until}."),
                "Se non ti aspettavi questo messaggio, ignoralo: non succede nulla finché il link non viene usato.".into(),
            ],
            Language::Pt => [
                format!("Convite para {instance} no Sales Insight Actions"),
                "Olá,".into(),
                format!("{by} convidou você para {instance} no Sales Insight Actions."),
                "Abra este link para ativar a sua conta:".into(),
                format!("O link funciona uma única vez, até {until}."),
                "Se você não esperava esta mensagem, ignore-a: nada acontece enquanto o link não for usado.".into(),
            ],
            Language::Ja => [
                format!("Sales Insight Actions の {instance} への招待"),
                "こんにちは。".into(),
                format!("{by}が、あなたを Sales Insight Actions の {instance} に招待しました。"),
                "次のリンクを開いて、アカウントを有効にしてください。".into(),
                format!("このリンクは {until} まで、1 回だけ使用できます。"),
                "このメッセージに心当たりがない場合は無視してください。リンクを使用しない限り、何も起こりません。".into(),
            ],
            Language::Ko => [
                format!("Sales Insight Actions의 {instance}에 초대되었습니다"),
                "안녕하세요.".into(),
                format!("{by} 님이 귀하를 Sales Insight Actions의 {instance}에 초대했습니다."),
                "다음 링크를 열어 계정을 활성화하십시오.".into(),
                format!("이 링크는 {until}까지 한 번만 사용할 수 있습니다."),
                "예상하지 못한 메시지라면 무시하십시오. 링크를 사용하지 않으면 아무 일도 일어나지 않습니다.".into(),
            ],
            Language::Zh => [
                format!("邀请您加入 Sales Insight Actions 中的 {instance}"),
                "您好！".into(),
                format!("{by} 邀请您加入 Sales Insight Actions 中的 {instance}。"),
                "请打开以下链接以激活您的帐户：".into(),
                format!("该链接只能使用一次，有效期至 {until}。"),
                "如果您没有料到会收到此邮件，请忽略它：在链接被使用之前，不会发生任何事情。".into(),
            ],
        };
        MailContent { subject, greeting, before: vec![invited, open], link: Some(self.link.clone()), after: vec![works], note: Some(note) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::mail::MailTemplate;

    fn template(instance: &str) -> InvitationMail {
        InvitationMail {
            instance: instance.into(),
            invited_by: Inviter::Named("Ann <Lee>".into()),
            link: "https://actions.example.com/activate/abcDEF-_123".into(),
            expires_at: datetime!(2026-03-09 08:05 UTC),
        }
    }

    #[test]
    fn each_language_names_instance_inviter_link_and_expiry() {
        let mut subjects = HashSet::new();
        for language in Language::ALL {
            let date = datetime!(2026-03-02 08:05 UTC);
            let message = MailTemplate::Invitation(template("Acme & Söhne")).message(Uuid::nil(), "a@example.com", language, date).unwrap();
            for part in ["Acme & Söhne", "Ann <Lee>", "\n\nhttps://actions.example.com/activate/abcDEF-_123\n\n", "08:05 UTC", "2026"] {
                assert!(message.text.contains(part), "{part:?} is missing in {}", message.text);
            }
            assert!(message.html.contains("<html lang=\"") && message.html.contains("Acme &#38; Söhne"), "{}", message.html);
            assert!(message.html.contains("Ann &#60;Lee&#62;"), "{}", message.html);
            assert!(message.subject.contains("Acme & Söhne"));
            assert!(subjects.insert(message.subject), "{language:?} has a subject of its own");
        }
    }

    #[test]
    fn a_name_can_not_add_a_line_to_the_message() {
        let named = template("Acme\r\n\r\nOpen http://evil.example");
        let content = MailTemplate::Invitation(named).content(Language::En).one_line_each();
        assert!(content.before.iter().all(|text| !text.contains(['\r', '\n'])), "{content:?}");
    }
}
