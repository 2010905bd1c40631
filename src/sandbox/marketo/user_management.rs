//! `/userservice/management/v1/users…`: Marketo's own users. The HTTP status decides; there is no envelope.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::call::UserManagementCall;
use super::error::Refusal;
use super::params::Params;
use super::users::{ADMIN_ROLE, MarketoUser, SALES_ROLE, STANDARD_ROLE};
use crate::sandbox::moment::iso_user_management;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/userservice/management/v1/users/allusers.json", web::get().to(all))
        .route("/userservice/management/v1/users/roles.json", web::get().to(roles))
        .route("/userservice/management/v1/users/{userid}/roles.json", web::get().to(roles_of))
        .route("/userservice/management/v1/users/{userid}/user.json", web::get().to(one));
}

fn shown(user: &MarketoUser) -> Value {
    json!({
        "userid": user.userid,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "emailAddress": user.email_address,
        "id": user.id,
        "apiOnly": user.api_only,
    })
}

fn role_name(role: u32) -> &'static str {
    match role {
        ADMIN_ROLE => "Admin",
        STANDARD_ROLE => "Standard User",
        SALES_ROLE => "Sales Insight User",
        _ => "Custom Role",
    }
}

/// Admins hold their role in all workspaces, others in the default one.
fn roles_shown(user: &MarketoUser) -> Value {
    user.roles
        .iter()
        .map(|&role| {
            let (workspace, name) = if role == ADMIN_ROLE { (0, "AllZones") } else { (1, "Default") };
            json!({"accessRoleId": role, "accessRoleName": role_name(role), "workspaceId": workspace, "workspaceName": name})
        })
        .collect()
}

async fn all(call: UserManagementCall, request: HttpRequest) -> HttpResponse {
    let params = Params::of_query(&request);
    let number = |name: &str, default: usize| params.one(name).map_or(Ok(default), str::parse);
    let (Ok(size), Ok(offset)) = (number("pageSize", 20), number("pageOffset", 0)) else {
        return Refusal::new("1001", "Invalid value for pageSize or pageOffset").user_management(&call.sandbox, StatusCode::BAD_REQUEST);
    };
    let users: Vec<Value> = call.sandbox.marketo().users.iter().skip(offset).take(size.clamp(1, 200)).map(shown).collect();
    HttpResponse::Ok().json(users)
}

fn find(call: &UserManagementCall, userid: &str) -> Result<MarketoUser, HttpResponse> {
    let user = call.sandbox.marketo().users.iter().find(|user| user.userid.eq_ignore_ascii_case(userid)).cloned();
    user.ok_or_else(|| Refusal::new("610", "Requested resource not found").user_management(&call.sandbox, StatusCode::NOT_FOUND))
}

async fn roles_of(call: UserManagementCall, path: web::Path<String>) -> HttpResponse {
    match find(&call, &path) {
        Ok(user) => HttpResponse::Ok().json(roles_shown(&user)),
        Err(response) => response,
    }
}

async fn one(call: UserManagementCall, path: web::Path<String>) -> HttpResponse {
    match find(&call, &path) {
        Ok(user) => {
            let mut answer = shown(&user);
            let details = json!({
                "optedIn": false, "failedLogins": 0, "failedDeviceCode": 0, "isLocked": false, "lockedReason": null,
                "userRoleWorkspaces": roles_shown(&user), "expiresAt": null,
                "lastLoginAt": iso_user_management(call.sandbox.now() - 86_400 * i64::from(user.id % 9)),
            });
            if let (Some(answer), Value::Object(details)) = (answer.as_object_mut(), details) {
                answer.extend(details);
            }
            HttpResponse::Ok().json(answer)
        }
        Err(response) => response,
    }
}

async fn roles(call: UserManagementCall) -> HttpResponse {
    let made = iso_user_management(call.sandbox.now() - 400 * 86_400);
    let shown: Vec<Value> = [ADMIN_ROLE, STANDARD_ROLE, SALES_ROLE]
        .into_iter()
        .map(|id| {
            json!({
                "id": id, "name": role_name(id), "description": role_name(id), "type": if id < 100 { "system" } else { "custom" },
                "isHidden": false, "isOnlyAllZones": id == ADMIN_ROLE, "createdAt": made, "updatedAt": made,
            })
        })
        .collect();
    HttpResponse::Ok().json(shown)
}
