//! Teams as groups: how one is shown, and what a directory wants one to be.

use serde_json::{Map, Value, json};

use super::protocol::{ScimRefusal, reading};
use super::resources::GROUP;
use super::store::GroupRow;
use super::version_of;
use crate::ids::MemberId;
use crate::members::{Team, TeamName};

/// Most members that one request may name.
const MAX_MEMBERS: usize = 10_000;

/// A team with its members and what a directory says.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub team: Team,
    pub members: Vec<MemberId>,
    pub row: Option<GroupRow>,
}

impl Group {
    /// The resource; `base` is the address of `/scim/v2`.
    pub(super) fn resource(&self, base: &str) -> Value {
        let mut resource = Map::new();
        let mut put = |name: &str, value: Value| drop(resource.insert(name.to_owned(), value));
        put("schemas", json!([GROUP.id]));
        put("id", json!(self.team.id));
        put("displayName", json!(self.team.name));
        if let Some(external_id) = self.row.as_ref().and_then(|row| row.external_id.as_ref()) {
            put("externalId", json!(external_id));
        }
        if !self.members.is_empty() {
            let members: Vec<_> =
                self.members.iter().map(|id| json!({ "value": id, "$ref": format!("{base}/Users/{id}"), "type": "User" })).collect();
            put("members", members.into());
        }
        let modified = self.row.as_ref().map_or(self.team.created_at, |row| row.updated_at.max(self.team.created_at));
        let version = version_of(&resource);
        resource.insert(
            "meta".into(),
            json!({
                "resourceType": "Group", "created": self.team.created_at, "lastModified": modified, "version": version,
                "location": format!("{base}/Groups/{}", self.team.id),
            }),
        );
        resource.into()
    }
}

/// What a directory wants a team to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ProvisionedGroup {
    pub name: TeamName,
    pub external_id: Option<String>,
    pub members: Vec<MemberId>,
}

impl ProvisionedGroup {
    /// Reads a whole group.
    ///
    /// # Errors
    /// [`ScimRefusal::InvalidSyntax`]; [`ScimRefusal::InvalidValue`] naming every error.
    pub(super) fn read(body: &Value) -> Result<Self, ScimRefusal> {
        let read = reading::read(&GROUP, body)?;
        let mut errors = Vec::new();
        let name = TeamName::parse(read.get("displayName").and_then(Value::as_str).unwrap_or_default());
        if let Err(error) = &name {
            errors.push(format!("displayName can't be used: {error}"));
        }
        let external_id = read.get("externalId").and_then(Value::as_str).map(str::to_owned);
        if external_id.as_ref().is_some_and(|id| id.chars().count() > 256 || id.contains('\0')) {
            errors.push("externalId has at most 256 characters".into());
        }
        let values = read.get("members").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if values.len() > MAX_MEMBERS {
            errors.push(format!("a request names at most {MAX_MEMBERS} members"));
        }
        let mut members = Vec::new();
        for (at, value) in values.iter().enumerate().take(MAX_MEMBERS) {
            match value["value"].as_str().and_then(|id| id.parse().ok()) {
                Some(id) if !members.contains(&id) => members.push(id),
                Some(_) => {}
                None => errors.push(format!("members[{at}].value is no id of a user")),
            }
        }
        match (name, errors.is_empty()) {
            (Ok(name), true) => Ok(Self { name, external_id, members }),
            _ => Err(ScimRefusal::InvalidValue(errors.join("; "))),
        }
    }
}
