//! `docs/permissions.md`: the table of routes, for people.

use super::routes::route_table;
use crate::auth::{Access, Role, Scope, Scopes};
use crate::http::RouteRule;

#[must_use]
pub fn render_permissions_page() -> String {
    let mut page = "# Who may call what\n\nWritten by `make openapi` from the routes' declarations; a test fails when the two differ.\n\n\
                    | Request | Scope | Token | Administrators | Users |\n|---|---|---|---|---|\n"
        .to_owned();
    for rule in route_table().rules() {
        page.push_str(&render_rule(rule));
    }
    page.push_str("\n## Scopes\n\n| Scope | Administrators | Users | A client of an instance, by default |\n|---|---|---|---|\n");
    let instance_client = Scopes::of_an_instance();
    for scope in Scope::ALL {
        let mark = |scopes: &Scopes| if scopes.0.contains(scope) { "yes" } else { "" };
        let (admin, user) = (Scopes::of_role(Role::Admin), Scopes::of_role(Role::User));
        page.push_str(&format!("| `{scope}` | {} | {} | {} |\n", mark(&admin), mark(&user), mark(&instance_client)));
    }
    page
}

fn render_rule(rule: &RouteRule) -> String {
    let request = format!("`{} {}`", rule.method, rule.document_path());
    let token = match rule.access {
        Access::Public => return format!("| {request} | none | none needed | yes | yes |\n"),
        Access::Operator(_) => "an operator's, not bound to an instance",
        Access::OperatorWithin(_) => "an operator's",
        Access::Instance(_) => "an instance's",
    };
    let scope = rule.access.scope().map(|scope| format!("`{scope}`")).unwrap_or_default();
    let mark = |role| if rule.access.scope().is_some_and(|scope| Scopes::of_role(role).0.contains(&scope)) { "yes" } else { "" };
    format!("| {request} | {scope} | {token} | {} | {} |\n", mark(Role::Admin), mark(Role::User))
}
