//! Invitations: the first one to a Marketo admin, those by list, and activating them.

mod activation;
mod address_list;
mod addresses;
mod changes;
mod context;
mod delivery;
mod first_user;
mod forget;
mod forget_store;
pub mod http;
mod invite;
mod message_limit;
mod message_store;
mod provisioning;
mod store;
mod wiring;

use time::Duration;

use crate::clock::Timestamp;
use crate::db::{DbError, text_enum};
use crate::ids::{ImportId, InstanceId, InviteId, MailId, MemberId};
use crate::language::Language;

pub use address_list::BlockedAddress;
pub use addresses::split_name;
pub use context::InviteContext;
pub use delivery::InvitationWatcher;
pub use forget::forget_ended;
pub(crate) use http::{TeamReference, team_errors};
pub use invite::{InviteOutcome, InviteOutcomeKind, invite};
pub use provisioning::{Provisioning, invite_anew, provision, withdraw};
pub use wiring::wire;

/// How long an invitation can be used.
pub const LIFETIME: Duration = Duration::days(7);
/// Most days for which an invitation can be extended.
pub const MAX_EXTENSION_DAYS: i64 = 30;
/// Least time between two messages of one invitation.
pub const RESEND_PAUSE: Duration = Duration::minutes(10);
/// Most messages of one invitation in 24 hours, the first one included.
pub const MAX_MESSAGES_A_DAY: usize = 5;

text_enum! {
    /// How far an invitation has come.
    pub enum InviteState {
        /// The message is still to be sent, or to be tried again; `send_error` says why it has not left.
        Pending = "pending",
        /// The mail server has taken the message.
        Sent = "sent",
        /// The mail server refuses the message for good; `send_error` says why.
        Bounced = "bounced",
        /// The person has activated.
        Accepted = "accepted",
        /// Nobody used it in time.
        // Never stored: it follows from the time.
        Expired = "expired",
        /// It was taken back, and its link works no more.
        Revoked = "revoked",
    }
}

/// An invitation.
#[derive(Debug, Clone)]
pub struct Invite {
    pub id: InviteId,
    pub instance: InstanceId,
    pub member: MemberId,
    /// The address as it was typed.
    pub email: String,
    /// As stored; see [`Invite::state_at`].
    pub state: InviteState,
    /// Whether it went to the first person of the instance.
    pub is_first: bool,
    /// The CSV import it came from.
    pub import: Option<ImportId>,
    /// The newest message; none for invitations of before there was an outbox.
    pub message: Option<MailId>,
    pub language: Language,
    /// Who invited: `client:ID` or `member:ID`.
    pub invited_by: String,
    /// Why the message has not left yet, or never will.
    pub send_error: Option<String>,
    pub created_at: Timestamp,
    pub sent_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    pub accepted_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    /// Who revoked: `client:ID` or `member:ID`.
    pub revoked_by: Option<String>,
}

impl Invite {
    /// How far it has come at `now`.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> InviteState {
        match self.state {
            InviteState::Pending | InviteState::Sent if now >= self.expires_at => InviteState::Expired,
            state => state,
        }
    }

    /// Whether nothing can come of it any more, so that the person may be invited again.
    #[must_use]
    pub fn is_over_at(&self, now: Timestamp) -> bool {
        matches!(self.state_at(now), InviteState::Expired | InviteState::Bounced | InviteState::Revoked)
    }
}

/// The member who invited, if it was one.
#[must_use]
pub fn inviting_member(invited_by: &str) -> Option<MemberId> {
    invited_by.strip_prefix("member:")?.parse().ok()
}

/// Why somebody can't be invited or activated.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// The person is not among the subscription's Marketo admins.
    #[error("this person is not among the Marketo admins of the subscription; GET /v1/marketo/admins lists them")]
    NotAMarketoAdmin,
    /// Marketo has an address for the person that no message can be sent to.
    #[error("the Marketo admin's e-mail address can't be used: {0}")]
    AdminWithoutAddress(crate::members::NoEmailAddress),
    /// The first person has been invited; others are invited by POST /v1/invites.
    #[error("the first user has been invited already; invite others with POST /v1/invites")]
    FirstUserExists,
    /// Nobody has been invited yet.
    #[error("step 1 of the set-up guide comes first: invite the first user, a Marketo admin, with POST /v1/invites/first")]
    NobodyInvited,
    /// The address belongs to a member of this instance.
    #[error("a member of this instance has this address")]
    AlreadyMember,
    /// The person logs in to another instance with the address. Only who has the link, and so the mailbox, is told.
    #[error(
        "you log in to another instance with this e-mail address; ask its admin to remove you there, then open this link again, or ask \
         to be invited here with another address"
    )]
    LogsInElsewhere,
    /// The person, or everybody whom the instance invites, is sent as many messages as may be.
    #[error("this person is sent no more invitations for now; invite them after {next}")]
    TooManyMessages {
        next: Timestamp,
        /// Seconds from now.
        wait: i64,
        /// Everybody of the address list, if there is one.
        blocked: Vec<BlockedAddress>,
    },
    /// Not everybody of an address list can be invited, and all or nobody was to be.
    #[error("Nobody was invited, because {} of {total} can't be; see errors", blocked.len())]
    NotEverybody { blocked: Vec<BlockedAddress>, total: usize },
    /// No seat is left.
    #[error("all {0} user seats are taken")]
    NoSeat(i64),
    /// The link is not one of ours.
    #[error("this activation link is not known; use the link of the newest invitation message, unchanged")]
    LinkUnknown,
    /// The link was used.
    #[error("this activation link has been used; if it was you, log in")]
    LinkUsed,
    /// The link is too old.
    #[error("this activation link has run out; ask whoever invited you for a new invitation")]
    LinkExpired,
    /// The invitation was taken back.
    #[error("this invitation has been revoked; ask whoever invited you if you think that is a mistake")]
    LinkRevoked,
    /// The invitation was sent anew.
    #[error("a newer message has another link, which is the one that works; open that one")]
    LinkReplaced,
    /// No such invitation.
    #[error("there is no such invitation in this instance")]
    Unknown,
    /// The newest message has not left, so that another one would be a second one.
    #[error("the message of this invitation has not left yet; it is tried again by itself")]
    OnItsWay,
    /// Nothing can be done about an invitation in this state any more.
    #[error("{0}")]
    Settled(&'static str),
    /// It was sent too recently or too often.
    #[error("an invitation is sent at most once in {} minutes and {MAX_MESSAGES_A_DAY} times in 24 hours; resend it after {next}",
        RESEND_PAUSE.whole_minutes())]
    TooSoon {
        next: Timestamp,
        /// Seconds from now.
        wait: i64,
    },
    /// The sync has begun, and the original user with it.
    #[error("data sync has started, and from then on the original user stays; invite others and leave this invitation as it is")]
    OriginalUserStays,
    /// Passwords are switched off in the instance.
    #[error("this instance activates by Salesforce login only; use the method \"salesforce\"")]
    PasswordSwitchedOff,
    /// The password is not taken.
    #[error(transparent)]
    Password(#[from] crate::members::PasswordError),
    /// The Salesforce user has another address than the invited person.
    #[error(
        "the invitation went to another e-mail address than the Salesforce user has; log in to Salesforce with the user whose \
         e-mail address was invited, then open the link again"
    )]
    EmailMismatch,
    #[error(transparent)]
    Member(#[from] crate::members::MemberError),
    #[error(transparent)]
    Instance(#[from] crate::instances::InstanceError),
    #[error(transparent)]
    Connection(#[from] crate::connections::ConnectionError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Seal(#[from] crate::vault::SealError),
}

impl From<crate::mail::QueueError> for InviteError {
    fn from(error: crate::mail::QueueError) -> Self {
        match error {
            crate::mail::QueueError::Db(error) => Self::Db(error),
            crate::mail::QueueError::Seal(error) => Self::Seal(error),
        }
    }
}
