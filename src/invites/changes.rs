use serde_json::json;
use time::Duration;

use super::context::InviteContext;
use super::invite::write_messages;
use super::message_limit::take_message;
use super::{Invite, InviteError, InviteState, LIFETIME, MAX_MESSAGES_A_DAY, RESEND_PAUSE, store};
use crate::audit::{self, Entry};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::ids::InviteId;
use crate::instances::sync_has_started;
use crate::mail;
use crate::members;

const DAY: Duration = Duration::DAY;

async fn record(
    tx: &mut Tx,
    cx: &InviteContext<'_>,
    action: &'static str,
    id: InviteId,
    after: serde_json::Value,
) -> Result<(), InviteError> {
    let entry = Entry::new(action, "invite", id).after(after);
    Ok(audit::record(tx, cx.context.clock.as_ref(), cx.instance, cx.origin, entry).await?)
}

/// The invitation, locked. Whoever invites waits for the same lock, so that nobody is invited again meanwhile.
async fn locked(tx: &mut Tx, cx: &InviteContext<'_>, id: InviteId) -> Result<Invite, InviteError> {
    members::ensure_everyone(tx, cx.context.clock.as_ref(), cx.instance).await?;
    store::find_and_lock(tx, cx.instance, id).await?.ok_or(InviteError::Unknown)
}

/// The invitation, locked, unless nothing more can come of it.
async fn open(tx: &mut Tx, cx: &InviteContext<'_>, id: InviteId) -> Result<Invite, InviteError> {
    let invite = locked(tx, cx, id).await?;
    match invite.state {
        InviteState::Accepted => {
            Err(InviteError::Settled("the person has activated; there is nothing left to change about the invitation"))
        }
        InviteState::Revoked => Err(InviteError::Settled("the invitation has been revoked; invite the person with POST /v1/invites")),
        _ => Ok(invite),
    }
}

/// Whether the person was not invited again since.
async fn is_newest(tx: &mut Tx, invite: &Invite) -> Result<bool, InviteError> {
    let newest = store::newest_of(tx, invite.instance, invite.member).await?;
    Ok(newest.is_none_or(|newest| newest.id == invite.id))
}

/// Checks that the person was not invited again since: two open invitations would be two links.
async fn check_newest(tx: &mut Tx, invite: &Invite) -> Result<(), InviteError> {
    if is_newest(tx, invite).await? {
        return Ok(());
    }
    Err(InviteError::Settled("the person was invited again since; look for the newer invitation in GET /v1/invites"))
}

/// When an invitation may be sent again whose links were made at these times, the newest first; none when it may be now.
fn next_resend(links: &[Timestamp], now: Timestamp) -> Option<Timestamp> {
    let pause = links.first().map(|newest| *newest + RESEND_PAUSE);
    let day = links.get(MAX_MESSAGES_A_DAY - 1).map(|oldest| *oldest + DAY);
    pause.max(day).filter(|next| *next > now)
}

/// Sends an invitation once more: with another link, which works for seven days; the one before works no more.
///
/// # Errors
/// [`InviteError::Unknown`], [`InviteError::Settled`]; [`InviteError::OnItsWay`] while the message before may still leave;
/// [`InviteError::TooSoon`], [`InviteError::TooManyMessages`].
pub(super) async fn resend(cx: &InviteContext<'_>, id: InviteId) -> Result<Invite, InviteError> {
    let mut tx = cx.context.db.begin().await?;
    let invite = resend_in(&mut tx, cx, id).await?;
    tx.commit().await?;
    Ok(invite)
}

async fn resend_in(tx: &mut Tx, cx: &InviteContext<'_>, id: InviteId) -> Result<Invite, InviteError> {
    let now = cx.context.clock.timestamp();
    let mut invite = open(tx, cx, id).await?;
    check_newest(tx, &invite).await?;
    if invite.state_at(now) == InviteState::Pending {
        return Err(InviteError::OnItsWay);
    }
    let most = i64::try_from(MAX_MESSAGES_A_DAY).unwrap_or(i64::MAX);
    let links = store::link_times(tx, cx.instance, id, most).await?;
    if let Some(next) = next_resend(&links, now) {
        return Err(InviteError::TooSoon { next, wait: (next - now).whole_seconds() + 1 });
    }
    take_message(tx, cx, &invite.email.to_lowercase()).await?;
    mail::cancel(tx, cx.instance, id.0, now).await?;
    let sender = store::invite_sender(tx, cx.instance, super::inviting_member(cx.invited_by)).await?;
    invite.expires_at = now + LIFETIME;
    store::replace_links(tx, cx.instance, id, now).await?;
    write_messages(tx, cx, &sender, std::slice::from_mut(&mut invite), now).await?;
    store::mark_resent(tx, cx.instance, id, invite.message, invite.expires_at).await?;
    record(tx, cx, "invite.resent", id, json!({ "expires_at": invite.expires_at })).await?;
    Ok(Invite { state: InviteState::Pending, sent_at: None, send_error: None, ..invite })
}

/// Lets an invitation work for `days` from now, unless it does longer anyway. The link stays the same, also after its time.
///
/// # Errors
/// [`InviteError::Unknown`], [`InviteError::Settled`]; [`InviteError::OnItsWay`] when no message has arrived whose link would work.
pub(super) async fn extend(cx: &InviteContext<'_>, id: InviteId, days: i64) -> Result<Invite, InviteError> {
    let mut tx = cx.context.db.begin().await?;
    let invite = extend_in(&mut tx, cx, id, days).await?;
    tx.commit().await?;
    Ok(invite)
}

async fn extend_in(tx: &mut Tx, cx: &InviteContext<'_>, id: InviteId, days: i64) -> Result<Invite, InviteError> {
    let mut invite = open(tx, cx, id).await?;
    check_newest(tx, &invite).await?;
    match invite.state {
        InviteState::Pending => return Err(InviteError::OnItsWay),
        InviteState::Bounced => return Err(InviteError::Settled("the message could not be delivered; resend the invitation instead")),
        _ => {}
    }
    let until = cx.context.clock.timestamp() + Duration::days(days);
    if until > invite.expires_at {
        store::extend(tx, cx.instance, id, until).await?;
        invite.expires_at = until;
        record(tx, cx, "invite.extended", id, json!({ "expires_at": until })).await?;
    }
    Ok(invite)
}

/// Takes an invitation back: its link works no more, and the seat and the address are free again. Once more does nothing.
///
/// # Errors
/// [`InviteError::Unknown`], [`InviteError::Settled`] when the person has activated, [`InviteError::OriginalUserStays`].
pub(super) async fn revoke(cx: &InviteContext<'_>, id: InviteId) -> Result<Invite, InviteError> {
    let mut tx = cx.context.db.begin().await?;
    let invite = revoke_in(&mut tx, cx, id).await?;
    tx.commit().await?;
    Ok(invite)
}

async fn revoke_in(tx: &mut Tx, cx: &InviteContext<'_>, id: InviteId) -> Result<Invite, InviteError> {
    let invite = locked(tx, cx, id).await?;
    match invite.state {
        InviteState::Revoked => return Ok(invite),
        InviteState::Accepted => return Err(InviteError::Settled("the person has activated; remove them from the members instead")),
        _ => {}
    }
    if invite.is_first && sync_has_started(tx, cx.instance).await? {
        return Err(InviteError::OriginalUserStays);
    }
    let now = cx.context.clock.timestamp();
    store::revoke(tx, cx.instance, id, cx.invited_by, now).await?;
    mail::cancel(tx, cx.instance, id.0, now).await?;
    if is_newest(tx, &invite).await? {
        members::remove_invited(tx, cx.instance, invite.member).await?;
    }
    record(tx, cx, "invite.revoked", id, json!({ "email": invite.email })).await?;
    let revoked_by = Some(cx.invited_by.to_owned());
    Ok(Invite { state: InviteState::Revoked, revoked_at: Some(now), revoked_by, send_error: None, ..invite })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_sent_at_most_once_in_ten_minutes_and_five_times_a_day() {
        let now = Timestamp::parse("2026-03-02T08:00:00Z").unwrap();
        let ago = |minutes: i64| now - Duration::minutes(minutes);
        assert_eq!(next_resend(&[], now), None);
        assert_eq!(next_resend(&[ago(10)], now), None);
        assert_eq!(next_resend(&[ago(9)], now), Some(now + Duration::minutes(1)));
        assert_eq!(next_resend(&[10, 20, 30, 40].map(ago), now), None);
        assert_eq!(next_resend(&[10, 20, 30, 40, 1380].map(ago), now), Some(now + Duration::minutes(60)));
        assert_eq!(next_resend(&[10, 20, 30, 40, 1440].map(ago), now), None);
    }
}
