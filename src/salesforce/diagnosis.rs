/// What kind of trouble an error is, as the product's diagnostics page groups them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    /// The connection must be made again, or the user or organisation is locked out.
    Authentication,
    /// A permission, a rule of the organisation or its data stands in the way.
    AccessValidation,
    /// Passes by itself; repeated automatically where that helps.
    Intermittent,
    /// Anything else.
    Other,
}

use Category::{AccessValidation, Authentication, Intermittent, Other};

/// One row of the table: codes, category, what to do.
type Row = (&'static [&'static str], Category, &'static str);

const CONNECT_AGAIN: &str = "Disconnect Salesforce and connect it again.";
const MEND_RULE: &str = "One of the organisation's own rules or its existing data stands in the way: mend the record or the rule.";
const GRANT_OR_SWITCH_OFF: &str =
    "The Salesforce user lacks access to a field or an object: grant the permission, or switch off what needs it.";
const REPEATED: &str = "Nothing: it is repeated automatically. If it goes on, look at Salesforce's status page.";

const TABLE: &[Row] = &[
    (&["API_CURRENTLY_DISABLED", "API_DISABLED_FOR_ORG"], AccessValidation, "Give the Salesforce user the \"API Enabled\" permission."),
    (&["AUTHENTICATION_FAILURE"], Authentication, CONNECT_AGAIN),
    (&["INVALID_SESSION_ID"], Authentication, CONNECT_AGAIN),
    (&["EXPIRED_ACCESS"], Authentication, "The organisation's session policy ended the access: connect Salesforce again."),
    (&["INACTIVE_ORGANIZATION"], Authentication, "The Salesforce organisation is inactive: connect with an active one."),
    (&["INACTIVE_USER"], Authentication, "The Salesforce user is inactive: connect with an active one."),
    (
        &["INVALID_GRANT"],
        Authentication,
        "The organisation restricts addresses: add this service's addresses to its allow-list, then connect again.",
    ),
    (
        &["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"],
        AccessValidation,
        "A trigger failed or the user may not write the object: review the organisation's triggers and the user's permissions.",
    ),
    (&["CANNOT_UPDATE_CONVERTED_LEAD"], Other, "The lead was converted: log to the contact instead."),
    (&["ENTITY_IS_LOCKED"], AccessValidation, "The record is in an approval process: wait for its end."),
    (
        &["FIELD_CUSTOM_VALIDATION_EXCEPTION", "FIELD_FILTER_VALIDATION_EXCEPTION", "FIELD_INTEGRITY_EXCEPTION", "REQUIRED_FIELD_MISSING"],
        AccessValidation,
        MEND_RULE,
    ),
    (
        &[
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "INSUFFICIENT_ACCESS_OR_READONLY",
            "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
            "INVALID_TYPE",
            "INVALID_FIELD",
        ],
        AccessValidation,
        GRANT_OR_SWITCH_OFF,
    ),
    (
        &[
            "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
            "QUERY_TIMEOUT",
            "SERVER_UNAVAILABLE",
            "UNABLE_TO_LOCK_ROW",
            "FAILED_WRITE",
        ],
        Intermittent,
        REPEATED,
    ),
    (&["REQUEST_LIMIT_EXCEEDED"], Intermittent, "The organisation's concurrent or 24-hour API calls are used up: wait, or buy more calls."),
    (&["TXN_SECURITY_NO_ACCESS"], AccessValidation, "A security policy of the organisation forbids it: ask its administrator."),
    (&["UNKNOWN_EXCEPTION"], Other, "Salesforce failed inside: give the number in its message to Salesforce's support."),
    (
        &["invalid_client", "invalid_client_id", "redirect_uri_mismatch", "invalid_scope", "unsupported_grant_type", "invalid_request"],
        Other,
        "The settings of this service and of its External Client App in Salesforce differ: compare client id, secret, callback address and scopes.",
    ),
    (&["rate_limit_exceeded"], Intermittent, "Wait a moment, then try again."),
    (&["access_denied"], Authentication, "Access was refused in Salesforce: connect again and allow it."),
];

/// What is known of `code`, Salesforce's or one that [`of_oauth`] made of an OAuth error.
pub(super) fn look_up(code: &str) -> Option<(Category, &'static str)> {
    TABLE
        .iter()
        .find(|(codes, ..)| codes.iter().any(|known| known.eq_ignore_ascii_case(code)))
        .map(|(_, category, advice)| (*category, *advice))
}

/// The diagnostics code of an OAuth error: `invalid_grant` stands for several troubles, told apart by the description or
/// seen as codes of their own. Of the rest, the code itself.
pub(super) fn of_oauth<'a>(error: &'a str, description: &str) -> &'a str {
    // Words are separated by spaces, underscores or hyphens, depending on where they come from.
    let plain = |text: &str| text.to_lowercase().replace(['_', '-'], " ");
    let (code, about) = (plain(error), plain(description));
    let says = |words: &str| code == words || (code == "invalid grant" && about.contains(words));
    if says("inactive user") {
        "INACTIVE_USER"
    } else if says("inactive org") || says("inactive organization") {
        "INACTIVE_ORGANIZATION"
    } else if says("ip restricted") {
        "INVALID_GRANT"
    } else if says("expired access/refresh token") {
        "EXPIRED_ACCESS"
    } else if code == "invalid grant" {
        "AUTHENTICATION_FAILURE"
    } else if code == "access denied" {
        "access_denied"
    } else {
        error
    }
}
