//! Faults that a test orders for the next matching requests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::listeners::SandboxVendor;

/// One ordered fault.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InjectedFault {
    /// The vendor that misbehaves.
    pub target: SandboxVendor,
    /// Only requests whose path contains this text; every request of the target when empty.
    #[serde(default)]
    pub path_contains: String,
    /// Only this HTTP method, when given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// How many requests suffer it.
    #[serde(default = "default_times")]
    pub times: u32,
    #[serde(flatten)]
    pub kind: FaultKind,
}

fn default_times() -> u32 {
    1
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// The answer comes this many milliseconds later, in real time.
    Delay { ms: u64 },
    /// The request is carried out, but the connection ends after so many bytes of the answer's body.
    Cut { after_bytes: usize },
    /// The status of a finished export shows a checksum that isn't the file's.
    WrongChecksum,
    /// Marketo's error in its usual form: `success:false` in a 200 answer.
    MarketoError { code: String, message: Option<String> },
    /// Salesforce's error array.
    SalesforceError { status: u16, error_code: String, message: Option<String> },
    /// A bare HTTP status, with a body and headers if wanted; the request is not carried out.
    HttpStatus {
        status: u16,
        body: Option<Value>,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// Every token given out so far is no longer valid.
    ExpireSessions,
    /// A row with too many columns in the next file or page.
    MalformedRow,
    /// A field of so many bytes in the next file or page.
    OversizeLine { bytes: usize },
    /// The next export or query job that ends fails.
    FailJob,
    /// Each row of the next file or page comes twice.
    RepeatRows,
}

impl FaultKind {
    /// Whether it changes rows while a file or page is written.
    pub fn corrupts_rows(&self) -> bool {
        matches!(self, Self::MalformedRow | Self::OversizeLine { .. } | Self::RepeatRows)
    }

    /// Whether it strikes before a request reaches its handler.
    pub fn strikes_before_handler(&self) -> bool {
        !self.corrupts_rows() && !matches!(self, Self::WrongChecksum | Self::FailJob)
    }
}

impl InjectedFault {
    /// Whether this request is to suffer it.
    pub fn matches(&self, vendor: SandboxVendor, method: &str, path: &str) -> bool {
        self.target == vendor
            && path.contains(&self.path_contains)
            && self.method.as_deref().is_none_or(|expected| expected.eq_ignore_ascii_case(method))
    }
}
