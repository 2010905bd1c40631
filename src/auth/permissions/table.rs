//! The table itself.

use super::Access::{Instance, Operator, OperatorWithin, Public};
use super::Rule;
use super::Scope::{
    AuditRead, ConnectionsOwn, ConnectionsRead, ConnectionsWrite, InstanceRead, InstanceWrite, InstancesManage, JobsManage, JobsRead,
    MarketoCall, MembersOwn, MembersRead, MembersWrite, MetricsRead, Package, PeopleRead, SalesforceCall, Scim, SyncRead, SyncWrite,
    TokensMarketo, TokensSalesforce,
};

macro_rules! rules {
    ($($method:ident $path:literal => $access:expr;)+) => {
        &[$(Rule { method: stringify!($method), path: $path, access: $access },)+]
    };
}

/// Every route and whom it lets in.
pub const RULES: &[Rule] = rules! {
    GET "/livez" => Public;
    GET "/readyz" => Public;
    GET "/metrics" => Operator(MetricsRead);
    GET "/openapi.json" => Public;
    GET "/docs/{_:.*}" => Public;
    GET "/" => Public;

    POST "/oauth/token" => Public;
    POST "/oauth/revoke" => Public;
    POST "/oauth/introspect" => Public;
    GET "/.well-known/jwks.json" => Public;
    GET "/.well-known/oauth-authorization-server" => Public;
    GET "/oauth/salesforce/start" => Public;
    GET "/oauth/salesforce/callback" => Public;
    GET "/activate/{token}" => Public;
    POST "/activate/{token}" => Public;

    POST "/v1/sessions" => Public;
    DELETE "/v1/sessions" => Public;
    POST "/v1/password-resets" => Public;
    GET "/reset-password/{token}" => Public;
    POST "/reset-password/{token}" => Public;

    POST "/v1/instances" => Operator(InstancesManage);
    GET "/v1/instances" => OperatorWithin(InstancesManage);
    GET "/v1/instances/{instance_id}" => OperatorWithin(InstancesManage);
    GET "/v1/instance" => Instance(InstanceRead);
    PATCH "/v1/instance" => Instance(InstanceWrite);
    GET "/v1/instance/login-management/consequences" => Instance(InstanceWrite);
    GET "/v1/instance/onboarding" => Instance(InstanceRead);
    GET "/v1/instance/integration-information" => Instance(InstanceWrite);
    POST "/v1/instance/integration-information/reveal-secret" => Instance(InstanceWrite);
    POST "/v1/instance/integration-information/rotate" => Instance(InstanceWrite);

    GET "/v1/marketo/admins" => Instance(MembersRead);
    POST "/v1/invites/first" => Instance(MembersWrite);
    GET "/v1/invites/first" => Instance(MembersRead);
    POST "/v1/invites" => Instance(MembersWrite);
    GET "/v1/invites" => Instance(MembersRead);
    GET "/v1/invites/{invite_id}" => Instance(MembersRead);
    POST "/v1/invites/{invite_id}/resend" => Instance(MembersWrite);
    POST "/v1/invites/{invite_id}/extend" => Instance(MembersWrite);
    POST "/v1/invites/{invite_id}/revoke" => Instance(MembersWrite);
    GET "/v1/mail/outbox" => OperatorWithin(InstancesManage);
    GET "/v1/dead-letters" => OperatorWithin(JobsRead);
    GET "/v1/dead-letters/{dead_letter_id}" => OperatorWithin(JobsRead);
    POST "/v1/dead-letters/{dead_letter_id}/retry" => OperatorWithin(JobsManage);
    DELETE "/v1/dead-letters/{dead_letter_id}" => OperatorWithin(JobsManage);
    POST "/v1/invite-imports" => Instance(MembersWrite);
    GET "/v1/invite-imports" => Instance(MembersWrite);
    GET "/v1/invite-imports/{import_id}" => Instance(MembersWrite);
    PUT "/v1/invite-imports/{import_id}/mapping" => Instance(MembersWrite);
    POST "/v1/invite-imports/{import_id}/confirm" => Instance(MembersWrite);
    GET "/v1/invite-imports/{import_id}/events" => Instance(MembersWrite);
    GET "/v1/invite-imports/{import_id}/faults" => Instance(MembersWrite);
    GET "/v1/invite-imports/{import_id}/results" => Instance(MembersWrite);
    GET "/v1/invite-imports/{import_id}/faults.csv" => Instance(MembersWrite);
    GET "/v1/invite-imports/{import_id}/result.csv" => Instance(MembersWrite);
    DELETE "/v1/invite-imports/{import_id}" => Instance(MembersWrite);
    GET "/v1/members" => Instance(MembersRead);
    GET "/v1/members/me" => Instance(MembersOwn);
    PATCH "/v1/members/me" => Instance(MembersOwn);
    PUT "/v1/members/me/password" => Instance(MembersOwn);
    GET "/v1/members/me/sessions" => Instance(MembersOwn);
    DELETE "/v1/members/me/sessions" => Instance(MembersOwn);
    DELETE "/v1/members/me/sessions/{session_id}" => Instance(MembersOwn);
    GET "/v1/members/{member_id}" => Instance(MembersRead);
    PATCH "/v1/members/{member_id}" => Instance(MembersWrite);
    DELETE "/v1/members/{member_id}" => Instance(MembersWrite);
    POST "/v1/members/{member_id}/deactivate" => Instance(MembersWrite);
    POST "/v1/members/{member_id}/reactivate" => Instance(MembersWrite);
    GET "/v1/members/{member_id}/sessions" => Instance(MembersWrite);
    DELETE "/v1/members/{member_id}/sessions" => Instance(MembersWrite);
    DELETE "/v1/members/{member_id}/sessions/{session_id}" => Instance(MembersWrite);
    GET "/v1/teams" => Instance(MembersRead);
    GET "/v1/teams/{team_id}" => Instance(MembersRead);
    POST "/v1/teams" => Instance(MembersWrite);
    PATCH "/v1/teams/{team_id}" => Instance(MembersWrite);
    DELETE "/v1/teams/{team_id}" => Instance(MembersWrite);
    POST "/v1/teams/{team_id}/members" => Instance(MembersWrite);

    POST "/v1/instance/scim-tokens" => Instance(MembersWrite);
    GET "/v1/instance/scim-tokens" => Instance(MembersWrite);
    DELETE "/v1/instance/scim-tokens/{token_id}" => Instance(MembersWrite);
    GET "/scim/v2/ServiceProviderConfig" => Instance(Scim);
    GET "/scim/v2/ResourceTypes" => Instance(Scim);
    GET "/scim/v2/ResourceTypes/{name}" => Instance(Scim);
    GET "/scim/v2/Schemas" => Instance(Scim);
    GET "/scim/v2/Schemas/{uri}" => Instance(Scim);
    POST "/scim/v2/.search" => Instance(Scim);
    POST "/scim/v2/Users/.search" => Instance(Scim);
    GET "/scim/v2/Users" => Instance(Scim);
    POST "/scim/v2/Users" => Instance(Scim);
    GET "/scim/v2/Users/{user_id}" => Instance(Scim);
    PUT "/scim/v2/Users/{user_id}" => Instance(Scim);
    PATCH "/scim/v2/Users/{user_id}" => Instance(Scim);
    DELETE "/scim/v2/Users/{user_id}" => Instance(Scim);
    POST "/scim/v2/Groups/.search" => Instance(Scim);
    GET "/scim/v2/Groups" => Instance(Scim);
    POST "/scim/v2/Groups" => Instance(Scim);
    GET "/scim/v2/Groups/{group_id}" => Instance(Scim);
    PUT "/scim/v2/Groups/{group_id}" => Instance(Scim);
    PATCH "/scim/v2/Groups/{group_id}" => Instance(Scim);
    DELETE "/scim/v2/Groups/{group_id}" => Instance(Scim);

    POST "/v1/connections/salesforce" => Instance(ConnectionsWrite);
    GET "/v1/connections/salesforce" => Instance(ConnectionsRead);
    POST "/v1/connections/salesforce/test" => Instance(ConnectionsWrite);
    GET "/v1/connections/salesforce/limits" => Instance(ConnectionsRead);
    DELETE "/v1/connections/salesforce" => Instance(ConnectionsWrite);
    POST "/v1/connections/marketo" => Instance(ConnectionsWrite);
    GET "/v1/connections/marketo" => Instance(ConnectionsRead);
    POST "/v1/connections/marketo/test" => Instance(ConnectionsWrite);
    GET "/v1/connections/marketo/limits" => Instance(ConnectionsRead);
    DELETE "/v1/connections/marketo" => Instance(ConnectionsWrite);
    PUT "/v1/connections/salesforce/jwt-bearer" => Instance(ConnectionsWrite);
    POST "/v1/members/me/salesforce-connection" => Instance(ConnectionsOwn);
    GET "/v1/members/me/salesforce-connection" => Instance(ConnectionsOwn);
    POST "/v1/members/me/salesforce-connection/test" => Instance(ConnectionsOwn);
    DELETE "/v1/members/me/salesforce-connection" => Instance(ConnectionsOwn);
    GET "/v1/connections/marketo/access" => Instance(ConnectionsRead);
    PUT "/v1/connections/marketo/access/{member_id}" => Instance(ConnectionsWrite);
    DELETE "/v1/connections/marketo/access/{member_id}" => Instance(ConnectionsWrite);

    POST "/v1/tokens/salesforce" => Instance(TokensSalesforce);
    POST "/v1/tokens/salesforce/invalidate" => Instance(TokensSalesforce);
    POST "/v1/tokens/marketo" => Instance(TokensMarketo);
    POST "/v1/tokens/marketo/invalidate" => Instance(TokensMarketo);

    GET "/v1/diagnostics" => Instance(ConnectionsRead);
    GET "/v1/diagnostics/{diagnostic_id}" => Instance(ConnectionsRead);

    GET "/v1/sync/preview" => Instance(SyncRead);
    POST "/v1/sync/runs" => Instance(SyncWrite);
    GET "/v1/sync/runs" => Instance(SyncRead);
    GET "/v1/sync/runs/{run_id}" => Instance(SyncRead);
    GET "/v1/sync/runs/{run_id}/events" => Instance(SyncRead);
    GET "/v1/sync/runs/{run_id}/rejected.csv" => Instance(SyncRead);
    POST "/v1/sync/runs/{run_id}/cancel" => Instance(SyncWrite);
    POST "/v1/sync/runs/{run_id}/pause" => Instance(SyncWrite);
    POST "/v1/sync/runs/{run_id}/resume" => Instance(SyncWrite);
    POST "/v1/sync/runs/{run_id}/retry" => Instance(SyncWrite);
    GET "/v1/people" => Instance(PeopleRead);
    GET "/v1/people/changes" => Instance(PeopleRead);
    GET "/v1/people/export" => Instance(PeopleRead);
    POST "/v1/people/lookup" => Instance(PeopleRead);
    GET "/v1/people/{marketo_id}" => Instance(PeopleRead);

    ANY "/v1/salesforce/{path:.*}" => Instance(SalesforceCall);
    ANY "/v1/marketo/{path:.*}" => Instance(MarketoCall);

    GET "/v1/audit-events" => Instance(AuditRead);
    GET "/v1/audit-events/export" => Instance(AuditRead);

    POST "/v1/package/heartbeat" => Instance(Package);
    GET "/v1/package/configuration" => Instance(Package);
};
