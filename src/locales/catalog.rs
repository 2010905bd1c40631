use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentError, FluentResource};

use crate::language::Language;

/// The texts of every language, parsed when the first one is asked for.
pub(super) static CATALOGS: LazyLock<Catalogs> = LazyLock::new(|| {
    let parsed = Language::ALL.into_iter().map(|language| Catalog::parse(language, language.catalog_source()));
    Catalogs(parsed.map(|(catalog, _)| catalog).collect())
});

/// The texts of one language.
pub(super) struct Catalog {
    language: Language,
    texts: FluentBundle<FluentResource>,
}

impl Catalog {
    /// Parses a catalog file. What can't be used is left out, and returned as errors.
    pub(super) fn parse(language: Language, source: &str) -> (Self, Vec<FluentError>) {
        let (resource, errors) = match FluentResource::try_new(source.to_owned()) {
            Ok(resource) => (resource, Vec::new()),
            Err(partly) => partly,
        };
        let mut errors: Vec<_> = errors.into_iter().map(FluentError::from).collect();
        let mut texts = FluentBundle::new_concurrent(vec![language.as_str().parse().unwrap_or_default()]);
        // Fluent would mark where an argument begins and ends, for texts of mixed direction; subjects and addresses are to be copied.
        texts.set_use_isolating(false);
        errors.extend(texts.add_resource(resource).err().into_iter().flatten());
        (Self { language, texts }, errors)
    }

    /// The text with its arguments filled in; none when it is missing or needs other arguments.
    pub(super) fn render(&self, id: &str, arguments: &FluentArgs<'_>) -> Option<String> {
        let (message, attribute) = id.split_once('.').map_or((id, None), |(message, attribute)| (message, Some(attribute)));
        let message = self.texts.get_message(message)?;
        let pattern = match attribute {
            Some(attribute) => message.get_attribute(attribute)?.value(),
            None => message.value()?,
        };
        let mut errors = Vec::new();
        let text = self.texts.format_pattern(pattern, Some(arguments), &mut errors);
        errors.is_empty().then(|| text.into_owned())
    }
}

#[cfg(test)]
impl Catalog {
    /// The language whose plural rules apply.
    pub(super) fn locale(&self) -> String {
        self.texts.locales.iter().map(ToString::to_string).collect()
    }
}

/// The texts of all languages.
pub(super) struct Catalogs(pub(super) Vec<Catalog>);

impl Catalogs {
    /// The text in a language, or in English when the language lacks it: whoever opens a link gets a page in any case. The tests beside
    /// this file see to it that no language lacks one.
    pub(super) fn render(&self, language: Language, id: &str, arguments: &FluentArgs<'_>) -> String {
        let in_language = |language| self.0.iter().find(|catalog| catalog.language == language)?.render(id, arguments);
        in_language(language).unwrap_or_else(|| {
            tracing::error!(language = language.as_str(), id, "a text is missing in the catalog");
            in_language(Language::En).unwrap_or_else(|| id.to_owned())
        })
    }
}
