use super::reset_job::AnswerPasswordResets;
use crate::context::Context;
use crate::wiring::Wiring;

/// What members add to the service: the job that answers requests for a new password.
pub fn wire(context: &Context) -> Wiring {
    Wiring::new().with_job(AnswerPasswordResets(context.clone()))
}
