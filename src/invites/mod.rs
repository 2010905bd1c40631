//! Invitations: the first one to a Marketo admin, those by list and by CSV file, and activating them.

mod activation;
pub mod csv;
pub mod http;
mod import_job;
mod import_store;
mod imports;
mod invite;
mod send_job;
mod store;

use serde::Serialize;
use time::Duration;

use crate::clock::Timestamp;
use crate::db::DbError;
use crate::ids::{ImportId, InstanceId, InviteId, MemberId};

pub use http::Activations;
pub use import_job::ImportInvites;
pub use send_job::SendInvitation;

/// How long an invitation can be used.
pub const LIFETIME: Duration = Duration::days(7);
/// Fewest characters of a password.
pub const SHORTEST_PASSWORD: usize = 12;
/// Most characters of a password: enough for any phrase, and a bound on what is hashed.
pub const LONGEST_PASSWORD: usize = 1024;

/// How far an invitation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InviteStatus {
    /// The message is still to be sent, or to be tried again.
    Pending,
    /// The mail server has taken the message.
    Sent,
    /// The message can't be delivered; see `send_error`.
    Failed,
    /// The person has activated.
    Accepted,
    /// Nobody used it in time.
    Expired,
}

impl InviteStatus {
    /// The stored form. `Expired` is never stored: it follows from the time.
    fn read(text: &str) -> Option<Self> {
        match text {
            "pending" => Some(Self::Pending),
            "sent" => Some(Self::Sent),
            "failed" => Some(Self::Failed),
            "accepted" => Some(Self::Accepted),
            _ => None,
        }
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
    /// As stored; see [`Invite::status_at`].
    pub status: InviteStatus,
    /// Whether it went to the first person of the instance.
    pub is_first: bool,
    /// The CSV import it came from.
    pub import: Option<ImportId>,
    /// Who invited: `client:ID` or `member:ID`.
    pub invited_by: String,
    /// Why the message has not left yet, or never will.
    pub send_error: Option<String>,
    pub created_at: Timestamp,
    pub sent_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    pub accepted_at: Option<Timestamp>,
}

impl Invite {
    /// How far it has come at `now`.
    #[must_use]
    pub fn status_at(&self, now: Timestamp) -> InviteStatus {
        match self.status {
            InviteStatus::Pending | InviteStatus::Sent if now >= self.expires_at => InviteStatus::Expired,
            status => status,
        }
    }

    /// Whether nothing can come of it any more, so that the person may be invited again.
    #[must_use]
    pub fn is_over_at(&self, now: Timestamp) -> bool {
        matches!(self.status_at(now), InviteStatus::Expired | InviteStatus::Failed)
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
    /// The address is in use elsewhere. Where is not said.
    #[error("the address belongs to another instance")]
    OtherInstance,
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
    #[error("this activation link worked for {} days; ask whoever invited you for a new invitation", LIFETIME.whole_days())]
    LinkExpired,
    /// Passwords are switched off in the instance.
    #[error("this instance activates by Salesforce login only; use the method \"salesforce\"")]
    PasswordSwitchedOff,
    /// The password is too short or too long.
    #[error("a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")]
    PasswordUnfit,
    /// The password could not be hashed.
    #[error("the password could not be kept")]
    PasswordLost,
    /// The Salesforce user has another address than the invited person.
    #[error(
        "the invitation went to another e-mail address than the Salesforce user has; log in to Salesforce with the user whose \
         e-mail address was invited, then open the link again"
    )]
    EmailMismatch,
    /// No such import.
    #[error("there is no such import in this instance")]
    ImportUnknown,
    /// The import was confirmed before.
    #[error("the import has been confirmed already")]
    ImportConfirmed(ImportId),
    /// The file is no list of invitations.
    #[error(transparent)]
    Unreadable(#[from] csv::Unreadable),
    /// A column of the mapping is not in the file.
    #[error("{field} is mapped to column {column}, but the file's columns are 0 to {last}")]
    MappingUnfit { field: &'static str, column: u16, last: usize },
    /// The work was cut short, for example by a shutdown.
    #[error("the work was interrupted; try again")]
    Interrupted,
    #[error(transparent)]
    Member(#[from] crate::members::MemberError),
    #[error(transparent)]
    Instance(#[from] crate::instances::InstanceError),
    #[error(transparent)]
    Connection(#[from] crate::connections::ConnectionError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Seal(#[from] crate::crypto::SealError),
}
