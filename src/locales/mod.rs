//! What mails and pages say, in every language: one file of texts each, in the syntax of [Fluent](https://projectfluent.org/fluent/guide/).
//!
//! A text is declared in `text.rs` with the arguments it is filled in with, and stands in each language's file under the same id:
//! `invitation-mail.subject` is the attribute `.subject` of `invitation-mail`. Where words depend on a count, a text selects by it
//! (`{ $count -> [one] … *[other] … }`); counts are passed as numbers for that.

mod catalog;
mod text;

pub(crate) use text::LocalizedText;

#[cfg(test)]
mod tests;
