use futures_util::future::BoxFuture;

use super::store;
use crate::clock::SharedClock;
use crate::db::{DbError, Tx};
use crate::ids::InviteId;
use crate::mail::{MailProgress, MailWatcher, QueuedMail};

/// Shows in an invitation what becomes of its message.
#[derive(Debug)]
pub struct InvitationWatcher(pub SharedClock);

impl MailWatcher for InvitationWatcher {
    fn kind(&self) -> &'static str {
        "invitation"
    }

    fn record<'a>(&'a self, tx: &'a mut Tx, mail: &'a QueuedMail, progress: &'a MailProgress) -> BoxFuture<'a, Result<(), DbError>> {
        Box::pin(async move {
            let (instance, invite) = (mail.instance, InviteId(mail.about));
            match progress {
                MailProgress::Sent => store::mark_sent(tx, instance, invite, mail.id, self.0.timestamp(), None).await,
                MailProgress::Unconfirmed => {
                    let why = "the mail server did not confirm that it took the message; resend the invitation if it has not arrived";
                    store::mark_sent(tx, instance, invite, mail.id, self.0.timestamp(), Some(why)).await
                }
                MailProgress::Delayed { why } => store::note_delay(tx, instance, invite, mail.id, why).await,
                MailProgress::RanOut => {
                    store::note_delay(tx, instance, invite, mail.id, "the message could not be delivered in time").await
                }
                MailProgress::Failed => {
                    let why = "this service failed to send the message, several times; resend the invitation";
                    store::note_delay(tx, instance, invite, mail.id, why).await
                }
                MailProgress::Refused { why } => store::mark_bounced(tx, instance, invite, mail.id, why).await,
            }
        })
    }
}
