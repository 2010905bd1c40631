//! The closed set of problems: each code with its status, its title, what it means and what to do about it. The catalog that people
//! read (`openapi/problems.md`, `GET /problems/{code}`) is written from this table.

use actix_web::http::StatusCode;

macro_rules! codes {
    ($($name:ident = $status:literal, $code:literal, $title:literal, $meaning:literal, $remedy:literal;)+) => {
        /// A stable name for what went wrong. Clients branch on this, never on the prose.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $(#[doc = $meaning] $name,)+ }

        impl Code {
            /// Every code, in the order of the catalog.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name as clients see it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The title: the same for every occurrence.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// What it means, in a sentence or two.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }

            /// What to do about it.
            #[must_use]
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)+ }
            }

            /// The HTTP status.
            #[must_use]
            pub fn status(self) -> StatusCode {
                // The table holds statuses between 400 and 503 only; a slip would read as 500 and fail a test.
                StatusCode::from_u16(match self { $(Self::$name => $status,)+ }).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    };
}

codes! {
    MalformedRequest = 400, "malformed_request", "Malformed request",
        "The body, the path or a header isn't well-formed, so nothing in it was looked at.",
        "Correct what the detail names; a generated client never sends this.";
    InvalidInput = 422, "invalid_input", "Invalid input",
        "The request is well-formed, but some of its values can't be used; `errors` lists every one of them.",
        "Correct each value that `errors` points to and send the request again.";
    Unauthenticated = 401, "unauthenticated", "Authentication required",
        "The request carries no access token or session, or the client's credentials are wrong.",
        "Get an access token from `POST /oauth/token` and send it as `Authorization: Bearer`, or log in.";
    InvalidToken = 401, "invalid_token", "Access token not valid",
        "The access token has expired, was revoked or wasn't issued here, or the session has ended.",
        "Get another access token, or log in again.";
    Forbidden = 403, "forbidden", "Permission denied",
        "The caller's role or scopes don't include this operation.",
        "Ask an admin for the role, or an operator for a client with the scope that the detail names.";
    InstanceRequired = 403, "instance_required", "Token not bound to an instance",
        "An operator's token acts on no instance until it is bound to one.",
        "Get a token with `resource=urn:msi-actions:instance:ID` (RFC 8707).";
    CrossSiteRequest = 403, "cross_site_request", "Request sent by another site",
        "A page of another site sent a request with a member's session.",
        "Send the header `X-Requested-With` from a page of this service, or use an access token instead of the session.";
    CallNotAllowed = 403, "call_not_allowed", "Vendor call not allowed",
        "The client may not make this call to the vendor.",
        "Ask an operator to allow the vendor, the method and the path: `msi-actions client allow`.";
    NotFound = 404, "not_found", "Resource not found",
        "The caller's instance has no such resource, or the address leads nowhere.",
        "Check the id and the address; list the resources to see which exist.";
    MethodNotAllowed = 405, "method_not_allowed", "Method not allowed",
        "The address exists, but not with this method.",
        "Use one of the methods in the header `Allow`.";
    UploadTooSlow = 408, "upload_too_slow", "Upload too slow",
        "The file arrived more slowly than an upload may.",
        "Send the file again over a faster connection, or split it.";
    BodyTooLarge = 413, "body_too_large", "Body too large",
        "The body is larger than this operation accepts.",
        "Send less at once; the detail names the limit.";
    UnsupportedMediaType = 415, "unsupported_media_type", "Unsupported media type",
        "The operation doesn't accept bodies of this media type.",
        "Send one of the media types that the document lists for the operation, with the header `Content-Type`.";
    TooManyRequests = 429, "too_many_requests", "Too many requests",
        "The caller, its address or its instance has sent more requests, or opened more streams, than are allowed at once.",
        "Wait for as many seconds as `Retry-After` says, then go on more slowly.";
    QuotaExhausted = 429, "quota_exhausted", "Vendor quota used up for the moment",
        "This service's share of the vendor's calls is in use right now.",
        "Wait for as many seconds as `Retry-After` says.";
    DailyQuotaExhausted = 429, "daily_quota_exhausted", "Vendor's daily quota used up",
        "This service's share of the vendor's calls of the day is used up.",
        "Wait until the quota resets, or give the service a larger share; see `GET /v1/connections/{vendor}/limits`.";
    Internal = 500, "internal_error", "Internal error",
        "The service failed; the cause is in its log.",
        "Report the `request_id` to the operator.";
    Unavailable = 503, "unavailable", "Service unavailable",
        "The service or its database can't answer right now.",
        "Send the request again after a few seconds; with an `Idempotency-Key` nothing is done twice.";
    StorageFull = 503, "storage_full", "Storage full",
        "The database or the disk has no room left.",
        "Ask the operator to make room.";
    TimedOut = 503, "timed_out", "Request timed out",
        "The answer wasn't ready in the time a request may take.",
        "Send the request again; with an `Idempotency-Key` nothing is done twice.";
    IdempotencyKeyReused = 422, "idempotency_key_reused", "Idempotency key reused",
        "The key was used with another request within the last day.",
        "Use a key of its own for each request, such as a new UUID.";
    IdempotencyKeyInUse = 409, "idempotency_key_in_use", "Idempotency key in use",
        "The first request with this key is still being carried out.",
        "Wait for as many seconds as `Retry-After` says, then repeat the request with the same key.";
    IdempotencyOutcomeUnknown = 409, "idempotency_outcome_unknown", "Outcome of the first request unknown",
        "The first request with this key was cut short, for example by a crash, and may have been carried out.",
        "Look whether it was; only if not, send it again with another key.";
    InstanceExists = 409, "instance_exists", "Instance already exists",
        "The Marketo subscription already has an instance, which `link` leads to.",
        "Use that instance.";
    PrerequisiteUnmet = 409, "prerequisite_unmet", "Prerequisite not met",
        "The set-up can't begin until MSI Actions is enabled and the Salesforce sync is configured in Marketo.",
        "Meet the prerequisite that the detail names, then record it with `PATCH /v1/instance`.";
    StepRequired = 409, "step_required", "Earlier set-up step required",
        "A step of the set-up that comes before this one isn't done.",
        "Do the step that the detail names; `GET /v1/instance/onboarding` shows all of them.";
    SecretAlreadyRevealed = 409, "secret_already_revealed", "Secret already revealed",
        "A client secret is shown once, and this one has been.",
        "Use the secret that was noted then, or rotate it to get a new one.";
    NoMarketoCredentials = 409, "no_marketo_credentials", "No Marketo credentials",
        "The instance was created without Marketo credentials, and none were sent.",
        "Send `client_id` and `client_secret` of a Marketo LaunchPoint service.";
    MarketoAddressWrong = 409, "marketo_address_wrong", "Not a Marketo address",
        "No Marketo subscription answers at the address.",
        "Copy the address from Marketo: Admin, Web Services, REST API.";
    MarketoClientUnknown = 409, "marketo_client_unknown", "Marketo client unknown",
        "Marketo doesn't know the client id.",
        "Copy the client id from Marketo: Admin, LaunchPoint, View Details.";
    MarketoSecretWrong = 409, "marketo_secret_wrong", "Marketo client secret wrong",
        "Marketo knows the client id but refuses the secret.",
        "Copy the client secret from Marketo: Admin, LaunchPoint, View Details.";
    MarketoPermissionMissing = 409, "marketo_permission_missing", "Marketo permission missing",
        "The Marketo API user's role lacks a permission that this operation needs.",
        "Give the API user's role the permission that the detail names.";
    MarketoAddressNotAllowed = 409, "marketo_address_not_allowed", "Calls from this service denied by Marketo",
        "Marketo denies every call: most likely the service's IP address isn't among those that the subscription allows.",
        "Add the service's address in Marketo: Admin, Web Services, IP Restrictions.";
    MarketoRefused = 409, "marketo_refused", "Call refused by Marketo",
        "Marketo refused the call for a reason that the detail gives.",
        "Do what the detail says; see also `GET /v1/diagnostics`.";
    SalesforceRefused = 409, "salesforce_refused", "Call refused by Salesforce",
        "Salesforce refused the call for a reason that the detail gives.",
        "Do what the detail says; see also `GET /v1/diagnostics`.";
    SalesforceNotConfigured = 409, "salesforce_not_configured", "Salesforce app not configured",
        "The service has no Salesforce app to authorize with.",
        "Ask the operator to set `salesforce.client_id` and `salesforce.client_secret`.";
    ConnectionNeedsAttention = 409, "connection_needs_attention", "Connection needs attention",
        "The vendor no longer accepts the connection, and nothing but a person can mend that.",
        "Do what the detail says, then connect again.";
    OtherOrganization = 409, "other_organization", "Different Salesforce organization",
        "An instance belongs to one Salesforce organization, and another one was authorized.",
        "Authorize the instance's own organization, or confirm the new one with `confirm_organization_id`.";
    NotTheOwner = 403, "not_the_owner", "Not the owner of the connection",
        "Only the admin who owns the connection, or an operator, may do this.",
        "Ask the owner, or have the connection handed over.";
    AccessStillGranted = 409, "access_still_granted", "Access to another admin's connection still granted",
        "The caller uses the Marketo connection of another admin, so they can't connect Marketo themselves.",
        "Have that access withdrawn first: `DELETE /v1/connections/marketo/access/{member_id}`.";
    MarketoAccessRequired = 403, "marketo_access_required", "Access to the Marketo connection required",
        "The owner of the Marketo connection hasn't granted the caller access to it.",
        "Ask the owner for access: `POST /v1/connections/marketo/access`.";
    NotAnAdmin = 409, "not_an_admin", "Not an active admin",
        "Only an active admin can be granted access to the Marketo connection, and the member is none.",
        "Choose an active admin, or make the member one.";
    MemberRequired = 403, "member_required", "Member required",
        "Only a person can do this, and the caller is a program.",
        "Log in as a member.";
    UpstreamUnavailable = 503, "upstream_unavailable", "Vendor unavailable",
        "Salesforce, Marketo or an identity provider can't answer right now.",
        "Wait for as many seconds as `Retry-After` says and send the request again.";
    AlreadyConnected = 409, "already_connected", "Already connected",
        "The instance already has this connection.",
        "Use it, or delete it first to connect anew.";
    NotConnected = 404, "not_connected", "Not connected",
        "The instance has no such connection.",
        "Connect the vendor first.";
    StateInvalid = 403, "state_invalid", "Authorization not begun here",
        "The answer from Salesforce belongs to no authorization that this browser began in the last minutes.",
        "Begin the authorization again.";
    MemberSessionRequired = 403, "member_session_required", "Not logged in in this browser",
        "The member who began the authorization isn't logged in in the browser that ended it.",
        "Log in in this browser and begin the authorization again.";
    AuthorizationDenied = 403, "authorization_denied", "Authorization denied",
        "Somebody pressed Deny at Salesforce, or Salesforce refused the authorization.",
        "Begin the authorization again and allow the access.";
    NotAMarketoAdmin = 409, "not_a_marketo_admin", "Not a Marketo admin",
        "The first user is one of the subscription's Marketo admins, and this person is none.",
        "Choose one of `GET /v1/marketo/admins`.";
    FirstUserExists = 409, "first_user_exists", "First user already invited",
        "The instance's first user was invited before.",
        "See `GET /v1/invites/first`; resend that invitation if the message is lost.";
    EmailTaken = 409, "email_taken", "E-mail address in use",
        "The address belongs to another member.",
        "Use another address.";
    ActivationUnknown = 404, "activation_unknown", "Activation link unknown",
        "No invitation has this link.",
        "Open the link of the newest message as it stands there.";
    ActivationUsed = 410, "activation_used", "Activation link already used",
        "The person has activated with this link.",
        "Log in.";
    ActivationExpired = 410, "activation_expired", "Activation link expired",
        "Nobody used the link in time.",
        "Ask an admin to invite you again.";
    ActivationRevoked = 410, "activation_revoked", "Invitation revoked",
        "An admin took the invitation back.",
        "Ask an admin to invite you again.";
    ActivationReplaced = 410, "activation_replaced", "Activation link replaced",
        "A newer message has a newer link.",
        "Open the link of the newest message.";
    ActivationMethodNotAllowed = 409, "activation_method_not_allowed", "Activation method not allowed",
        "The instance's login management doesn't allow this way to activate.",
        "Activate by logging in to Salesforce.";
    EmailMismatch = 403, "email_mismatch", "E-mail addresses differ",
        "The Salesforce user has another e-mail address than the one that was invited.",
        "Log in to Salesforce as the invited person, or have the other address invited.";
    SubjectTokenInvalid = 400, "subject_token_invalid", "Subject token not valid",
        "The subject token doesn't identify a user.",
        "Send a current Salesforce access token or Canvas signed request.";
    AutoLoginOtherOrganization = 403, "auto_login_other_organization", "User of another organization",
        "The Salesforce user belongs to another organization than the one the instance is connected to.",
        "Log in to the organization that the instance is connected to.";
    AutoLoginSwitchedOff = 403, "auto_login_switched_off", "Auto-login switched off",
        "Members are logged in by Salesforce itself only while login management is Salesforce Only.",
        "Log in by the page of this service, or have an admin change login management.";
    AutoLoginNotInvited = 403, "auto_login_not_invited", "Salesforce user not invited",
        "No member has this Salesforce user's username or e-mail address.",
        "Ask an admin for an invitation.";
    AutoLoginNotActivated = 403, "auto_login_not_activated", "Invitation not activated by Salesforce",
        "The invited person hasn't activated by logging in to Salesforce.",
        "Open the link of the invitation and activate by Salesforce.";
    AutoLoginDeactivated = 403, "auto_login_deactivated", "Member deactivated",
        "An admin has deactivated the member.",
        "Ask an admin to reactivate the member.";
    AutoLoginOtherUser = 403, "auto_login_other_user", "Different Salesforce user",
        "The member activated as another Salesforce user.",
        "Log in to Salesforce as the user that the member activated with.";
    AlreadyMember = 409, "already_member", "Already a member",
        "The person is a member of the instance.",
        "Nothing: the person can log in.";
    VersionMismatch = 412, "version_mismatch", "Changed by somebody else",
        "The resource has changed since the version that `If-Match` names.",
        "Get the resource again and apply the change to what it is now.";
    ScimTokenLimitReached = 409, "scim_token_limit_reached", "SCIM token limit reached",
        "The instance has as many SCIM tokens as it may.",
        "Revoke one that isn't used any more.";
    ScimUserNameTaken = 409, "scim_user_name_taken", "userName in use",
        "Another user has this `userName`.",
        "Use another `userName`.";
    ScimInvalidFilter = 400, "scim_invalid_filter", "Filter not supported",
        "The filter can't be read, or uses what this service doesn't support (RFC 7644, section 3.4.2.2).",
        "Correct the filter; the detail says what is wrong.";
    ScimInvalidPath = 400, "scim_invalid_path", "Path not valid",
        "The path of a patch operation can't be read or names no attribute.",
        "Correct the path; the detail says what is wrong.";
    ScimNoTarget = 400, "scim_no_target", "Path without a target",
        "The path of a patch operation matches no value.",
        "Correct the path, or add the value.";
    ScimInvalidValue = 400, "scim_invalid_value", "Invalid value",
        "Some values of the resource can't be used; the detail names every one of them.",
        "Correct the values.";
    ScimInvalidSyntax = 400, "scim_invalid_syntax", "Invalid request body",
        "The body isn't JSON, or not of the schema that the operation takes.",
        "Send the body that RFC 7644 describes.";
    ScimMutability = 400, "scim_mutability", "Attribute can't be changed",
        "The attribute is read-only.",
        "Leave the attribute out.";
    NobodyInvited = 409, "nobody_invited", "Nobody invited",
        "With `all_or_nothing` nobody is invited unless everybody can be; `errors` says who can't be.",
        "Correct or remove the addresses in `errors`, or invite with `partial`.";
    InviteOnItsWay = 409, "invite_on_its_way", "Message still on its way",
        "The message of the invitation hasn't left yet.",
        "Wait until the invitation is sent or bounced.";
    InviteSettled = 409, "invite_settled", "Invitation already settled",
        "The invitation was accepted, revoked or replaced, so it can't be changed any more.",
        "Do what the detail says; invite the person again if they have no access.";
    ResendTooSoon = 429, "resend_too_soon", "Resent too soon",
        "The invitation was sent only a moment ago.",
        "Wait for as many seconds as `Retry-After` says.";
    InviteLimitReached = 429, "invite_limit_reached", "Invitation limit reached",
        "As many messages were sent as may be within 24 hours.",
        "Wait for as many seconds as `Retry-After` says.";
    OriginalUserStays = 409, "original_user_stays", "Original user can't be removed",
        "The first user of an instance can't be removed, deactivated or made a user once data sync has started.",
        "Leave the account in place, and make somebody else an admin if another person is to take over.";
    SeatLimitReached = 409, "seat_limit_reached", "All user seats taken",
        "The instance has as many members as it has seats.",
        "Remove a member, revoke an invitation, or ask the operator for more seats.";
    TeamExists = 409, "team_exists", "Team already exists",
        "A team of this name exists.",
        "Use that team, or choose another name.";
    TeamUnknown = 409, "team_unknown", "Team unknown",
        "The instance has no team of this name or id.",
        "Create the team first, or use one of `GET /v1/teams`.";
    TeamLimitReached = 409, "team_limit_reached", "Team limit reached",
        "The instance has as many teams as it may.",
        "Remove a team, or ask the operator for a higher limit.";
    LastAdmin = 409, "last_admin", "Last admin",
        "An instance needs at least one active admin.",
        "Make somebody else an admin first.";
    SelfChangeForbidden = 409, "self_change_forbidden", "Not possible for yourself",
        "Nobody can deactivate, remove or demote themselves.",
        "Ask another admin.";
    OwnsMarketoConnection = 409, "owns_marketo_connection", "Owner of the Marketo connection",
        "The caller owns the Marketo connection, which a user can't.",
        "Ask another admin to change your role; the connection passes to them.";
    MemberNotActivated = 409, "member_not_activated", "Member not activated",
        "The person hasn't activated yet.",
        "Wait until they have, or remove the member to withdraw the invitation.";
    EveryoneTeamProtected = 409, "everyone_team_protected", "Team Everyone can't be changed",
        "Every member is in the team Everyone, which can't be renamed or removed.",
        "Use another team.";
    LoginRefused = 401, "login_refused", "E-mail address or password wrong",
        "No member can log in with this address and password.",
        "Check both, or ask for a new password with `POST /v1/password-resets`.";
    LoginLockedOut = 429, "login_locked_out", "Too many failed logins",
        "There were too many wrong passwords for this address or from this place.",
        "Wait for as many seconds as `Retry-After` says.";
    PasswordLoginSwitchedOff = 403, "password_login_switched_off", "Password login switched off",
        "The instance's login management is Salesforce Only.",
        "Log in by Salesforce.";
    MemberDeactivated = 403, "member_deactivated", "Member deactivated",
        "An admin has deactivated the member.",
        "Ask an admin to reactivate the member.";
    CurrentPasswordWrong = 403, "current_password_wrong", "Current password wrong",
        "The current password isn't the one that was sent.",
        "Send the password that you log in with.";
    NoPassword = 409, "no_password", "No password set",
        "The member has no password that could be changed.",
        "Choose one by the link that `POST /v1/password-resets` sends.";
    ResetLinkUnusable = 404, "reset_link_unusable", "Reset link not valid",
        "The link isn't known, was used, or is older than an hour.",
        "Ask for another with `POST /v1/password-resets`.";
    ImportUnreadable = 422, "import_unreadable", "File can't be read as a list of people",
        "The file isn't a table of people with their e-mail addresses, or is larger than an import may be.",
        "Do what the detail says; `docs/set-up-guide.md` shows a file that works.";
    MappingMismatch = 409, "mapping_mismatch", "Mapping doesn't fit the file",
        "The mapping names a column that the file doesn't have, or the same one twice.",
        "Choose columns from `columns` of the import.";
    ImportAlreadyConfirmed = 409, "import_already_confirmed", "Import already confirmed",
        "People are being invited, or have been.",
        "Follow the import; to invite more people, upload another file.";
    CursorGone = 410, "cursor_gone", "Cursor no longer valid",
        "The database was set back to a time before the cursor.",
        "Read from the beginning again.";
    ImportNotConfirmed = 409, "import_not_confirmed", "Import not confirmed",
        "The import has no results until it is confirmed.",
        "Confirm it: `POST /v1/invite-imports/{import_id}/confirm`.";
    ImportRowsDeleted = 410, "import_rows_deleted", "Rows of the import deleted",
        "The rows hold personal data and were deleted some time after the import ended; its counts stay.",
        "Upload the file again if you need its rows.";
    ImportLimitReached = 409, "import_limit_reached", "Too many unconfirmed imports",
        "The instance has as many imports waiting to be confirmed as it may.",
        "Confirm or delete some of them.";
    SyncRunning = 409, "sync_running", "Sync already running",
        "One sync runs at a time, and one is under way; `link` leads to it.",
        "Wait until it ends, or cancel it.";
    RunStateConflict = 409, "run_state_conflict", "Not possible in the run's state",
        "The run is in a state in which this can't be done.",
        "Do what the detail says.";
    DeadLetterSuperseded = 409, "dead_letter_superseded", "Dead letter superseded",
        "Trying the job again makes no sense any more: something newer has done its work.",
        "Discard the dead letter.";
}
