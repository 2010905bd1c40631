//! The catalog is complete. Each error names the language and the text.

use std::collections::{BTreeMap, BTreeSet};

use fluent_bundle::FluentArgs;
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};

use super::catalog::{Catalog, Catalogs};
use super::text::LocalizedText;
use crate::language::Language;

type Patterns = BTreeMap<String, Pattern<&'static str>>;

/// The texts of a catalog file with their ids, in its order.
fn texts(language: Language) -> Vec<(String, Pattern<&'static str>)> {
    let resource = fluent_syntax::parser::parse(language.catalog_source()).unwrap_or_else(|(partly, _)| partly);
    let messages = resource.body.into_iter().filter_map(|entry| if let Entry::Message(message) = entry { Some(message) } else { None });
    let with_id = messages.flat_map(|message| {
        let attributes = message.attributes.into_iter().map(move |one| (format!("{}.{}", message.id.name, one.id.name), one.value));
        message.value.map(|value| (message.id.name.to_owned(), value)).into_iter().chain(attributes)
    });
    with_id.collect()
}

fn patterns(language: Language) -> Patterns {
    texts(language).into_iter().collect()
}

/// The arguments that a text is filled in with, whatever it selects.
fn arguments(pattern: &Pattern<&'static str>) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    collect_of_pattern(pattern, &mut found);
    found
}

fn collect_of_pattern(pattern: &Pattern<&'static str>, into: &mut BTreeSet<&'static str>) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            collect_of_expression(expression, into);
        }
    }
}

fn collect_of_expression(expression: &Expression<&'static str>, into: &mut BTreeSet<&'static str>) {
    match expression {
        Expression::Inline(inline) => collect_of_inline(inline, into),
        Expression::Select { selector, variants } => {
            collect_of_inline(selector, into);
            variants.iter().for_each(|variant| collect_of_pattern(&variant.value, into));
        }
    }
}

fn collect_of_inline(inline: &InlineExpression<&'static str>, into: &mut BTreeSet<&'static str>) {
    match inline {
        InlineExpression::VariableReference { id } => drop(into.insert(id.name)),
        InlineExpression::Placeable { expression } => collect_of_expression(expression, into),
        InlineExpression::FunctionReference { arguments, .. } => {
            arguments
                .positional
                .iter()
                .chain(arguments.named.iter().map(|named| &named.value))
                .for_each(|one| collect_of_inline(one, into));
        }
        _ => {}
    }
}

/// What stands in a text apart from its arguments.
fn words(pattern: &Pattern<&'static str>) -> String {
    let text = |element: &PatternElement<&'static str>| match element {
        PatternElement::TextElement { value } => *value,
        PatternElement::Placeable { .. } => "",
    };
    pattern.elements.iter().map(text).collect()
}

/// Fails with all errors at once, so that whoever adds a language sees what is left to do.
fn assert_none(errors: impl IntoIterator<Item = String>) {
    let errors: Vec<_> = errors.into_iter().collect();
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
}

#[test]
fn every_catalog_file_can_be_read() {
    assert_none(Language::ALL.into_iter().flat_map(|language| {
        let (catalog, errors) = Catalog::parse(language, language.catalog_source());
        assert_eq!(catalog.locale(), language.as_str(), "plurals follow the language's own rules");
        errors.into_iter().map(move |error| format!("{}: {error}", language.as_str()))
    }));
}

#[test]
fn each_language_has_every_text_and_no_other() {
    let declared: BTreeSet<_> = LocalizedText::DECLARED.iter().map(|(id, _)| (*id).to_owned()).collect();
    assert_eq!(declared.len(), LocalizedText::DECLARED.len(), "each id is declared once");
    assert_none(Language::ALL.into_iter().flat_map(|language| {
        let mut found = BTreeSet::new();
        let twice: Vec<_> = texts(language).into_iter().filter_map(|(id, _)| found.replace(id)).collect();
        let twice = twice.iter().map(|id| format!("{}: {id} stands twice", language.as_str()));
        let missing = declared.difference(&found).map(|id| format!("{}: {id} is missing", language.as_str()));
        let unknown = found.difference(&declared).map(|id| format!("{}: {id} is not declared in text.rs", language.as_str()));
        twice.chain(missing).chain(unknown).collect::<Vec<_>>()
    }));
}

#[test]
fn a_text_takes_the_same_arguments_in_every_language() {
    let all = Language::ALL.map(|language| (language, patterns(language)));
    let mut errors = Vec::new();
    for (id, declared) in LocalizedText::DECLARED {
        let in_languages: Vec<_> = all.iter().filter_map(|(language, patterns)| Some((*language, arguments(patterns.get(*id)?)))).collect();
        // English repeats what a problem says. The other languages have words of their own for it, all of them with or all without it.
        let is_problem = id.starts_with("problem-");
        let of_others = in_languages.iter().find(|(language, _)| *language != Language::En).map(|(_, arguments)| arguments.clone());
        let declared: BTreeSet<_> = declared.iter().copied().collect();
        for (language, found) in &in_languages {
            let expected = if is_problem && *language != Language::En { of_others.as_ref().unwrap_or(&declared) } else { &declared };
            if found != expected || !found.is_subset(&declared) {
                errors.push(format!("{}: {id} takes {found:?}, not {expected:?}", language.as_str()));
            }
        }
    }
    assert_none(errors);
}

#[test]
fn every_text_can_be_filled_in() {
    assert_none(Language::ALL.into_iter().flat_map(|language| {
        let (catalog, _) = Catalog::parse(language, language.catalog_source());
        let can_be_filled_in = move |(id, arguments): &(&str, &[&'static str])| {
            let arguments: FluentArgs<'_> = arguments.iter().map(|name| (*name, 1)).collect();
            catalog.render(id, &arguments).is_some_and(|text| !text.trim().is_empty() && !text.contains(['{', '}']))
        };
        let unfit = LocalizedText::DECLARED.iter().filter(move |declared| !can_be_filled_in(declared));
        unfit.map(move |(id, _)| format!("{}: {id} can't be filled in", language.as_str()))
    }));
}

#[test]
fn a_text_stands_on_one_line() {
    // A mail's subject is a line, and so is each paragraph.
    assert_none(Language::ALL.into_iter().flat_map(|language| {
        let broken = patterns(language).into_iter().filter(|(_, pattern)| words(pattern).contains(char::is_control));
        broken.map(move |(id, _)| format!("{}: {id} has several lines", language.as_str()))
    }));
}

#[test]
fn no_language_leaves_a_text_in_english() {
    let english = patterns(Language::En);
    assert_none(Language::ALL.into_iter().filter(|language| *language != Language::En).flat_map(|language| {
        let has_words = |pattern: &Pattern<_>| words(pattern).contains(char::is_alphabetic);
        let untold = patterns(language).into_iter().filter(|(id, pattern)| has_words(pattern) && english.get(id) == Some(pattern));
        untold.map(move |(id, _)| format!("{}: {id} is in English", language.as_str())).collect::<Vec<_>>()
    }));
}

#[test]
fn each_language_tells_every_problem_by_a_title_of_its_own() {
    assert_none(Language::ALL.into_iter().filter(|language| *language != Language::En).flat_map(|language| {
        let mut seen = BTreeMap::new();
        let titles = patterns(language).into_iter().filter(|(id, _)| id.starts_with("problem-") && id.ends_with(".title"));
        let repeated = titles.filter_map(|(id, title)| Some((seen.insert(words(&title), id.clone())?, id)));
        repeated.map(|(first, second)| format!("{}: {second} says what {first} does", language.as_str())).collect::<Vec<_>>()
    }));
}

fn catalogs(english: &str, german: &str) -> Catalogs {
    Catalogs(vec![Catalog::parse(Language::En, english).0, Catalog::parse(Language::De, german).0])
}

#[test]
fn a_text_that_a_language_lacks_is_shown_in_english() {
    let catalogs = catalogs("page =\n    .title = Title of { $name }\n", "page =\n    .other = Anderes\n");
    let named: FluentArgs<'_> = [("name", "Ann")].into_iter().collect();
    assert_eq!(catalogs.render(Language::De, "page.title", &named), "Title of Ann");
    assert_eq!(catalogs.render(Language::De, "page.other", &named), "Anderes");
    assert_eq!(catalogs.render(Language::Fr, "page.title", &named), "Title of Ann");
    assert_eq!(catalogs.render(Language::De, "page.lost", &named), "page.lost");
}

#[test]
fn a_text_that_needs_other_arguments_is_shown_in_english() {
    let catalogs = catalogs("greeting = Hello { $name }\n", "greeting = Hallo { $nme }\nhalf = { $name\n");
    let named: FluentArgs<'_> = [("name", "{ $nme }")].into_iter().collect();
    assert_eq!(catalogs.render(Language::De, "greeting", &named), "Hello { $nme }");
    assert_eq!(catalogs.render(Language::De, "half", &named), "half");
}

#[test]
fn a_count_selects_the_words_that_the_language_has_for_it() {
    let people = "people = { $count ->\n    [one] { $count } Person\n   *[other] { $count } Personen\n}\n";
    let catalogs = catalogs("", people);
    let counted = |count: i64| catalogs.render(Language::De, "people", &[("count", count)].into_iter().collect());
    assert_eq!([counted(1), counted(2), counted(1_234_567)], ["1 Person", "2 Personen", "1234567 Personen"]);
}
