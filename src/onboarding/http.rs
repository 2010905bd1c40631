//! The route of the set-up guide's progress.

use actix_web::HttpResponse;

use super::{Onboarding, derive, store};
use crate::context::Context;
use crate::http::{Authorized, Problem, Routes, route};
use crate::instances::{self, InstanceError};
use crate::permissions::scope::InstanceRead;

/// The routes.
pub fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(get_onboarding));
}

/// See how far the set-up is
///
/// Two prerequisites and seven steps, each with who does it, its state, why, and the request that moves it on.
#[utoipa::path(
    get, path = "/v1/instance/onboarding", operation_id = "getOnboarding", tag = "Set-up",
    responses((status = 200, description = "The guide's progress.", body = Onboarding))
)]
async fn get_onboarding(context: Context, caller: Authorized<InstanceRead>) -> Result<HttpResponse, Problem> {
    let instance = instances::find(&context.db, caller.instance).await?.ok_or(InstanceError::Unknown)?;
    let facts = store::read_facts(&context.db, caller.instance).await?;
    Ok(HttpResponse::Ok().json(derive(&instance, &facts, |path| context.public_url.join(path))))
}
