//! `/userservice/management/v1/users…`: Marketo's own users. The HTTP status decides; there is no envelope.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::calls::UserManagementCall;
use super::error::MarketoApiError;
use super::request_parameters::RequestParameters;
use super::users::{ADMIN_ROLE, MarketoUser, SALES_ROLE, STANDARD_ROLE};
use crate::sandbox::timestamps::format_user_management;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/userservice/management/v1/users/allusers.json", web::get().to(list_users))
        .route("/userservice/management/v1/users/roles.json", web::get().to(list_roles))
        .route("/userservice/management/v1/users/{userid}/roles.json", web::get().to(list_user_roles))
        .route("/userservice/management/v1/users/{userid}/user.json", web::get().to(get_user));
}

fn render_user(user: &MarketoUser) -> Value {
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
fn render_roles(user: &MarketoUser) -> Value {
    user.roles
        .iter()
        .map(|&role| {
            let (workspace, name) = if role == ADMIN_ROLE { (0, "AllZones") } else { (1, "Default") };
            json!({"accessRoleId": role, "accessRoleName": role_name(role), "workspaceId": workspace, "workspaceName": name})
        })
        .collect()
}

async fn list_users(call: UserManagementCall, request: HttpRequest) -> HttpResponse {
    let params = RequestParameters::from_query(&request);
    let number = |name: &str, default: usize| params.get(name).map_or(Ok(default), str::parse);
    let (Ok(size), Ok(offset)) = (number("pageSize", 20), number("pageOffset", 0)) else {
        return MarketoApiError::new("1001", "Invalid value for pageSize or pageOffset")
            .to_user_management_response(&call.sandbox, StatusCode::BAD_REQUEST);
    };
    let users: Vec<Value> = call.sandbox.marketo().users.iter().skip(offset).take(size.clamp(1, 200)).map(render_user).collect();
    HttpResponse::Ok().json(users)
}

fn find_user(call: &UserManagementCall, userid: &str) -> Result<MarketoUser, HttpResponse> {
    let user = call.sandbox.marketo().users.iter().find(|user| user.userid.eq_ignore_ascii_case(userid)).cloned();
    user.ok_or_else(|| {
        MarketoApiError::new("610", "Requested resource not found").to_user_management_response(&call.sandbox, StatusCode::NOT_FOUND)
    })
}

async fn list_user_roles(call: UserManagementCall, path: web::Path<String>) -> HttpResponse {
    match find_user(&call, &path) {
        Ok(user) => HttpResponse::Ok().json(render_roles(&user)),
        Err(response) => response,
    }
}

async fn get_user(call: UserManagementCall, path: web::Path<String>) -> HttpResponse {
    match find_user(&call, &path) {
        Ok(user) => {
            let mut answer = render_user(&user);
            let details = json!({
                "optedIn": false, "failedLogins": 0, "failedDeviceCode": 0, "isLocked": false, "lockedReason": null,
                "userRoleWorkspaces": render_roles(&user), "expiresAt": null,
                "lastLoginAt": format_user_management(call.sandbox.now() - 86_400 * i64::from(user.id % 9)),
            });
            if let (Some(answer), Value::Object(details)) = (answer.as_object_mut(), details) {
                answer.extend(details);
            }
            HttpResponse::Ok().json(answer)
        }
        Err(response) => response,
    }
}

async fn list_roles(call: UserManagementCall) -> HttpResponse {
    let created_at = format_user_management(call.sandbox.now() - 400 * 86_400);
    let rendered: Vec<Value> = [ADMIN_ROLE, STANDARD_ROLE, SALES_ROLE]
        .into_iter()
        .map(|id| {
            json!({
                "id": id, "name": role_name(id), "description": role_name(id), "type": if id < 100 { "system" } else { "custom" },
                "isHidden": false, "isOnlyAllZones": id == ADMIN_ROLE, "createdAt": created_at, "updatedAt": created_at,
            })
        })
        .collect();
    HttpResponse::Ok().json(rendered)
}
