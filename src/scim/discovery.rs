//! What a directory asks first: what this service can do, which resources there are and what they look like (RFC 7643, sections 5
//! to 7).

use serde_json::{Value, json};

use super::resources::{GROUP, USER};

/// Most resources of one answer.
pub const MAX_RESULTS: usize = 200;

/// `ServiceProviderConfig`.
#[must_use]
pub fn service_provider_config(base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": MAX_RESULTS },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "OAuth Bearer Token", "primary": true,
            "description": "A token of the instance, made by an admin at POST /v1/instance/scim-tokens",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig") },
    })
}

/// The resource types, by name.
#[must_use]
pub fn resource_types(base: &str) -> Vec<(&'static str, Value)> {
    [(&USER, "/Users"), (&GROUP, "/Groups")]
        .into_iter()
        .map(|(schema, endpoint)| {
            let document = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
                "id": schema.name, "name": schema.name, "description": schema.description, "endpoint": endpoint, "schema": schema.id,
                "meta": { "resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{}", schema.name) },
            });
            (schema.name, document)
        })
        .collect()
}

/// The schemas, by URI.
#[must_use]
pub fn schemas(base: &str) -> Vec<(&'static str, Value)> {
    [&USER, &GROUP].into_iter().map(|schema| (schema.id, schema.document(&format!("{base}/Schemas/{}", schema.id)))).collect()
}
