//! Members as users: how one is shown, and what a directory wants one to be.

use serde_json::{Map, Value, json};

use super::directory_attributes::DirectoryAttributes;
use super::protocol::{ScimRefusal, reading};
use super::resources::USER;
use super::store::ScimUserRow;
use super::version_of;
use crate::auth::Role;
use crate::display_name::{DisplayName, is_unreadable};
use crate::ids::TeamId;
use crate::members::{EmailAddress, Member, MemberState};

/// Most characters of a user name, an external id or a display name.
const MAX_TEXT_LENGTH: usize = 256;

/// A member with the teams and what a directory says.
#[derive(Debug, Clone)]
pub(super) struct ScimUser {
    pub member: Member,
    /// Id and name of each.
    pub teams: Vec<(TeamId, String)>,
    /// None for who was not made by a directory.
    pub row: Option<ScimUserRow>,
}

impl ScimUser {
    /// Whether the person may use the instance, or could after activating.
    pub(super) fn is_active(&self) -> bool {
        match self.member.state {
            MemberState::Active => true,
            MemberState::Invited => !self.row.as_ref().is_some_and(|row| row.held),
            MemberState::Deactivated => false,
        }
    }

    pub(super) fn user_name(&self) -> &str {
        self.row.as_ref().map_or(self.member.email.as_str(), |row| &row.user_name)
    }

    /// The resource; `base` is the address of `/scim/v2`.
    pub(super) fn resource(&self, base: &str) -> Value {
        let member = &self.member;
        let usual = DirectoryAttributes {
            email_type: Some("work".into()),
            email_primary: Some(true),
            active: true,
            roles: true,
            ..DirectoryAttributes::default()
        };
        let given = self.row.as_ref().map_or(&usual, |row| &row.given.0);
        let mut email = Map::new();
        email.insert("value".into(), json!(member.email.as_str()));
        email.extend(given.email_type.iter().map(|kind| ("type".into(), json!(kind))));
        email.extend(given.email_primary.iter().map(|primary| ("primary".into(), json!(primary))));
        let mut resource = Map::new();
        let mut put = |name: &str, value: Value| drop(resource.insert(name.to_owned(), value));
        put("schemas", json!([USER.id]));
        put("id", json!(member.id));
        put("userName", json!(self.user_name()));
        put("emails", json!([email]));
        if let Some(external_id) = self.row.as_ref().and_then(|row| row.external_id.as_ref()) {
            put("externalId", json!(external_id));
        }
        let names: Map<_, _> = [("givenName", &member.first_name), ("familyName", &member.last_name)]
            .into_iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| (name.to_owned(), json!(value))))
            .collect();
        if !names.is_empty() {
            put("name", names.into());
        }
        if let Some(display_name) = &given.display_name {
            put("displayName", json!(display_name));
        }
        if given.active || !self.is_active() {
            put("active", json!(self.is_active()));
        }
        if given.roles || member.role == Role::Admin {
            let mut role = Map::new();
            role.insert("value".into(), json!(member.role));
            role.extend(given.role_primary.iter().map(|primary| ("primary".into(), json!(primary))));
            put("roles", json!([role]));
        }
        if !self.teams.is_empty() {
            let groups: Vec<_> = self
                .teams
                .iter()
                .map(|(id, name)| json!({ "value": id, "$ref": format!("{base}/Groups/{id}"), "display": name }))
                .collect();
            put("groups", groups.into());
        }
        let moments = [Some(member.created_at), member.activated_at, member.deactivated_at, self.row.as_ref().map(|row| row.updated_at)];
        let modified = moments.into_iter().flatten().max();
        let version = version_of(&resource);
        resource.insert(
            "meta".into(),
            json!({
                "resourceType": "User", "created": member.created_at, "lastModified": modified, "version": version,
                "location": format!("{base}/Users/{}", member.id),
            }),
        );
        resource.into()
    }
}

/// What a directory wants a member to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ProvisionedUser {
    pub user_name: String,
    pub external_id: Option<String>,
    pub first_name: Option<DisplayName>,
    pub last_name: Option<DisplayName>,
    pub email: EmailAddress,
    /// None when it is not said.
    pub active: Option<bool>,
    /// None when it is not said.
    pub role: Option<Role>,
    pub given: DirectoryAttributes,
}

impl ProvisionedUser {
    /// Reads a whole user. Without e-mail address, a user name that is one stands for it.
    ///
    /// # Errors
    /// [`ScimRefusal::InvalidSyntax`]; [`ScimRefusal::InvalidValue`] naming every error.
    pub(super) fn read(body: &Value) -> Result<Self, ScimRefusal> {
        let mut body = body.clone();
        if let Some(members) = body.as_object_mut() {
            let named = |name: &str| members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone());
            let without_address = named("emails").is_none_or(|emails| emails.is_null() || emails == json!([]));
            if let (true, Some(Value::String(name))) = (without_address, named("userName"))
                && EmailAddress::parse(&name).is_ok()
            {
                members.retain(|key, _| !key.eq_ignore_ascii_case("emails"));
                members.insert("emails".into(), json!([{ "value": name }]));
            }
        }
        let read = reading::read(&USER, &body)?;
        let mut errors = Vec::new();
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let mut bounded = |path: &str, value: Option<&Value>, most: usize| {
            let text = text(value)?;
            let fits = text.chars().count() <= most && !text.chars().any(is_unreadable);
            if !fits {
                errors.push(format!(
                    "{path} has at most {most} characters, none of them a control character, line separator or mark of direction"
                ));
            }
            fits.then_some(text)
        };
        let name = |sub: &str| read.get("name").and_then(|name| name.get(sub));
        let user_name = bounded("userName", read.get("userName"), MAX_TEXT_LENGTH);
        let external_id = bounded("externalId", read.get("externalId"), MAX_TEXT_LENGTH);
        let display_name = bounded("displayName", read.get("displayName"), MAX_TEXT_LENGTH);
        let mut named = |path: &str, value: Option<&Value>| {
            let read = DisplayName::parse(&text(value)?);
            read.map_err(|error| errors.push(format!("{path} can't be used: {error}"))).ok()
        };
        let first_name = named("name.givenName", name("givenName"));
        let last_name = named("name.familyName", name("familyName"));
        if user_name.is_none() && errors.is_empty() {
            errors.push("userName is empty".into());
        }
        let emails = read.get("emails").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let chosen = emails
            .iter()
            .find(|email| email["primary"] == true)
            .or_else(|| emails.iter().find(|email| email["type"] == "work"))
            .or_else(|| emails.first());
        let email = chosen.and_then(|email| email["value"].as_str()).map(EmailAddress::parse);
        if let Some(Err(error)) = &email {
            errors.push(format!("emails.value can't be used: {error}"));
        }
        let roles = read.get("roles").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let role = roles.first().and_then(|role| role["value"].as_str()).and_then(|text| text.parse::<Role>().ok());
        if roles.iter().any(|other| other["value"].as_str().and_then(|text| text.parse::<Role>().ok()) != role) {
            errors.push("roles holds one role, admin or user".into());
        }
        let active = read.get("active").and_then(Value::as_bool);
        let given = DirectoryAttributes {
            display_name,
            email_type: chosen.and_then(|email| text(email.get("type"))),
            email_primary: chosen.and_then(|email| email.get("primary")).and_then(Value::as_bool),
            role_primary: roles.first().and_then(|role| role.get("primary")).and_then(Value::as_bool),
            active: active.is_some(),
            roles: role.is_some(),
        };
        match (errors.is_empty(), user_name, email) {
            (true, Some(user_name), Some(Ok(email))) => {
                Ok(Self { user_name, external_id, first_name, last_name, email, active, role, given })
            }
            _ => Err(ScimRefusal::InvalidValue(errors.join("; "))),
        }
    }
}
