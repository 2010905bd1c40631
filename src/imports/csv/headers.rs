use super::Field;
use super::languages::{HeaderLanguage, LANGUAGES};
use crate::auth::Role;

/// Most bytes of a header or a role's name.
const MAX_HEADER_LENGTH: usize = 200;

/// Lower case, letters and digits only: `E-Mail Address` and `email_address` are one name. Accents go, and full-width letters
/// become plain ones, because people type them either way.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(narrow).filter(|one| one.is_alphanumeric()).flat_map(char::to_lowercase).map(without_accent).collect()
}

/// The plain form of a full-width letter (Unicode, block Halfwidth and Fullwidth Forms).
fn narrow(one: char) -> char {
    match u32::from(one) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(one),
        _ => one,
    }
}

fn without_accent(one: char) -> char {
    match one {
        'à' | 'á' | 'â' | 'ã' | 'ä' => 'a',
        'ç' => 'c',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ñ' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        _ => one,
    }
}

/// The field that a header names, with the confidence in percent: high for a known name, lower when a known name for the
/// address is part of a longer one (`Email (work)`) or several fields are named so in different languages.
pub(super) fn field_named(header: &str) -> Option<(Field, u8)> {
    // A header is no essay; whatever is longer names nothing.
    if header.len() > MAX_HEADER_LENGTH {
        return None;
    }
    let name = plain(header);
    if let Some(field) = Field::ALL.into_iter().find(|field| is_named(&name, |language| language.names(*field))) {
        return Some((field, 95));
    }
    // Only the longer names: "mail" is part of "mailing street".
    let within = |known: &&str| known.chars().count() >= 5 && name.contains(*known);
    LANGUAGES.iter().any(|language| language.email.iter().any(within)).then_some((Field::Email, 60))
}

fn is_named(name: &str, names: impl Fn(&'static HeaderLanguage) -> &'static [&'static str]) -> bool {
    LANGUAGES.iter().any(|language| names(language).contains(&name))
}

/// The role that a word in a cell means.
pub(super) fn role_meant(cell: &str) -> Option<Role> {
    if cell.len() > MAX_HEADER_LENGTH {
        return None;
    }
    let word = plain(cell);
    if is_named(&word, |language| language.admin) {
        return Some(Role::Admin);
    }
    is_named(&word, |language| language.user).then_some(Role::User)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_known_however_they_are_spelt() {
        for (header, want) in [
            ("E-Mail", Some((Field::Email, 95))),
            ("EMAIL_ADDRESS", Some((Field::Email, 95))),
            ("Email (work)", Some((Field::Email, 60))),
            ("First Name", Some((Field::FirstName, 95))),
            ("Surname", Some((Field::LastName, 95))),
            ("Teams", Some((Field::Teams, 95))),
            ("Mailing Street", None),
            ("Company", None),
            ("E-Mail-Adresse", Some((Field::Email, 95))),
            ("Vorname", Some((Field::FirstName, 95))),
            ("Nachname", Some((Field::LastName, 95))),
            ("Prénom", Some((Field::FirstName, 95))),
            ("Nom de famille", Some((Field::LastName, 95))),
            ("Adresse e-mail", Some((Field::Email, 95))),
            ("Correo electrónico", Some((Field::Email, 95))),
            ("Apellidos", Some((Field::LastName, 95))),
            ("Indirizzo e-mail", Some((Field::Email, 95))),
            ("Cognome", Some((Field::LastName, 95))),
            ("Sobrenome", Some((Field::LastName, 95))),
            ("Função", Some((Field::Role, 95))),
            ("メールアドレス", Some((Field::Email, 95))),
            ("姓", Some((Field::LastName, 95))),
            ("名", Some((Field::FirstName, 95))),
            ("이메일", Some((Field::Email, 95))),
            ("電子メール (会社)", Some((Field::Email, 60))),
            ("电子邮件", Some((Field::Email, 95))),
            ("Ｅメール", Some((Field::Email, 95))),
            ("", None),
        ] {
            assert_eq!(field_named(header), want, "{header:?}");
        }
    }
    #[test]
    fn every_name_is_written_as_it_is_compared_and_means_one_field() {
        for language in &LANGUAGES {
            let mut all = Vec::new();
            for field in Field::ALL {
                assert!(language.names(field).len() >= 2, "{field:?}");
                all.extend_from_slice(language.names(field));
            }
            for name in all.iter().chain(language.admin).chain(language.user) {
                assert_eq!(plain(name), **name);
            }
            for (at, name) in all.iter().enumerate() {
                assert!(!all[..at].contains(name), "{name} means two fields");
            }
        }
    }

    #[test]
    fn roles_are_known_in_each_language() {
        for (word, want) in [
            ("Admin", Some(Role::Admin)),
            ("Administrateur", Some(Role::Admin)),
            ("Usuário", Some(Role::User)),
            ("管理者", Some(Role::Admin)),
            ("Benutzer", Some(Role::User)),
            ("사용자", Some(Role::User)),
            ("CEO", None),
        ] {
            assert_eq!(role_meant(word), want, "{word}");
        }
    }
}
