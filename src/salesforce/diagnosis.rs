use crate::upstream::{Category, CodeExplanation};
use Category::{AccessValidation, Authentication, Intermittent, Other};

/// One row of the table: codes, category, what it means, what to do.
type SalesforceDiagnosis = (&'static [&'static str], Category, &'static str, &'static str);

const CONNECT_AGAIN: &str = "Disconnect Salesforce and connect it again.";
const REPEATED: &str = "Nothing: it is repeated automatically. If it goes on, look at Salesforce's status page.";

const TABLE: &[SalesforceDiagnosis] = &[
    (
        &["API_CURRENTLY_DISABLED", "API_DISABLED_FOR_ORG"],
        AccessValidation,
        "The Salesforce user may not use the API.",
        "Give the Salesforce user the \"API Enabled\" permission.",
    ),
    (&["AUTHENTICATION_FAILURE"], Authentication, "Salesforce doesn't accept the stored authorization any more.", CONNECT_AGAIN),
    (&["INVALID_SESSION_ID"], Authentication, "Salesforce doesn't accept the access token, the renewed one neither.", CONNECT_AGAIN),
    (
        &["EXPIRED_ACCESS"],
        Authentication,
        "The organization's session policy ended the access.",
        "The organization's session policy ended the access: connect Salesforce again.",
    ),
    (
        &["INACTIVE_ORGANIZATION"],
        Authentication,
        "The Salesforce organization is inactive.",
        "The Salesforce organization is inactive: connect with an active one.",
    ),
    (
        &["INACTIVE_USER"],
        Authentication,
        "The Salesforce user is inactive.",
        "The Salesforce user is inactive: connect with an active one.",
    ),
    (
        &["INVALID_GRANT"],
        Authentication,
        "The organization restricts the addresses that may call it.",
        "The organization restricts addresses: add this service's addresses to its allow-list, then connect again.",
    ),
    (
        &["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"],
        AccessValidation,
        "A trigger failed, or the user may not write the object.",
        "A trigger failed or the user may not write the object: review the organization's triggers and the user's permissions.",
    ),
    (
        &["CANNOT_UPDATE_CONVERTED_LEAD"],
        Other,
        "The lead was converted and can't be changed any more.",
        "The lead was converted: log to the contact instead.",
    ),
    (
        &["ENTITY_IS_LOCKED"],
        AccessValidation,
        "The record is in an approval process.",
        "The record is in an approval process: wait for its end.",
    ),
    (
        &["FIELD_CUSTOM_VALIDATION_EXCEPTION", "FIELD_FILTER_VALIDATION_EXCEPTION", "FIELD_INTEGRITY_EXCEPTION", "REQUIRED_FIELD_MISSING"],
        AccessValidation,
        "A rule of the organization or the record's existing data refuses the change.",
        "One of the organization's own rules or its existing data stands in the way: mend the record or the rule.",
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
        "The Salesforce user doesn't see or may not write a field or an object.",
        "The Salesforce user lacks access to a field or an object: grant the permission, or switch off what needs it.",
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
        "Salesforce could not do it at that moment.",
        REPEATED,
    ),
    (
        &["REQUEST_LIMIT_EXCEEDED"],
        Intermittent,
        "The organization's concurrent or 24-hour API calls are used up.",
        "The organization's concurrent or 24-hour API calls are used up: wait, or buy more calls.",
    ),
    (
        &["TXN_SECURITY_NO_ACCESS"],
        AccessValidation,
        "A security policy of the organization forbids it.",
        "A security policy of the organization forbids it: ask its administrator.",
    ),
    (
        &["UNKNOWN_EXCEPTION"],
        Other,
        "Salesforce failed inside.",
        "Salesforce failed inside: give the number in its message to Salesforce's support.",
    ),
    (
        &["invalid_client", "invalid_client_id", "redirect_uri_mismatch", "invalid_scope", "unsupported_grant_type", "invalid_request"],
        Other,
        "Salesforce doesn't accept how this service presents itself.",
        "The settings of this service and of its External Client App in Salesforce differ: compare client id, secret, callback address and scopes.",
    ),
    (&["rate_limit_exceeded"], Intermittent, "Too many logins in a short time.", "Wait a moment, then try again."),
    (
        &["access_denied"],
        Authentication,
        "Access was refused in Salesforce.",
        "Access was refused in Salesforce: connect again and allow it.",
    ),
    (
        &[UNREACHABLE],
        Intermittent,
        "Salesforce can't be reached, or the connection to it broke.",
        "Check the Salesforce address and that this service may reach it, then try again.",
    ),
    (
        &[ANSWER_LOST],
        Intermittent,
        "A request may have been carried out, but its answer never came.",
        "Try again; if the connection doesn't work any more, connect Salesforce again.",
    ),
    (
        &[BAD_SIGNATURE],
        Authentication,
        "The token answer isn't signed with this service's client secret.",
        "Check the client secret in this service's settings, then connect Salesforce again.",
    ),
    (
        &[UNEXPECTED_ANSWER],
        Other,
        "The answer doesn't have the documented form.",
        "Check that the Salesforce address is the organization's login or My Domain address; if it is, report this to the maintainers of this service.",
    ),
    (
        &[QUERY_JOB_FAILED],
        Other,
        "A bulk query job ended without results.",
        "Nothing, if it happens now and then: it is made again. If it goes on, give the job's id to Salesforce's support.",
    ),
];

/// Names of ours for failures that Salesforce gives no code for.
pub(super) const UNREACHABLE: &str = "UNREACHABLE";
pub(super) const ANSWER_LOST: &str = "ANSWER_LOST";
pub(super) const BAD_SIGNATURE: &str = "BAD_SIGNATURE";
pub(super) const UNEXPECTED_ANSWER: &str = "UNEXPECTED_ANSWER";
pub(super) const QUERY_JOB_FAILED: &str = "QUERY_JOB_FAILED";

/// What `code` means and what to do about it; of a code in no row, that it is unknown.
#[must_use]
pub fn explain(code: &str) -> CodeExplanation {
    look_up(code).unwrap_or_else(|| CodeExplanation::unknown(code))
}

/// What is known of `code`, Salesforce's, one that [`of_oauth`] made of an OAuth error, or a name of ours.
pub(super) fn look_up(code: &str) -> Option<CodeExplanation> {
    let (_, category, meaning, remedy) = TABLE.iter().find(|(codes, ..)| codes.iter().any(|known| known.eq_ignore_ascii_case(code)))?;
    Some(CodeExplanation { category: *category, meaning, remedy })
}

/// The number by which Salesforce's support finds an `UNKNOWN_EXCEPTION`: "… include this ErrorId …: 1234-5678 (-90)".
pub(super) fn error_id(message: &str) -> Option<&str> {
    let tail = &message[message.find("ErrorId")?..];
    let start = tail.find(|one: char| one.is_ascii_digit())?;
    let number = &tail[start..];
    let end = number.find(|one: char| !(one.is_ascii_digit() || matches!(one, '-' | ' ' | '(' | ')'))).unwrap_or(number.len());
    Some(number[..end].trim())
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
