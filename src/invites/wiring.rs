use std::sync::Arc;

use super::http::Activations;
use crate::connections::ActivationByLogin;
use crate::context::Context;
use crate::wiring::Wiring;

/// What invitations add to the service: the activation of those who log in with Salesforce.
pub fn wire(context: &Context) -> Wiring {
    let activation: Arc<dyn ActivationByLogin> = Arc::new(Activations(context.clone()));
    Wiring::new().with_state(activation)
}
