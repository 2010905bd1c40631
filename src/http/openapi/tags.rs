//! The groups of operations, in the order in which one who sets up an instance meets them.

use utoipa::openapi::Tag;
use utoipa::openapi::tag::TagBuilder;

const TAGS: [(&str, &str); 18] = [
    ("Authentication", "Access tokens: getting, looking into and revoking them (OAuth 2.0)."),
    ("Instances", "Instances, their settings and the information that a Salesforce admin enters in the managed package."),
    ("Set-up", "The seven steps of the set-up guide, and how far an instance is."),
    (
        "Connections",
        "The connections to Salesforce and to Marketo: connecting, testing, handing over, what failed there and what is left of their quotas.",
    ),
    ("Tokens", "The vendors' access tokens, always fresh."),
    ("Calling the vendors", "Calls to Salesforce and Marketo that this service passes on with its own token."),
    ("Sync", "The preview and the runs of the people sync."),
    ("People", "The synced people: pages, look-ups, exports and the feed of changes."),
    ("Invitations", "Inviting people one by one, by list, or by a file."),
    ("Activation", "What the link of an invitation leads to."),
    ("Members", "Members and teams of an instance."),
    ("Sessions", "Logging in and out, and new passwords."),
    ("SCIM", "Provisioning of members and teams by a directory (RFC 7643 and RFC 7644)."),
    ("Package", "What the managed package in Salesforce calls."),
    ("Audit", "Who did what."),
    ("Mail", "For operators: what has become of messages."),
    ("Jobs", "For operators: jobs that nobody tries again by itself."),
    ("Operation", "For operators: signs of life, metrics, and the catalog of problems."),
];

/// The groups with their descriptions.
pub(super) fn in_order() -> Vec<Tag> {
    TAGS.into_iter().map(|(name, description)| TagBuilder::new().name(name).description(Some(description)).build()).collect()
}
