//! The two kinds of resource: a user is a member, a group is a team.

use super::protocol::schema::{Attribute, AttributeKind, Mutability, Schema, TEXT};

/// `urn:…:User`.
pub static USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:User",
    name: "User",
    description: "A member of the instance",
    attributes: &[
        Attribute {
            name: "userName",
            description: "What your directory calls the person, often an e-mail address; unique in the instance",
            required: true,
            unique: true,
            ..TEXT
        },
        Attribute {
            name: "name",
            description: "The person's name",
            kind: AttributeKind::Complex(&[
                Attribute { name: "givenName", description: "First name, at most 100 characters", ..TEXT },
                Attribute { name: "familyName", description: "Last name, at most 100 characters", ..TEXT },
            ]),
            ..TEXT
        },
        Attribute { name: "displayName", description: "What your directory shows; kept for it", ..TEXT },
        Attribute {
            name: "emails",
            description: "The address that the invitation goes to and that the Salesforce user must have. One is kept: the primary \
                          one, else that of type work, else the first",
            kind: AttributeKind::Complex(&[
                Attribute { name: "value", description: "The address", required: true, ..TEXT },
                Attribute { name: "type", description: "What it is for", canonical: &["work", "home", "other"], ..TEXT },
                Attribute { name: "primary", description: "Whether it is the main one", kind: AttributeKind::Boolean, ..TEXT },
            ]),
            multi_valued: true,
            required: true,
            ..TEXT
        },
        Attribute {
            name: "active",
            description: "False for a member who is kept out: logged out everywhere, or not invited yet. Seat and teams stay theirs. \
                          True unless given",
            kind: AttributeKind::Boolean,
            ..TEXT
        },
        Attribute {
            name: "roles",
            description: "The role in the instance, one; user unless given",
            kind: AttributeKind::Complex(&[
                Attribute { name: "value", description: "admin or user", required: true, canonical: &["admin", "user"], ..TEXT },
                Attribute {
                    name: "primary",
                    description: "Whether it is the main one; kept for your directory",
                    kind: AttributeKind::Boolean,
                    ..TEXT
                },
            ]),
            multi_valued: true,
            ..TEXT
        },
        Attribute {
            name: "groups",
            description: "The teams the member is in",
            kind: AttributeKind::Complex(&[
                Attribute { name: "value", description: "Id of the group", mutability: Mutability::ReadOnly, case_exact: true, ..TEXT },
                Attribute {
                    name: "$ref",
                    description: "Address of the group",
                    mutability: Mutability::ReadOnly,
                    kind: AttributeKind::Reference("Group"),
                    case_exact: true,
                    ..TEXT
                },
                Attribute { name: "display", description: "Name of the group", mutability: Mutability::ReadOnly, ..TEXT },
            ]),
            multi_valued: true,
            mutability: Mutability::ReadOnly,
            ..TEXT
        },
    ],
    // RFC 7643, sections 2.4, 4.1 and 4.3. Directories send these unless told otherwise.
    passed_over: &[
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "name.formatted",
        "name.middleName",
        "name.honorificPrefix",
        "name.honorificSuffix",
        "emails.display",
        "roles.display",
        "roles.type",
        "nickName",
        "profileUrl",
        "title",
        "userType",
        "preferredLanguage",
        "locale",
        "timezone",
        "password",
        "phoneNumbers",
        "ims",
        "photos",
        "addresses",
        "entitlements",
        "x509Certificates",
    ],
};

/// `urn:…:Group`.
pub static GROUP: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:Group",
    name: "Group",
    description: "A team of the instance",
    attributes: &[
        Attribute {
            name: "displayName",
            description: "Name of the team, at most 100 characters; unique in the instance",
            required: true,
            unique: true,
            ..TEXT
        },
        Attribute {
            name: "members",
            description: "Who is in the team",
            kind: AttributeKind::Complex(&[
                Attribute { name: "value", description: "Id of the user", required: true, case_exact: true, ..TEXT },
                Attribute {
                    name: "$ref",
                    description: "Address of the user",
                    kind: AttributeKind::Reference("User"),
                    case_exact: true,
                    ..TEXT
                },
                Attribute { name: "type", description: "User", canonical: &["User"], ..TEXT },
            ]),
            multi_valued: true,
            ..TEXT
        },
    ],
    passed_over: &["members.display"],
};
