//! Passwords: what makes one fit, logging in with one, and replacing one that was forgotten.

use std::time::Duration as WallTime;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use time::Duration;
use tokio::sync::{OnceCell, Semaphore};
use zxcvbn::Score;

use super::{EmailAddress, Member, MemberState, ensure_everyone, store};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::auth::{self, Actor, AttemptKind, AuthAttempt, AuthError, NewSession, SessionMethod};
use crate::clock::Clock;
use crate::crypto::{self, SecretHash, random_token};
use crate::db::{Db, DbError, Tx};
use crate::ids::{InstanceId, MemberId};
use crate::instances::{self, InstanceError, LoginManagement};
use crate::language::Language;

/// Fewest characters of a password.
pub const MIN_PASSWORD_LENGTH: usize = 12;
/// Most characters of a password: enough for any phrase, and a bound on what is hashed.
pub const MAX_PASSWORD_LENGTH: usize = 1024;
/// How long a link for a new password works.
pub const RESET_LIFETIME: Duration = Duration::hours(1);

/// Passwords that a process hashes at once: each takes 19 MiB and tens of milliseconds of a processor.
static SLOTS: Semaphore = Semaphore::const_new(4);
/// Longest wait for one of these places.
const MAX_WAIT: WallTime = WallTime::from_secs(5);
/// What is compared when there is no such member, so that the answer takes as long.
static NOBODYS_HASH: OnceCell<String> = OnceCell::const_new();

/// Why a password is not taken.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too short or too long.
    #[error("a password has {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters")]
    Length,
    /// One of those that are tried first.
    #[error(
        "this password is one of the first that would be tried, or is made of such with a few signs added; take several words that \
         have nothing to do with each other, or let a program make one"
    )]
    Guessable,
    /// All places for hashing are taken.
    #[error("too many passwords are being checked right now; try again in a few seconds")]
    Busy,
    /// The work was cut short, for example by a shutdown.
    #[error("the password could not be worked on; try again")]
    Interrupted,
}

/// Checks the length of a password.
///
/// # Errors
/// [`PasswordError::Length`].
pub fn check_length(password: &SecretString) -> Result<(), PasswordError> {
    let length = password.expose_secret().chars().count();
    if (MIN_PASSWORD_LENGTH..=MAX_PASSWORD_LENGTH).contains(&length) { Ok(()) } else { Err(PasswordError::Length) }
}

/// Whether a password would be found in less than 10^8 guesses by somebody who knows `hints`: the person's address and the like.
/// The estimate knows the passwords of great leaks, names, words and keyboard rows, and what people add to them; a list alone
/// would let each of them through with a digit appended.
fn is_guessable(password: &str, hints: &[String]) -> bool {
    let mut parts: Vec<&str> = Vec::new();
    for hint in hints {
        parts.push(hint);
        parts.extend(hint.split(|one: char| !one.is_alphanumeric()).filter(|part| part.chars().count() > 2));
    }
    // It looks at the first hundred characters only, which bounds its work.
    zxcvbn::zxcvbn(password, &parts).score() < Score::Three
}

/// Checks a new password and hashes it, on the blocking pool. `hints` is what a guesser would know of the person.
///
/// # Errors
/// [`PasswordError`].
pub async fn hash_new_password(password: SecretString, hints: &[&str]) -> Result<String, PasswordError> {
    check_length(&password)?;
    let hints: Vec<String> = hints.iter().map(|hint| (*hint).to_owned()).collect();
    let hashed = on_blocking_pool(move || {
        if is_guessable(password.expose_secret(), &hints) {
            return Err(PasswordError::Guessable);
        }
        crypto::hash_password(&password).map_err(|_| PasswordError::Interrupted)
    });
    hashed.await?
}

async fn on_blocking_pool<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordError> {
    let slot = tokio::time::timeout(MAX_WAIT, SLOTS.acquire()).await;
    let Ok(Ok(slot)) = slot else { return Err(PasswordError::Busy) };
    let done = tokio::task::spawn_blocking(move || {
        // Held by the work itself: it goes on when whoever asked for it is gone.
        let _slot = slot;
        work()
    });
    done.await.map_err(|_| PasswordError::Interrupted)
}

/// Why somebody is not logged in, or a password not replaced.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// No such member, no password, or another one; the same for all.
    #[error("the e-mail address or the password is wrong; POST /v1/password-resets sends a link for a new one")]
    Refused,
    /// Too many failures in a row.
    #[error("too many failed logins with this e-mail address from where you are; wait {seconds} s, or ask for a link for a new password")]
    LockedOut {
        /// Until it may be tried again.
        seconds: i64,
    },
    /// The instance wants logins at Salesforce.
    #[error("this instance is set to Salesforce Only: log in at Salesforce instead")]
    SwitchedOff,
    /// The password is right, and the member is kept out.
    #[error("your account has been deactivated; an admin of your instance can reactivate it")]
    Deactivated,
    /// The member does not know their own password.
    #[error("the current password is another one; POST /v1/password-resets sends a link for a new one")]
    CurrentWrong,
    /// The member logs in at Salesforce only, so far.
    #[error("you have no password yet; POST /v1/password-resets sends a link to choose one")]
    NoPassword,
    /// The link was not made here, was used, or is too old.
    #[error("this link is not known, has been used, or is older than an hour; ask for another one")]
    LinkUnusable,
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Instance(#[from] InstanceError),
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A member who has logged in.
#[derive(Debug)]
pub struct LoggedIn {
    pub member: Member,
    pub instance: InstanceId,
    pub session: NewSession,
}

async fn attempt(db: &Db, clock: &dyn Clock, kind: AttemptKind, subject: &str, address: Option<&str>) -> Result<AuthAttempt, LoginError> {
    AuthAttempt::begin(db, clock.timestamp(), kind, subject, address).await.map_err(|error| match error {
        AuthError::LockedOut { seconds } => LoginError::LockedOut { seconds },
        other => other.into(),
    })
}

/// Logs in by address and password. Failures in a row make further attempts from the same network wait for longer and longer, whether
/// or not anybody has the address, and the answer to a wrong pair takes the same work as that to a right one.
///
/// # Errors
/// [`LoginError::Refused`]; [`LoginError::LockedOut`]; and for those who know the password [`LoginError::Deactivated`] and
/// [`LoginError::SwitchedOff`].
pub async fn log_in(
    db: &Db,
    clock: &dyn Clock,
    origin: &ChangeOrigin,
    email: &EmailAddress,
    password: SecretString,
) -> Result<LoggedIn, LoginError> {
    let attempt = attempt(db, clock, AttemptKind::Login, &email.key(), origin.address.as_deref()).await?;
    let row = match find_by_password(db, email, password).await {
        Ok(Some(row)) => row,
        Ok(None) => return Err(LoginError::Refused),
        Err(error) => {
            attempt.withdraw(db).await?;
            return Err(error);
        }
    };
    attempt.succeeded(db, clock.timestamp()).await?;
    let mut tx = db.begin().await?;
    // Both locks: whoever switches the way to log in, or deactivates the member, comes before or sees the session.
    if instances::lock_login_management(&mut tx, row.instance).await? != Some(LoginManagement::AllLoginMethods) {
        return Err(LoginError::SwitchedOff);
    }
    ensure_everyone(&mut tx, clock, row.instance).await?;
    let member = store::find_in(&mut tx, row.instance, row.member).await?.ok_or(LoginError::Refused)?;
    if member.state != MemberState::Active {
        return Err(LoginError::Deactivated);
    }
    let origin = origin.acting_as(&Actor::Member(member.id));
    let session = auth::begin_session_by(&mut tx, clock, row.instance, member.id, SessionMethod::Password, &origin).await?;
    let entry = Entry::new("session.begun", "member", member.id).after(json!({ "by": SessionMethod::Password }));
    audit::record(&mut tx, clock, row.instance, &origin, entry).await?;
    tx.commit().await?;
    Ok(LoggedIn { member, instance: row.instance, session })
}

/// Who has this address and this password. It takes the same work when nobody has.
async fn find_by_password(db: &Db, email: &EmailAddress, password: SecretString) -> Result<Option<store::LoginRow>, LoginError> {
    let found = store::find_for_login(db, &email.key()).await?;
    let stored = match found.as_ref().and_then(|row| row.password_hash.clone()) {
        Some(hash) => hash,
        None => nobodys_hash().await?,
    };
    let right = on_blocking_pool(move || crypto::verify_password(&password, &stored)).await?;
    Ok(found.filter(|row| right && row.password_hash.is_some() && row.state != MemberState::Invited))
}

async fn nobodys_hash() -> Result<String, PasswordError> {
    let made = NOBODYS_HASH.get_or_try_init(|| async {
        on_blocking_pool(|| crypto::hash_password(&random_token())).await?.map_err(|_| PasswordError::Interrupted)
    });
    made.await.cloned()
}

/// Whether another link for a new password may be asked for with this address; counts the asking. Like failed logins, more than a
/// few in a row from one network make the next one wait, and so do many from networks that the person has never logged in from.
///
/// # Errors
/// [`LoginError::Db`].
pub(super) async fn may_ask_for_reset(db: &Db, clock: &dyn Clock, email: &EmailAddress, origin: &ChangeOrigin) -> Result<bool, LoginError> {
    match attempt(db, clock, AttemptKind::PasswordReset, &email.key(), origin.address.as_deref()).await {
        // It is not taken back: each message counts.
        Ok(_counted) => Ok(true),
        Err(LoginError::LockedOut { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes a link for a new password and gives its secret; only its hash is kept.
pub(super) async fn begin_reset(tx: &mut Tx, clock: &dyn Clock, instance: InstanceId, member: MemberId) -> Result<SecretString, DbError> {
    let token = random_token();
    let now = clock.timestamp();
    store::insert_reset(tx, instance, member, &SecretHash::of_secret(&token), now, now + RESET_LIFETIME).await?;
    Ok(token)
}

/// Whose password a link replaces, and in which instance.
///
/// # Errors
/// [`LoginError::LinkUnusable`]; [`LoginError::SwitchedOff`].
pub async fn open_reset(db: &Db, clock: &dyn Clock, token: &SecretString) -> Result<(InstanceId, Member), LoginError> {
    let found = store::find_reset(db, &SecretHash::of_secret(token), clock.timestamp()).await?;
    let (instance, member) = found.ok_or(LoginError::LinkUnusable)?;
    let member = store::find(db, instance, member).await?.filter(|member| member.state == MemberState::Active);
    let member = member.ok_or(LoginError::LinkUnusable)?;
    let settings = instances::find(db, instance).await?.ok_or(LoginError::LinkUnusable)?;
    if settings.login_management == LoginManagement::AllLoginMethods { Ok((instance, member)) } else { Err(LoginError::SwitchedOff) }
}

/// The language of the instance whose member a link is for; none when the link can't be used any more or can't be looked up.
pub(super) async fn language_of_reset(db: &Db, clock: &dyn Clock, token: &SecretString) -> Option<Language> {
    let (instance, _) = store::find_reset(db, &SecretHash::of_secret(token), clock.timestamp()).await.ok().flatten()?;
    instances::find(db, instance).await.ok().flatten().map(|found| found.language)
}

/// Uses a link up: the member has the new password, is logged out everywhere, and failed logins are forgotten.
///
/// # Errors
/// As [`open_reset`]; [`LoginError::Password`].
pub async fn complete_reset(
    db: &Db,
    clock: &dyn Clock,
    origin: &ChangeOrigin,
    token: &SecretString,
    password: SecretString,
) -> Result<(), LoginError> {
    check_length(&password)?;
    let (instance, member) = open_reset(db, clock, token).await?;
    let hash = hash_new_password(password, &[member.email.as_str(), &member.display_name()]).await?;
    let mut tx = db.begin().await?;
    // The locks of logging in: whoever switches passwords off or keeps the member out comes before, or sees what was done.
    if instances::lock_login_management(&mut tx, instance).await? != Some(LoginManagement::AllLoginMethods) {
        return Err(LoginError::SwitchedOff);
    }
    ensure_everyone(&mut tx, clock, instance).await?;
    let taken = store::take_reset(&mut tx, &SecretHash::of_secret(token), clock.timestamp()).await?;
    let (instance, id) = taken.ok_or(LoginError::LinkUnusable)?;
    store::set_password(&mut tx, instance, id, &hash).await?;
    store::delete_resets(&mut tx, instance, id).await?;
    let sessions = auth::sign_out(&mut tx, clock, instance, id).await?;
    let entry = Entry::new("member.password_reset", "member", id).after(json!({ "sessions_ended": sessions }));
    audit::record(&mut tx, clock, instance, &origin.acting_as(&Actor::Member(id)), entry).await?;
    tx.commit().await?;
    // Whoever reads the mail is the member; an attacker's guesses don't keep them out.
    auth::forget_failed_logins(db, clock.timestamp(), &member.email.key(), origin.address.as_deref()).await?;
    Ok(())
}

/// Who changes their own password, and how.
#[derive(Debug)]
pub struct PasswordChange {
    pub instance: InstanceId,
    pub member: MemberId,
    pub current: SecretString,
    pub new: SecretString,
    /// The session that the member calls from, which goes on.
    pub current_session: Option<SecretHash>,
}

/// Replaces a member's password by another: their other sessions end, and links for a new one that are under way with them. A wrong
/// current password also counts as a failed login, so that whoever has taken a session over can't go on trying. Failed logins of others
/// don't count here: they have no session.
///
/// # Errors
/// [`LoginError::CurrentWrong`], [`LoginError::NoPassword`], [`LoginError::LockedOut`], [`LoginError::SwitchedOff`],
/// [`LoginError::Password`].
pub async fn change_password(db: &Db, clock: &dyn Clock, origin: &ChangeOrigin, change: PasswordChange) -> Result<(), LoginError> {
    let PasswordChange { instance, member: id, current, new, current_session } = change;
    check_length(&new)?;
    let settings = instances::find(db, instance).await?;
    if settings.is_none_or(|found| found.login_management != LoginManagement::AllLoginMethods) {
        return Err(LoginError::SwitchedOff);
    }
    let member = store::find(db, instance, id).await?.ok_or(LoginError::Refused)?;
    let stored = store::password_hash(db, instance, id).await?.ok_or(LoginError::NoPassword)?;
    // From wherever: only the member's own sessions come here.
    let tried = attempt(db, clock, AttemptKind::CurrentPassword, &id.to_string(), None).await?;
    let compared = stored.clone();
    match on_blocking_pool(move || crypto::verify_password(&current, &compared)).await {
        Ok(true) => tried.succeeded(db, clock.timestamp()).await?,
        Ok(false) => match attempt(db, clock, AttemptKind::Login, &member.email.key(), origin.address.as_deref()).await {
            Ok(_) | Err(LoginError::LockedOut { .. }) => return Err(LoginError::CurrentWrong),
            Err(error) => return Err(error),
        },
        Err(error) => {
            tried.withdraw(db).await?;
            return Err(error.into());
        }
    }
    let hash = hash_new_password(new, &[member.email.as_str(), &member.display_name()]).await?;
    let mut tx = db.begin().await?;
    // The locks of logging in: whoever switches passwords off or keeps the member out comes before, or sees what was done.
    if instances::lock_login_management(&mut tx, instance).await? != Some(LoginManagement::AllLoginMethods) {
        return Err(LoginError::SwitchedOff);
    }
    ensure_everyone(&mut tx, clock, instance).await?;
    // Of two changes at once, the second does not know the password any more.
    if !store::replace_password(&mut tx, instance, id, &stored, &hash).await? {
        return Err(LoginError::CurrentWrong);
    }
    store::delete_resets(&mut tx, instance, id).await?;
    let sessions = auth::delete_sessions(&mut tx, instance, id, current_session.as_ref()).await?;
    let entry = Entry::new("member.password_changed", "member", id).after(json!({ "sessions_ended": sessions }));
    audit::record(&mut tx, clock, instance, origin, entry).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_tried_first_is_refused_however_it_is_decorated() {
        let hints = ["ann.example@acme.com".to_owned(), "Acme Tools".to_owned()];
        for common in
            ["password1234", "Password123!!", "qwertyuiop123", "123456789012", "iloveyou2024!", "aaaaaaaaaaaa", "ann.example@acme.com"]
        {
            assert!(is_guessable(common, &hints), "{common}");
        }
        for fine in
            ["correct horse battery", "a long one for the contract", "m9#Kq2!vTz8w", "Zwölf Laxdosen fliegen", "赤い馬と電池の正しい話です"]
        {
            assert!(!is_guessable(fine, &hints), "{fine}");
        }
    }

    #[test]
    fn a_password_is_a_number_of_characters_not_of_bytes() {
        assert!(check_length(&"十二文字のパスワードだよ".into()).is_ok());
        assert!(check_length(&"elevenchars".into()).is_err());
        assert!(check_length(&"x".repeat(1025).into()).is_err());
    }
}
