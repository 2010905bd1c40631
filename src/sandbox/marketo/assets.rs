//! What the subscription has none of: campaigns, programs, e-mails and segmentations. Connectors ask for them all the same.

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::calls::MarketoCall;
use super::envelope::{respond_success, respond_warning};

/// The asset API's warning when there is nothing.
const NO_ASSETS: &str = "No assets found for the given search criteria.";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/rest/v1/campaigns.json", web::get().to(list_no_records))
        .route("/rest/asset/v1/programs.json", web::get().to(list_no_assets))
        .route("/rest/asset/v1/emails.json", web::get().to(list_no_assets))
        .route("/rest/asset/v1/segmentation.json", web::get().to(list_no_assets));
}

/// The lead database answers with an empty list.
async fn list_no_records(call: MarketoCall) -> HttpResponse {
    respond_success(&call.sandbox, json!({"result": []}))
}

/// The asset API answers without a list, with a warning.
async fn list_no_assets(call: MarketoCall) -> HttpResponse {
    respond_warning(&call.sandbox, NO_ASSETS)
}
