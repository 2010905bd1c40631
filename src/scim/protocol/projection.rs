//! Partial answers (RFC 7644, section 3.9): the attributes that were asked for, or all but some.

use serde_json::{Map, Value};

use super::ScimRefusal;
use super::schema::{Attribute, Schema};

/// Which attributes an answer holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Projection {
    #[default]
    All,
    Only(Vec<Path>),
    Without(Vec<Path>),
}

/// An attribute, or one of its sub-attributes, by names in the case that was asked in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    name: String,
    sub: Option<String>,
}

impl Path {
    /// Reads `name`, `name.sub`, or either behind the URI of a schema. What no schema knows asks for nothing.
    fn read(text: &str) -> Self {
        let plain = match text.rsplit_once(':') {
            Some((_, plain)) => plain,
            None => text,
        };
        match plain.split_once('.') {
            Some((name, sub)) => Self { name: name.to_owned(), sub: Some(sub.to_owned()) },
            None => Self { name: plain.to_owned(), sub: None },
        }
    }

    fn names(&self, attribute: &Attribute) -> bool {
        self.name.eq_ignore_ascii_case(attribute.name)
    }
}

impl Projection {
    /// What `attributes` and `excludedAttributes` ask for.
    ///
    /// # Errors
    /// [`ScimRefusal::InvalidValue`] when both are given.
    pub fn from_attributes<'a>(
        only: impl IntoIterator<Item = &'a str>,
        without: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ScimRefusal> {
        let read = |texts: &mut dyn Iterator<Item = &'a str>| -> Vec<Path> {
            texts.map(str::trim).filter(|text| !text.is_empty()).map(Path::read).collect()
        };
        match (read(&mut only.into_iter()), read(&mut without.into_iter())) {
            (only, without) if !only.is_empty() && !without.is_empty() => {
                Err(ScimRefusal::InvalidValue("send attributes or excludedAttributes, not both".into()))
            }
            (only, _) if !only.is_empty() => Ok(Self::Only(only)),
            (_, without) if !without.is_empty() => Ok(Self::Without(without)),
            _ => Ok(Self::All),
        }
    }

    /// The resource with what was asked for. What is always returned stays.
    #[must_use]
    pub fn of_resource(&self, schema: &Schema, resource: Value) -> Value {
        let (paths, keeping) = match self {
            Self::All => return resource,
            Self::Only(paths) => (paths, true),
            Self::Without(paths) => (paths, false),
        };
        let Value::Object(mut whole) = resource else { return resource };
        let mut answer = Map::new();
        for attribute in schema.all() {
            let Some(value) = whole.remove(attribute.name) else { continue };
            let named: Vec<_> = paths.iter().filter(|path| path.names(attribute)).collect();
            let wholly = named.iter().any(|path| path.sub.is_none());
            let subs: Vec<_> = named.iter().filter_map(|path| path.sub.as_deref()).collect();
            let projected = if attribute.always {
                Some(value)
            } else if subs.is_empty() || wholly {
                (wholly == keeping).then_some(value)
            } else {
                Some(with_subs(value, &subs, keeping))
            };
            if let Some(projected) = projected {
                answer.insert(attribute.name.to_owned(), projected);
            }
        }
        answer.into()
    }
}

fn with_subs(value: Value, subs: &[&str], keeping: bool) -> Value {
    let asked = |name: &str| subs.iter().any(|sub| sub.eq_ignore_ascii_case(name));
    match value {
        Value::Array(values) => values.into_iter().map(|value| with_subs(value, subs, keeping)).collect(),
        Value::Object(members) => members.into_iter().filter(|(name, _)| asked(name) == keeping).collect::<Map<_, _>>().into(),
        other => other,
    }
}
