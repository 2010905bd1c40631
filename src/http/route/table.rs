//! What the service knows of its routes, derived from their declarations.

use std::collections::HashMap;

use crate::permissions::Access;

/// The methods a route can have.
pub const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// Makes the last parameter of a pattern match the rest of the path, slashes included. The OpenAPI document can't say so.
const TAIL: &str = ":.*";

/// One method of a route.
#[derive(Debug, Clone)]
pub struct RouteRule {
    /// HTTP method.
    pub method: &'static str,
    /// Route pattern, as the router knows it.
    pub pattern: String,
    /// Whom it lets in.
    pub access: Access,
    /// Requests may carry an `Idempotency-Key`.
    pub is_idempotent: bool,
    /// Requests carry a file, which may be on its way for long.
    pub is_upload: bool,
    /// It stands in the OpenAPI document.
    pub is_documented: bool,
    /// The names of its query parameters.
    pub query_parameters: Vec<String>,
}

impl RouteRule {
    /// The rule of a route that is documented and has nothing special about it.
    #[must_use]
    pub fn new(method: &'static str, pattern: impl Into<String>, access: Access) -> Self {
        Self {
            method,
            pattern: pattern.into(),
            access,
            is_idempotent: false,
            is_upload: false,
            is_documented: true,
            query_parameters: Vec::new(),
        }
    }

    /// Whether its last parameter is the rest of the path, which is a vendor's.
    #[must_use]
    pub fn has_tail(&self) -> bool {
        self.pattern.contains(TAIL)
    }

    /// The pattern as the OpenAPI document writes it.
    #[must_use]
    pub fn document_path(&self) -> String {
        self.pattern.replace(TAIL, "")
    }
}

/// Every route.
#[derive(Debug)]
pub struct RouteTable {
    rules: &'static [RouteRule],
    by_pattern: HashMap<&'static str, Vec<(usize, &'static RouteRule)>>,
}

impl RouteTable {
    /// The table of these rules, which stay in memory for as long as the process lives.
    #[must_use]
    pub fn new(rules: Vec<RouteRule>) -> Self {
        let rules: &'static [RouteRule] = rules.leak();
        let mut by_pattern: HashMap<&'static str, Vec<(usize, &'static RouteRule)>> = HashMap::new();
        for (number, rule) in rules.iter().enumerate() {
            by_pattern.entry(&rule.pattern).or_default().push((number, rule));
        }
        Self { rules, by_pattern }
    }

    /// The rules, in the order in which the router tries them.
    #[must_use]
    pub fn rules(&self) -> &'static [RouteRule] {
        self.rules
    }

    /// The rule of an operation of the OpenAPI document.
    #[must_use]
    pub fn rule_of_operation(&self, method: &str, document_path: &str) -> Option<&'static RouteRule> {
        self.rules.iter().find(|rule| rule.method == method && rule.document_path() == document_path)
    }

    /// The rules of a pattern, each with its number in the table.
    pub(super) fn rules_of_pattern(&'static self, pattern: &str) -> Option<(&'static str, &'static [(usize, &'static RouteRule)])> {
        self.by_pattern.get_key_value(pattern).map(|(pattern, rules)| (*pattern, rules.as_slice()))
    }
}
