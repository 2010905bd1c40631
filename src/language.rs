//! The languages that people are written to in.

use serde::{Deserialize, Serialize};

/// Declares [`Language`]: of each language its variant, its tag and the file of `src/locales` that holds its texts.
macro_rules! languages {
    ($($variant:ident = $tag:tt in $file:tt),+ $(,)?) => {
        /// Language of mails and pages, one of those Marketo ships in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum Language {
            $(#[serde(rename = $tag)] $variant),+
        }

        impl Language {
            /// Every language.
            pub const ALL: [Self; [$($tag),+].len()] = [$(Self::$variant),+];

            /// The tag (RFC 5646) under which it is stored and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $tag),+
                }
            }

            /// Its texts, in the syntax of Fluent.
            pub(crate) const fn catalog_source(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!($file)),+
                }
            }
        }
    };
}

languages! {
    En = "en" in "locales/en.ftl",
    De = "de" in "locales/de.ftl",
    Fr = "fr" in "locales/fr.ftl",
    Es = "es" in "locales/es.ftl",
    It = "it" in "locales/it.ftl",
    Pt = "pt" in "locales/pt.ftl",
    Ja = "ja" in "locales/ja.ftl",
    Ko = "ko" in "locales/ko.ftl",
    Zh = "zh" in "locales/zh.ftl",
}

impl Language {
    /// The language of this tag.
    #[must_use]
    pub fn read(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.as_str() == tag)
    }
}
