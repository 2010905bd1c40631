use serde::{Deserialize, Deserializer};

/// What a request does to a value that there need not be: left out, null, or another value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FieldChange<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is taken away.
    Clear,
    Set(T),
}

impl<T> FieldChange<T> {
    /// The value after the change.
    pub fn apply(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }

    /// The same with another form of the value.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> FieldChange<U> {
        match self {
            Self::Keep => FieldChange::Keep,
            Self::Clear => FieldChange::Clear,
            Self::Set(value) => FieldChange::Set(convert(value)),
        }
    }
}

impl<T> From<Option<T>> for FieldChange<T> {
    /// Makes the value this one, or takes it away.
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for FieldChange<T> {
    /// For a field with `#[serde(default)]`, which makes what is left out [`FieldChange::Keep`].
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Option::deserialize(input).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Request {
        #[serde(default)]
        name: FieldChange<String>,
    }

    #[test]
    fn a_field_that_is_left_out_stays_and_null_takes_it_away() {
        let after = |json: &str| serde_json::from_str::<Request>(json).unwrap().name.apply(Some("Ann".into()));
        assert_eq!(after("{}").as_deref(), Some("Ann"));
        assert_eq!(after(r#"{"name": null}"#), None);
        assert_eq!(after(r#"{"name": "Bo"}"#).as_deref(), Some("Bo"));
    }
}
