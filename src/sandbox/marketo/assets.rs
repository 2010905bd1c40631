//! What this subscription doesn't have: campaigns, programs, e-mails and segmentations. Connectors ask for them all the same.

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::call::Call;
use super::envelope::{success, warned};

/// What the asset API says when nothing fits.
const NO_ASSETS: &str = "No assets found for the given search criteria.";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/rest/v1/campaigns.json", web::get().to(no_records))
        .route("/rest/asset/v1/programs.json", web::get().to(no_assets))
        .route("/rest/asset/v1/emails.json", web::get().to(no_assets))
        .route("/rest/asset/v1/segmentation.json", web::get().to(no_assets));
}

/// The lead database answers with an empty list.
async fn no_records(call: Call) -> HttpResponse {
    success(&call.sandbox, json!({"result": []}))
}

/// The asset API answers without a list, with a warning.
async fn no_assets(call: Call) -> HttpResponse {
    warned(&call.sandbox, NO_ASSETS)
}
