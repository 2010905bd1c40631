use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;

use crate::clock::monotonic_now;

/// The addresses found, and the texts in which there is none.
fn list_addresses(text: &str) -> Vec<String> {
    let entries = read_addresses(text);
    entries.into_iter().map(|entry| entry.read.map_or_else(|_| format!("!{}", entry.text), |email| email.as_str().to_owned())).collect()
}

fn named(text: &str) -> Vec<(String, String)> {
    let entries = read_addresses(text).into_iter();
    entries.map(|entry| (entry.read.unwrap().as_str().to_owned(), entry.name.unwrap_or_default())).collect()
}

#[test]
fn a_list_is_separated_by_what_people_separate_it_with() {
    for text in [
        "a@x.com, b@y.com; c@z.com",
        "a@x.com,b@y.com;;c@z.com,",
        "a@x.com\nb@y.com\r\nc@z.com\n\n",
        "a@x.com b@y.com\tc@z.com",
        "ａ＠ｘ．ｃｏｍ、b@y.com；c@z.com。",
        "a@x.com，b@y.com\u{2028}c@z.com",
        "\u{feff}a@x\u{200b}.com,\u{a0}b@y.com ; c@z.com.",
        "<a@x.com> <b@y.com>, <c@z.com>",
        "<a@x.com, b@y.com; c@z.com>",
        "\"a@x.com\",\"b@y.com\",\"c@z.com\"",
        "\"a@x.com, b@y.com\"; 'c@z.com'",
        "“a@x.com”; ‘b@y.com’; `c@z.com`",
        "mailto:a@x.com,b@y.com;MAILTO:c@z.com?subject=Hi",
        "To: a@x.com, b@y.com; Cc: c@z.com",
        "Team: a@x.com, b@y.com, c@z.com;",
        "• a@x.com\n- b@y.com\n3. c@z.com",
        "*a@x.com*, [b@y.com](mailto:b@y.com), {c@z.com}",
        "a@x.com <a@x.com>; b@y.com<mailto:b@y.com>; c@z.com [mailto:c@z.com]",
        "E-mail:a@x.com | b@y.com | c@z.com",
        "a@x.com (a (very) nice, helpful one), b@y.com (was b@old.example); c@z.com",
        "Ann (a@x.com), Bo (b@y.com), Cy (c@z.com)",
    ] {
        assert_eq!(list_addresses(text), ["a@x.com", "b@y.com", "c@z.com"], "{text:?}");
    }
}

#[test]
fn names_come_along() {
    let text = "Ann Lee <a@x.com>, \"Bo, Jr\" <b@y.com>; Lind, Cy <c@z.com>; d@w.com Di Ray\nＥｖａ ＜e@v.com＞; 'Fay' f@u.com";
    let expected = [
        ("a@x.com", "Ann Lee"),
        ("b@y.com", "Bo, Jr"),
        ("c@z.com", "Lind, Cy"),
        ("d@w.com", "Di Ray"),
        ("e@v.com", "Eva"),
        ("f@u.com", "Fay"),
    ];
    assert_eq!(named(text), expected.map(|(email, name)| (email.to_owned(), name.to_owned())));
}

#[test]
fn a_name_is_split_into_first_and_last() {
    let split = |name| {
        let (first, last) = split_name(name);
        (first.unwrap_or_default(), last.unwrap_or_default())
    };
    assert_eq!(split("Ann Marie Lee"), ("Ann Marie".into(), "Lee".into()));
    assert_eq!(split("Lind, Cy"), ("Cy".into(), "Lind".into()));
    assert_eq!(split("田中太郎"), ("田中太郎".into(), String::new()));
}

#[test]
fn what_is_no_address_is_an_entry_that_says_so() {
    for (text, shown, why) in [
        ("no address", "no address", NoEmailAddress::NoAt),
        ("", "", NoEmailAddress::Empty),
        (" ;,\n", ";,", NoEmailAddress::Empty),
        ("john @ x.com", "john @ x.com", NoEmailAddress::Local),
        ("Ann <ann>", "Ann <ann>", NoEmailAddress::NoAt),
        ("a@b@c.com", "a@b@c.com", NoEmailAddress::Local),
        ("ann@localhost", "ann@localhost", NoEmailAddress::Domain),
        ("ann@x.c\0m", "ann@x.c\0m", NoEmailAddress::Unprintable),
    ] {
        let entries = read_addresses(text);
        assert_eq!(entries.len(), 1, "{entries:?}");
        assert_eq!((entries[0].text.as_str(), &entries[0].read), (shown, &Err(why)), "{text:?}");
    }
    assert_eq!(list_addresses("a@x.com, nobody; Smith, John\n(a comment)\nb@y.com"), ["a@x.com", "!nobody", "!Smith", "!John", "b@y.com"]);
}

#[test]
fn nothing_that_is_not_closed_swallows_the_rest() {
    for open in ["\"", "(", "<", "((", "“", "\"<("] {
        let text = format!("{open}a@x.com, b@y.com\nc@z.com");
        assert_eq!(list_addresses(&text), ["a@x.com", "b@y.com", "c@z.com"], "{text:?}");
    }
}

/// Looking for an end that never comes from each opening would take a million times a million steps.
#[test]
fn a_megabyte_of_openings_is_one_entry_cut_short() {
    for open in ["(", "\"", "<", "(\"<"] {
        let entries = read_addresses(&open.repeat(1_000_000 / open.len()));
        assert_eq!((entries.len(), entries[0].text.chars().count()), (1, MAX_TEXT_LENGTH), "{open}");
        assert_eq!(entries[0].read, Err(NoEmailAddress::Empty), "{open}");
    }
}

fn address() -> impl Strategy<Value = String> {
    "[a-z0-9][a-z0-9.+_-]{0,10}[a-z0-9]@[a-z0-9]{1,10}\\.[a-z]{2,4}"
        .prop_filter("two dots in a row are no address", |text| !text.contains(".."))
}

/// An address as somebody may write it.
fn written() -> impl Strategy<Value = (String, String)> {
    let name = "[A-Z][a-z]{0,8}( [A-Z][a-z]{1,8})?";
    (address(), name, 0..9_u8).prop_map(|(address, name, way)| {
        let text = match way {
            0 => address.clone(),
            1 => format!("{name} <{address}>"),
            2 => format!("\"{name}\" <{address}>"),
            3 => format!("<{address}>"),
            4 => format!("mailto:{address}"),
            5 => format!("{address} ({name})"),
            6 => format!("'{address}'."),
            7 => format!("{name} [mailto:{address}]"),
            _ => format!("\"{address}\""),
        };
        (address, text)
    })
}

fn list() -> impl Strategy<Value = (Vec<String>, String)> {
    let separators = prop::sample::select(vec![", ", ";", "\n", "\r\n", " ; ", "；", "，", "、", ",\n", "\n\n"]);
    prop::collection::vec((written(), separators), 1..20).prop_map(|parts| {
        let text = parts.iter().map(|((_, text), separator)| format!("{text}{separator}")).collect();
        (parts.into_iter().map(|((address, _), _)| address).collect(), text)
    })
}

/// Text made of what means something to the reader, and of anything else.
fn noise() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[\"'<>()\\[\\],;:@. \\n\\t|*?%]{1,4}",
        2 => address(),
        1 => "\\PC{0,12}",
        1 => any::<char>().prop_map(String::from),
        1 => prop::sample::select(vec!["mailto:", "＠", "、", "“", "\u{200b}", "To: ", "Smith, John <"]).prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// What holds for every text.
fn check(text: &str) -> Result<(), TestCaseError> {
    let entries = read_addresses(text);
    prop_assert!(!entries.is_empty());
    let mut addresses = Vec::new();
    for entry in &entries {
        prop_assert!(entry.text.chars().count() <= MAX_TEXT_LENGTH);
        if let Some(name) = &entry.name {
            prop_assert!(!name.is_empty() && name.chars().count() <= 2 * MAX_NAME_LENGTH && !name.contains(char::is_control));
            let (first, last) = split_name(name);
            prop_assert!(first.iter().chain(&last).all(|part| part.chars().count() <= MAX_NAME_LENGTH));
        }
        if let Ok(email) = &entry.read {
            prop_assert_eq!(&EmailAddress::parse(email.as_str()), &entry.read);
            addresses.push(email.as_str().to_owned());
        }
    }
    // What was found is found again when written plainly, one a line.
    let plainly: Vec<_> = addresses.iter().filter(|one| !one.contains(['"', '(', ')', '<', '>', ',', ';', '\''])).cloned().collect();
    if !plainly.is_empty() {
        prop_assert_eq!(list_addresses(&plainly.join("\n")), plainly);
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_address_of_a_list_is_found_in_its_order((addresses, text) in list()) {
        prop_assert_eq!(list_addresses(&text), addresses, "{:?}", text);
    }

    #[test]
    fn no_text_makes_it_panic(text in noise()) {
        check(&text)?;
    }
}

/// The texts that are worth keeping: what people pasted, and what once went wrong.
fn seeds() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/address_lists");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn the_texts_kept_are_read() {
    for text in seeds() {
        check(&text).unwrap();
    }
}

/// Runs for `FUZZ_SECONDS`, 10 unless given, with texts made up and texts kept that are cut and spliced.
#[test]
#[ignore = "runs as long as FUZZ_SECONDS says: cargo test --lib addresses -- --ignored --nocapture"]
fn no_text_makes_it_panic_for_as_long_as_there_is_time() {
    let seconds = std::env::var("FUZZ_SECONDS").map_or(10, |text| text.parse().unwrap());
    let (deadline, mut rounds, seeds) = (monotonic_now() + Duration::from_secs(seconds), 0_u64, seeds());
    while monotonic_now() < deadline {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&(rounds + 1).to_le_bytes());
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let config = Config { cases: 1000, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, random);
        let cut = |text: &String, at: prop::sample::Index| text.chars().take(at.index(text.chars().count() + 1)).collect::<String>();
        let spliced = (prop::sample::select(seeds.clone()), any::<prop::sample::Index>(), noise(), prop::sample::select(seeds.clone()));
        let strategy = prop_oneof![noise(), spliced.prop_map(move |(head, at, noise, tail)| format!("{}{noise}{tail}", cut(&head, at)))];
        runner.run(&strategy, |text| check(&text)).unwrap_or_else(|error| panic!("round {rounds}: {error}"));
        rounds += 1;
    }
    println!("{} texts in {seconds} s, none of which panicked", rounds * 1000);
}
