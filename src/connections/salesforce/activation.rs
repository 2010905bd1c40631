//! Activating an invitation by Salesforce login begins in `invites` and comes back here, at the one redirect address that
//! Salesforce knows. This trait is how the way back is found without a circle.

use futures_util::future::BoxFuture;

use crate::audit::ChangeOrigin;
use crate::auth::NewSession;
use crate::http::{Page, Problem};
use crate::ids::{InstanceId, InviteId, MemberId};
use crate::language::Language;
use crate::locales::LocalizedText;

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
    let (title, text) = (LocalizedText::ActivatedPageTitle, LocalizedText::ActivatedPageText { email });
    Page::with_paragraphs(language, title.render(language), [text.render(language)])
}
