//! What the attributes of a resource mean (RFC 7643, section 7). One table serves the published schemas, filters, changes and
//! partial answers.

use serde_json::{Map, Value, json};

/// The form of an attribute's value (RFC 7643, section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeKind {
    String,
    Boolean,
    DateTime,
    /// The address of another resource.
    Reference(&'static str),
    Complex(&'static [Attribute]),
}

/// Who may set an attribute (RFC 7643, section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    /// What clients send for it is ignored.
    ReadOnly,
    ReadWrite,
}

/// An attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    pub name: &'static str,
    pub description: &'static str,
    pub kind: AttributeKind,
    pub multi_valued: bool,
    pub required: bool,
    pub case_exact: bool,
    pub mutability: Mutability,
    /// Returned whatever is asked for.
    pub always: bool,
    /// No two resources of an instance have the same value.
    pub unique: bool,
    pub canonical: &'static [&'static str],
}

/// The usual attribute, for the table to differ from: an optional text that clients may set, compared without regard to case.
pub const TEXT: Attribute = Attribute {
    name: "",
    description: "",
    kind: AttributeKind::String,
    multi_valued: false,
    required: false,
    case_exact: false,
    mutability: Mutability::ReadWrite,
    always: false,
    unique: false,
    canonical: &[],
};

/// Attributes of every resource, in no schema (RFC 7643, section 3.1).
const COMMON: &[Attribute] = &[
    Attribute { name: "schemas", multi_valued: true, always: true, case_exact: true, ..TEXT },
    Attribute { name: "id", case_exact: true, always: true, mutability: Mutability::ReadOnly, ..TEXT },
    Attribute { name: "externalId", case_exact: true, ..TEXT },
    Attribute {
        name: "meta",
        mutability: Mutability::ReadOnly,
        kind: AttributeKind::Complex(&[
            Attribute { name: "resourceType", case_exact: true, ..TEXT },
            Attribute { name: "created", kind: AttributeKind::DateTime, ..TEXT },
            Attribute { name: "lastModified", kind: AttributeKind::DateTime, ..TEXT },
            Attribute { name: "location", kind: AttributeKind::Reference("uri"), case_exact: true, ..TEXT },
            Attribute { name: "version", case_exact: true, ..TEXT },
        ]),
        ..TEXT
    },
];

/// A schema: its URI and its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    pub id: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    pub attributes: &'static [Attribute],
    /// What the standards define for such a resource and this service doesn't keep: `name`, `name.sub`, or the URI of an extension.
    pub passed_over: &'static [&'static str],
}

impl Schema {
    /// Whether a client may send what is at this path although it is not kept.
    #[must_use]
    pub fn passes_over(&self, name: &str, sub: Option<&str>) -> bool {
        self.passed_over.iter().any(|one| match (one.split_once('.'), sub) {
            (Some((known, known_sub)), Some(sub)) => known.eq_ignore_ascii_case(name) && known_sub.eq_ignore_ascii_case(sub),
            (None, _) => one.eq_ignore_ascii_case(name),
            (Some(_), None) => false,
        })
    }

    /// Whether the path is in an extension that is not kept.
    #[must_use]
    pub fn passes_over_extension(&self, path: &str) -> bool {
        let begins = |uri: &str| path.get(..uri.len()).is_some_and(|start| start.eq_ignore_ascii_case(uri));
        self.passed_over.iter().any(|one| one.starts_with("urn:") && begins(one))
    }

    /// The attribute of this name, whatever its case; those of every resource included.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        named(self.attributes, name).or_else(|| named(COMMON, name))
    }

    /// Every attribute, those of every resource first.
    pub fn all(&self) -> impl Iterator<Item = &'static Attribute> + use<> {
        COMMON.iter().chain(self.attributes)
    }

    /// The document of `/Schemas/{id}`, whose address is `location`.
    #[must_use]
    pub fn document(&self, location: &str) -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": self.id, "name": self.name, "description": self.description,
            "attributes": self.attributes.iter().map(Attribute::document).collect::<Vec<_>>(),
            "meta": { "resourceType": "Schema", "location": location },
        })
    }
}

fn named(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

impl Attribute {
    /// The sub-attribute of this name, whatever its case.
    #[must_use]
    pub fn sub(&self, name: &str) -> Option<&'static Self> {
        named(self.subs(), name)
    }

    /// Its sub-attributes; none when it isn't complex.
    #[must_use]
    pub fn subs(&self) -> &'static [Self] {
        match self.kind {
            AttributeKind::Complex(subs) => subs,
            _ => &[],
        }
    }

    fn document(&self) -> Value {
        let mut document = Map::new();
        let kind = match self.kind {
            AttributeKind::String => "string",
            AttributeKind::Boolean => "boolean",
            AttributeKind::DateTime => "dateTime",
            AttributeKind::Reference(to) => {
                document.insert("referenceTypes".into(), json!([to]));
                "reference"
            }
            AttributeKind::Complex(subs) => {
                document.insert("subAttributes".into(), subs.iter().map(Self::document).collect());
                "complex"
            }
        };
        if !self.canonical.is_empty() {
            document.insert("canonicalValues".into(), json!(self.canonical));
        }
        let mutability = match self.mutability {
            Mutability::ReadOnly => "readOnly",
            Mutability::ReadWrite => "readWrite",
        };
        for (name, value) in [
            ("name", json!(self.name)),
            ("description", json!(self.description)),
            ("type", json!(kind)),
            ("multiValued", json!(self.multi_valued)),
            ("required", json!(self.required)),
            ("caseExact", json!(self.case_exact)),
            ("mutability", json!(mutability)),
            ("returned", json!(if self.always { "always" } else { "default" })),
            ("uniqueness", json!(if self.unique { "server" } else { "none" })),
        ] {
            document.insert(name.into(), value);
        }
        document.into()
    }
}
