//! Auto-login from Salesforce. It works when the instance is set to Salesforce Only, the user was invited, has activated by
//! connecting Salesforce, and the username matches (or Salesforce username and e-mail match).

use futures_util::future::BoxFuture;

use super::store::AutoLoginCandidate;
use super::{MemberState, store};
use crate::auth::{ExchangedMember, MemberExchange, SubjectToken};
use crate::connections::{Connections, SalesforceLogin, SignInError};
use crate::db::{Db, DbError};
use crate::http::{AsProblem, Code, Problem};
use crate::ids::InstanceId;
use crate::instances::{self, InstanceError, LoginManagement};

/// Why somebody is not logged in by themselves. One for each condition.
#[derive(Debug, thiserror::Error)]
pub(super) enum AutoLoginError {
    #[error("the instance allows all login methods; auto-login needs login_management salesforce_only")]
    SwitchedOff,
    #[error("no member of the instance has this Salesforce user's username or e-mail address; invite them")]
    NotInvited,
    #[error("the member has not activated by logging in at Salesforce; follow the invitation's link")]
    NotActivated,
    #[error("the member has been deactivated; an admin can reactivate them with POST /v1/members/ID/reactivate")]
    Deactivated,
    #[error("the member activated as another Salesforce user, and this one's username is not the member's e-mail address")]
    OtherUser,
    #[error(transparent)]
    SignIn(#[from] SignInError),
    #[error(transparent)]
    Instance(#[from] InstanceError),
    #[error(transparent)]
    Db(#[from] DbError),
}

impl AsProblem for AutoLoginError {
    fn as_problem(&self) -> Problem {
        let code = match self {
            Self::SwitchedOff => Code::AutoLoginSwitchedOff,
            Self::NotInvited => Code::AutoLoginNotInvited,
            Self::NotActivated => Code::AutoLoginNotActivated,
            Self::Deactivated => Code::AutoLoginDeactivated,
            Self::OtherUser => Code::AutoLoginOtherUser,
            Self::SignIn(error) => return error.as_problem(),
            Self::Instance(error) => return error.as_problem(),
            Self::Db(error) => return error.as_problem(),
        };
        Problem::new(code, format!("{self}."))
    }
}

fn same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Checks the last three conditions.
fn check(candidate: &AutoLoginCandidate, login: &SalesforceLogin) -> Result<(), AutoLoginError> {
    if candidate.state == MemberState::Deactivated {
        return Err(AutoLoginError::Deactivated);
    }
    let Some(activated_as) = candidate.salesforce_username.as_deref().filter(|_| candidate.state == MemberState::Active) else {
        return Err(AutoLoginError::NotActivated);
    };
    let by_username = same(activated_as, &login.username);
    let by_both = same(&login.username, &candidate.email) && same(&login.email, &candidate.email);
    if by_username || by_both { Ok(()) } else { Err(AutoLoginError::OtherUser) }
}

/// Finds the member behind a Salesforce user.
#[derive(Debug, Clone)]
pub struct AutoLogin {
    pub db: Db,
    pub connections: Connections,
}

impl AutoLogin {
    async fn find(&self, instance: InstanceId, subject: &SubjectToken) -> Result<ExchangedMember, AutoLoginError> {
        let settings = instances::find(&self.db, instance).await?.ok_or(InstanceError::Unknown)?;
        if settings.login_management != LoginManagement::SalesforceOnly {
            return Err(AutoLoginError::SwitchedOff);
        }
        let login = match subject {
            SubjectToken::Salesforce { access_token, instance_url } => {
                self.connections.user_of_token(instance, access_token, instance_url).await?
            }
            SubjectToken::CanvasSignedRequest(signed) => self.connections.user_of_signed_request(instance, signed).await?,
        };
        let by_username = store::find_by_salesforce_username(&self.db, instance, &login.username).await?;
        let found = match by_username {
            Some(found) => Some(found),
            None => store::find_by_email(&self.db, instance, &login.email).await?,
        };
        let (member, role, candidate) = found.ok_or(AutoLoginError::NotInvited)?;
        check(&candidate, &login)?;
        Ok(ExchangedMember { member, role })
    }
}

impl MemberExchange for AutoLogin {
    fn find_member<'a>(&'a self, instance: InstanceId, subject: &'a SubjectToken) -> BoxFuture<'a, Result<ExchangedMember, Problem>> {
        Box::pin(async move { Ok(self.find(instance, subject).await?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(username: &str, email: &str) -> SalesforceLogin {
        SalesforceLogin { organization_id: "00D".into(), user_id: "005".into(), username: username.into(), email: email.into() }
    }

    fn active(salesforce_username: Option<&str>) -> AutoLoginCandidate {
        let salesforce_username = salesforce_username.map(str::to_owned);
        AutoLoginCandidate { state: MemberState::Active, email: "ann@example.com".into(), salesforce_username }
    }

    #[test]
    fn the_salesforce_username_or_email_must_be_the_members_address() {
        assert!(check(&active(Some("ann@acme.sfdc")), &login("Ann@Acme.sfdc", "else@example.com")).is_ok());
        assert!(check(&active(Some("old@acme.sfdc")), &login("ann@example.com", "ann@example.com")).is_ok());
        for other in [login("new@acme.sfdc", "ann@example.com"), login("ann@example.com", "else@example.com")] {
            assert!(matches!(check(&active(Some("old@acme.sfdc")), &other), Err(AutoLoginError::OtherUser)), "{other:?}");
        }
    }

    #[test]
    fn who_activated_by_a_password_or_not_at_all_is_not_let_in() {
        let invited = AutoLoginCandidate { state: MemberState::Invited, ..active(Some("ann@example.com")) };
        for candidate in [active(None), invited] {
            assert!(matches!(check(&candidate, &login("ann@example.com", "ann@example.com")), Err(AutoLoginError::NotActivated)));
        }
    }
}
