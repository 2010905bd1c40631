use crate::audit::ChangeOrigin;
use crate::clock::Clock;
use crate::context::Context;
use crate::ids::{ImportId, InstanceId};
use crate::language::Language;

/// Who invites into which instance, on what occasion.
#[derive(Debug, Clone, Copy)]
pub struct InviteContext<'a> {
    pub context: &'a Context,
    pub instance: InstanceId,
    /// `client:ID` or `member:ID`.
    pub invited_by: &'a str,
    /// The CSV import that invites.
    pub import: Option<ImportId>,
    /// Where the request or job comes from.
    pub origin: &'a ChangeOrigin,
    /// The language of the people invited; the instance's unless given.
    pub language: Option<Language>,
}

impl<'a> InviteContext<'a> {
    /// The context of somebody who invites without an import, in the instance's language.
    #[must_use]
    pub fn new(context: &'a Context, instance: InstanceId, invited_by: &'a str, origin: &'a ChangeOrigin) -> Self {
        Self { context, instance, invited_by, import: None, origin, language: None }
    }

    pub(super) fn clock(&self) -> &'a dyn Clock {
        self.context.clock.as_ref()
    }
}
