//! Enums that are text in the database and in JSON, by one declaration.

use super::DbError;

/// Declares an enum whose variants have one name each in the database, in JSON and in the OpenAPI document. A row with another text is an
/// error, never a default.
macro_rules! text_enum {
    ($(#[$meta:meta])* $visibility:vis enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:tt),+ $(,)? }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        $(#[$meta])*
        $visibility enum $name {
            $($(#[$variant_meta])* $variant),+
        }

        impl $name {
            /// The name in the database. In JSON it is the variant's name in snake case.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::db::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    other => Err($crate::db::UnknownName { kind: stringify!($name), name: other.to_owned() }),
                }
            }
        }

        $crate::db::text_enum!(@store sqlx::Sqlite, $name);
        $crate::db::text_enum!(@store sqlx::Postgres, $name);
    };
    (@store $engine:ty, $name:ident) => {
        impl sqlx::Type<$engine> for $name {
            fn type_info() -> <$engine as sqlx::Database>::TypeInfo {
                <String as sqlx::Type<$engine>>::type_info()
            }

            fn compatible(info: &<$engine as sqlx::Database>::TypeInfo) -> bool {
                <String as sqlx::Type<$engine>>::compatible(info)
            }
        }

        impl sqlx::Encode<'_, $engine> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut <$engine as sqlx::Database>::ArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <String as sqlx::Encode<'_, $engine>>::encode(self.as_str().to_owned(), buffer)
            }
        }

        impl<'r> sqlx::Decode<'r, $engine> for $name {
            fn decode(value: <$engine as sqlx::Database>::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                Ok(<&str as sqlx::Decode<'r, $engine>>::decode(value)?.parse()?)
            }
        }
    };
}
pub(crate) use text_enum;

/// A text in the database that names no variant: written by a later version, or by hand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no {kind}")]
pub struct UnknownName {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
}

impl From<UnknownName> for DbError {
    fn from(error: UnknownName) -> Self {
        Self::Statement(sqlx::Error::Decode(Box::new(error)))
    }
}

#[cfg(test)]
mod tests {
    text_enum! {
        enum Fruit { Apple = "apple", RipePear = "ripe_pear", Colored = "coloured" }
    }

    #[test]
    fn json_has_the_name_of_the_variant_and_an_unknown_name_is_an_error() {
        assert_eq!("ripe_pear".parse(), Ok(Fruit::RipePear));
        assert_eq!(serde_json::to_value([Fruit::RipePear, Fruit::Colored]).unwrap(), serde_json::json!(["ripe_pear", "colored"]));
        assert_eq!("plum".parse::<Fruit>().unwrap_err().to_string(), "\"plum\" is no Fruit");
        assert_eq!((Fruit::Apple.as_str(), Fruit::Colored.as_str()), ("apple", "coloured"), "rows keep an older spelling");
    }
}
