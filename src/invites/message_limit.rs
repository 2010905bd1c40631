//! How many messages of invitations one person is sent, and one instance sends, within 24 hours. Revoking an invitation, or removing the
//! member, gives no messages back: nobody is to be written to again and again by inviting and removing them.

use std::collections::HashMap;

use time::Duration;

use super::context::InviteContext;
use super::message_store;
use super::{InviteError, MAX_MESSAGES_A_DAY};
use crate::clock::Timestamp;
use crate::db::Tx;

/// The time in which messages are counted.
pub(super) const MESSAGE_WINDOW: Duration = Duration::DAY;
/// Most messages to one address by one inviter, as many as one invitation may have.
const MAX_BY_INVITER: usize = MAX_MESSAGES_A_DAY;
/// Most messages to one address by everybody in the instance.
const MAX_TO_ADDRESS: usize = 2 * MAX_BY_INVITER;
/// Most messages of an instance for each of its seats: enough to invite everybody anew some times.
const MAX_PER_SEAT: i64 = 10;

/// A message that an address was sent within the window: when, and who invited.
type SentMessage = (Timestamp, String);

/// What an instance may still send to some addresses.
#[derive(Debug)]
pub(super) struct MessageAllowance {
    /// Of all addresses together.
    remaining: i64,
    /// When there will be more.
    more_at: Timestamp,
    invited_by: String,
    now: Timestamp,
    /// By the key of the address, the newest first.
    sent: HashMap<String, Vec<SentMessage>>,
}

impl MessageAllowance {
    /// Counts what was sent, also to each address with one of these keys. Those who invite in one instance wait for each other before
    /// ([`ensure_everyone`](crate::members::ensure_everyone)), so that what is counted holds until the transaction ends.
    pub(super) async fn load(tx: &mut Tx, cx: &InviteContext<'_>, email_keys: &[&str]) -> Result<Self, InviteError> {
        let now = cx.clock().timestamp();
        let since = now - MESSAGE_WINDOW;
        let (count, first) = message_store::count_since(tx, cx.instance, since).await?;
        let mut sent: HashMap<String, Vec<SentMessage>> = HashMap::new();
        for (key, queued_at, invited_by) in message_store::list_to_addresses(tx, cx.instance, email_keys, since).await? {
            sent.entry(key).or_default().push((queued_at, invited_by));
        }
        let most = cx.context.limits.seats.saturating_mul(MAX_PER_SEAT);
        let more_at = first.unwrap_or(now) + MESSAGE_WINDOW;
        Ok(Self { remaining: most - count, more_at, invited_by: cx.invited_by.to_owned(), now, sent })
    }

    /// Takes a message to the address with this key, one of those loaded; the error is when there will be one.
    pub(super) fn take(&mut self, email_key: &str) -> Result<(), Timestamp> {
        let sent = self.sent.entry(email_key.to_owned()).or_default();
        let all_at = (self.remaining <= 0).then_some(self.more_at);
        if let Some(next) = all_at.max(next_to_address(sent, &self.invited_by)) {
            return Err(next);
        }
        self.remaining -= 1;
        sent.insert(0, (self.now, self.invited_by.clone()));
        Ok(())
    }
}

/// Takes one message to the address with this key.
///
/// # Errors
/// [`InviteError::TooManyMessages`]
pub(super) async fn take_message(tx: &mut Tx, cx: &InviteContext<'_>, email_key: &str) -> Result<(), InviteError> {
    let taken = MessageAllowance::load(tx, cx, &[email_key]).await?.take(email_key);
    taken.map_err(|next| too_many_messages(next, cx.clock().timestamp()))
}

/// The error that says from when on there are messages again.
pub(super) fn too_many_messages(next: Timestamp, now: Timestamp) -> InviteError {
    InviteError::TooManyMessages { next, wait: seconds_until(next, now), blocked: Vec::new() }
}

/// How many seconds to wait from `now`, so that `next` has come.
pub(super) fn seconds_until(next: Timestamp, now: Timestamp) -> i64 {
    (next - now).whole_seconds() + 1
}

/// When an address may be sent another message that was sent these within the window, the newest first; none when it may be now.
fn next_to_address(sent: &[SentMessage], invited_by: &str) -> Option<Timestamp> {
    let by_inviter = sent.iter().filter(|(_, by)| by == invited_by).nth(MAX_BY_INVITER - 1);
    by_inviter.max(sent.get(MAX_TO_ADDRESS - 1)).map(|(queued_at, _)| *queued_at + MESSAGE_WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_sent_five_messages_by_one_inviter_and_ten_in_all() {
        let now = Timestamp::parse("2026-03-02T08:00:00Z").unwrap();
        let sent =
            |by: &[&str]| -> Vec<_> { (0..).zip(by).map(|(minutes, by)| (now - Duration::minutes(minutes), (*by).to_owned())).collect() };
        assert_eq!(next_to_address(&sent(&["ann"; 4]), "ann"), None);
        assert_eq!(next_to_address(&sent(&["ann"; 5]), "ann"), Some(now + Duration::DAY - Duration::minutes(4)));
        assert_eq!(next_to_address(&sent(&["ann"; 5]), "bo"), None);
        let both = ["ann", "bo", "ann", "bo", "ann", "bo", "ann", "bo", "ann", "bo"];
        assert_eq!(next_to_address(&sent(&both), "cy"), Some(now + Duration::DAY - Duration::minutes(9)));
        assert_eq!(next_to_address(&sent(&both[..9]), "cy"), None);
    }
}
