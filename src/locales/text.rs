use fluent_bundle::{FluentArgs, FluentValue};

use super::catalog::CATALOGS;
use crate::language::Language;

/// Declares the texts of the catalog: the id of each, its variant, and the arguments it is filled in with.
macro_rules! localized_texts {
    (
        $(#[$meta:meta])*
        $visibility:vis enum $name:ident<$lifetime:lifetime> {
            $($(#[$variant_meta:meta])* $id:literal $variant:ident $({ $($argument:ident: $kind:ty),+ })?),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy)]
        $visibility enum $name<$lifetime> {
            $($(#[$variant_meta])* $variant $({ $($argument: $kind),+ })?),+
        }

        impl<$lifetime> $name<$lifetime> {
            /// Every id with the names of its arguments.
            #[cfg(test)]
            pub(super) const DECLARED: &'static [(&'static str, &'static [&'static str])] =
                &[$(($id, &[$($(stringify!($argument)),+)?])),+];

            /// The id in the catalog files.
            pub(crate) const fn id(self) -> &'static str {
                match self {
                    $(Self::$variant $({ $($argument: _),+ })? => $id),+
                }
            }

            fn arguments(self) -> FluentArgs<$lifetime> {
                match self {
                    $(Self::$variant $({ $($argument),+ })? => {
                        let named: Vec<(&'static str, FluentValue<$lifetime>)> = vec![$($((stringify!($argument), $argument.into())),+)?];
                        named.into_iter().collect()
                    }),+
                }
            }
        }
    };
}

localized_texts! {
    /// A text of the catalog with what it is filled in with. The compiler refuses an argument too many or too few, and its lint of dead
    /// code a text that nobody uses.
    pub(crate) enum LocalizedText<'a> {
        "date-and-time" DateAndTime { day: u8, month: u8, year: i32, time: &'a str },
        "mail.greeting" MailGreeting,
        "mail.link-works-until" LinkWorksUntil { until: &'a str },
        "inviter.named" InviterNamed { name: &'a str },
        "inviter.marketo-admin" InviterMarketoAdmin,
        "inviter.admin" InviterAdmin,

        "invitation-mail.subject" InvitationMailSubject { instance: &'a str },
        "invitation-mail.invited" InvitationMailInvited { inviter: &'a str, instance: &'a str },
        "invitation-mail.open-link" InvitationMailOpenLink,
        "invitation-mail.unexpected" InvitationMailUnexpected,

        "password-reset-mail.subject" PasswordResetMailSubject { instance: &'a str },
        "password-reset-mail.requested" PasswordResetMailRequested { instance: &'a str },
        "password-reset-mail.open-link" PasswordResetMailOpenLink,
        "password-reset-mail.unexpected" PasswordResetMailUnexpected,

        "sync-complete-mail.subject" SyncCompleteMailSubject { instance: &'a str },
        "sync-complete-mail.ending" SyncCompleteMailEnding { instance: &'a str },
        "sync-failed-mail.subject" SyncFailedMailSubject { instance: &'a str },
        "sync-failed-mail.ending" SyncFailedMailEnding { instance: &'a str },
        "sync-failed-mail.what" SyncFailedMailWhat { what: &'a str },
        "sync-failed-mail.remedy" SyncFailedMailRemedy { remedy: &'a str },
        "sync-notice-mail.run" SyncNoticeMailRun { run: &'a str },
        "sync-notice-mail.read" SyncNoticeMailRead { count: i64 },
        "sync-notice-mail.qualified" SyncNoticeMailQualified { count: i64 },
        "sync-notice-mail.added" SyncNoticeMailAdded { count: i64 },
        "sync-notice-mail.changed" SyncNoticeMailChanged { count: i64 },
        "sync-notice-mail.unchanged" SyncNoticeMailUnchanged { count: i64 },
        "sync-notice-mail.removed" SyncNoticeMailRemoved { count: i64 },
        "sync-notice-mail.rejected" SyncNoticeMailRejected { count: i64 },

        "activation-page.title" ActivationPageTitle { instance: &'a str },
        "activation-page.invited" ActivationPageInvited { email: &'a str, instance: &'a str },
        "activation-page.log-in-as" ActivationPageLogInAs { email: &'a str },
        "activation-page.log-in-production" ActivationPageLogInProduction,
        "activation-page.log-in-sandbox" ActivationPageLogInSandbox,
        "activation-page.log-in-my-domain" ActivationPageLogInMyDomain,
        "activation-page.my-domain-label" ActivationPageMyDomainLabel,
        "activation-page.password-label" ActivationPagePasswordLabel { shortest: usize },
        "activation-page.use-password" ActivationPageUsePassword,
        "activated-page.title" ActivatedPageTitle,
        "activated-page.text" ActivatedPageText { email: &'a str },
        "password-reset-page.title" PasswordResetPageTitle,
        "password-reset-page.text" PasswordResetPageText { email: &'a str },
        "password-reset-page.password-label" PasswordResetPagePasswordLabel { shortest: usize },
        "password-reset-page.button" PasswordResetPageButton,
        "password-set-page.title" PasswordSetPageTitle,
        "password-set-page.text" PasswordSetPageText,
        "salesforce-connected-page.title" SalesforceConnectedPageTitle,
        "salesforce-connected-page.text" SalesforceConnectedPageText,
        "salesforce-needs-attention-page.title" SalesforceNeedsAttentionPageTitle,
        "salesforce-needs-attention-page.text" SalesforceNeedsAttentionPageText,

        "problem-link-unknown.title" ProblemLinkUnknownTitle { title: &'a str },
        "problem-link-unknown.text" ProblemLinkUnknownText { detail: &'a str },
        "problem-link-used.title" ProblemLinkUsedTitle { title: &'a str },
        "problem-link-used.text" ProblemLinkUsedText { detail: &'a str },
        "problem-link-expired.title" ProblemLinkExpiredTitle { title: &'a str },
        "problem-link-expired.text" ProblemLinkExpiredText { detail: &'a str },
        "problem-link-revoked.title" ProblemLinkRevokedTitle { title: &'a str },
        "problem-link-revoked.text" ProblemLinkRevokedText { detail: &'a str },
        "problem-link-replaced.title" ProblemLinkReplacedTitle { title: &'a str },
        "problem-link-replaced.text" ProblemLinkReplacedText { detail: &'a str },
        "problem-password-activation-off.title" ProblemPasswordActivationOffTitle { title: &'a str },
        "problem-password-activation-off.text" ProblemPasswordActivationOffText { detail: &'a str },
        "problem-email-mismatch.title" ProblemEmailMismatchTitle { title: &'a str },
        "problem-email-mismatch.text" ProblemEmailMismatchText { detail: &'a str },
        "problem-reset-link-unusable.title" ProblemResetLinkUnusableTitle { title: &'a str },
        "problem-reset-link-unusable.text" ProblemResetLinkUnusableText { detail: &'a str },
        "problem-password-login-off.title" ProblemPasswordLoginOffTitle { title: &'a str },
        "problem-password-login-off.text" ProblemPasswordLoginOffText { detail: &'a str },
        "problem-authorization-state-invalid.title" ProblemAuthorizationStateInvalidTitle { title: &'a str },
        "problem-authorization-state-invalid.text" ProblemAuthorizationStateInvalidText { detail: &'a str },
        "problem-session-required.title" ProblemSessionRequiredTitle { title: &'a str },
        "problem-session-required.text" ProblemSessionRequiredText { detail: &'a str },
        "problem-authorization-denied.title" ProblemAuthorizationDeniedTitle { title: &'a str },
        "problem-authorization-denied.text" ProblemAuthorizationDeniedText { detail: &'a str },
        "problem-salesforce-not-configured.title" ProblemSalesforceNotConfiguredTitle { title: &'a str },
        "problem-salesforce-not-configured.text" ProblemSalesforceNotConfiguredText { detail: &'a str },
        "problem-unavailable.title" ProblemUnavailableTitle { title: &'a str },
        "problem-unavailable.text" ProblemUnavailableText { detail: &'a str },
        "problem-internal.title" ProblemInternalTitle { title: &'a str },
        "problem-internal.text" ProblemInternalText { detail: &'a str },
        "problem-password-length.title" ProblemPasswordLengthTitle { title: &'a str },
        "problem-password-length.text" ProblemPasswordLengthText { detail: &'a str },
        "problem-password-guessable.title" ProblemPasswordGuessableTitle { title: &'a str },
        "problem-password-guessable.text" ProblemPasswordGuessableText { detail: &'a str },
        "problem-salesforce-host.title" ProblemSalesforceHostTitle { title: &'a str },
        "problem-salesforce-host.text" ProblemSalesforceHostText { detail: &'a str },
        "problem-other.title" ProblemOtherTitle { title: &'a str },
        "problem-other.text" ProblemOtherText { detail: &'a str },
    }
}

impl LocalizedText<'_> {
    /// The text in this language.
    #[must_use]
    pub(crate) fn render(self, language: Language) -> String {
        CATALOGS.render(language, self.id(), &self.arguments())
    }
}
