use crate::audit::ChangeOrigin;
use crate::auth;
use crate::clock::Clock;
use crate::ids::{InstanceId, MemberId};

/// Who changes members of which instance.
#[derive(Debug, Clone, Copy)]
pub struct ActingCaller<'a> {
    pub clock: &'a dyn Clock,
    pub instance: InstanceId,
    /// Who, and from where. What a removed member owned passes to this actor.
    pub origin: &'a ChangeOrigin,
}

impl ActingCaller<'_> {
    /// The member who acts, if it is one.
    pub(super) fn is(&self, member: MemberId) -> bool {
        self.origin.actor == owner(member)
    }
}

/// As an owner is written.
pub(super) fn owner(member: MemberId) -> String {
    auth::Actor::Member(member).to_string()
}
