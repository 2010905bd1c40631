//! Activating an invitation by Salesforce login begins in `invites` and comes back here, at the one redirect address that
//! Salesforce knows. This trait is how the way back is found without a circle.

use futures_util::future::BoxFuture;

use crate::audit::ChangeOrigin;
use crate::auth::NewSession;
use crate::http::{Page, Problem};
use crate::ids::{InstanceId, InviteId, MemberId};
use crate::language::Language;

/// Who logged in at Salesforce.
#[derive(Debug, Clone)]
pub struct SalesforceLogin {
    /// 18 characters.
    pub organization_id: String,
    /// 18 characters.
    pub user_id: String,
    pub username: String,
    pub email: String,
}

/// A member just activated, with the session begun for them.
#[derive(Debug)]
pub struct ActivatedMember {
    pub member: MemberId,
    pub email: String,
    pub session: NewSession,
}

/// Completes an invitation whose person has logged in at Salesforce. `invites` implements it.
pub trait ActivationByLogin: Send + Sync {
    /// What the invited person is written to in; none when there is no such invitation, or it can't be read.
    fn language(&self, instance: InstanceId, invite: InviteId) -> BoxFuture<'_, Option<Language>>;

    /// Activates the member.
    fn activate<'a>(
        &'a self,
        instance: InstanceId,
        invite: InviteId,
        login: &'a SalesforceLogin,
        origin: &'a ChangeOrigin,
    ) -> BoxFuture<'a, Result<ActivatedMember, Problem>>;
}

/// The page of a person who is active and logged in.
#[must_use]
pub fn active_page(email: &str, language: Language) -> Page {
    let (title, text) = match language {
        Language::En => ("Your account is active", format!("You are logged in as {email}. You can close this window.")),
        Language::De => ("Ihr Konto ist aktiv", format!("Sie sind als {email} angemeldet. Sie können dieses Fenster schließen.")),
        Language::Fr => ("Votre compte est actif", format!("Vous êtes connecté en tant que {email}. Vous pouvez fermer cette fenêtre.")),
        Language::Es => ("Su cuenta está activa", format!("Ha iniciado sesión como {email}. Puede cerrar esta ventana.")),
        Language::It => ("Il tuo account è attivo", format!("Hai effettuato l'accesso come {email}. Puoi chiudere questa finestra.")),
        Language::Pt => ("A sua conta está ativa", format!("Você fez login como {email}. Você pode fechar esta janela.")),
        Language::Ja => ("アカウントが有効になりました", format!("{email} としてログインしています。このウィンドウを閉じてください。")),
        Language::Ko => ("계정이 활성화되었습니다", format!("{email}(으)로 로그인했습니다. 이 창을 닫아도 됩니다.")),
        Language::Zh => ("您的帐户已激活", format!("您已以 {email} 的身份登录。您可以关闭此窗口。")),
    };
    Page::text(language, title, [text])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_language_tells_who_is_logged_in_in_its_own_words() {
        let pages = Language::ALL.map(|language| active_page("ann@example.com", language));
        assert!(pages.iter().all(|page| page.paragraphs.concat().contains("ann@example.com")), "{pages:?}");
        assert_eq!(pages.iter().map(|page| &page.title).collect::<HashSet<_>>().len(), Language::ALL.len());
        assert_eq!(pages.iter().map(|page| &page.paragraphs[0]).collect::<HashSet<_>>().len(), Language::ALL.len());
    }
}
