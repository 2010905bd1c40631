use super::forget::ForgetKeys;
use crate::context::Context;
use crate::wiring::Wiring;

/// What idempotency adds to the service: the job that deletes expired keys.
pub fn wire(context: &Context) -> Wiring {
    Wiring::new().with_cleanup(ForgetKeys::new(context.db.clone(), context.clock.clone()))
}
