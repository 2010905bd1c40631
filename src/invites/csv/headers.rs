use super::Field;

/// The names that one language has for columns. Written as [`plain`] leaves them: lower case, letters and digits only.
struct Language {
    email: &'static [&'static str],
    first_name: &'static [&'static str],
    last_name: &'static [&'static str],
    role: &'static [&'static str],
    teams: &'static [&'static str],
    /// Words for the role admin.
    admin: &'static [&'static str],
    /// Words for the role user.
    user: &'static [&'static str],
}

/// One entry a language; a file may mix them.
const LANGUAGES: [Language; 1] = [Language {
    email: &["email", "emailaddress", "mail", "mailaddress", "emailid", "workemail", "businessemail", "primaryemail", "useremail"],
    first_name: &["firstname", "first", "givenname", "forename", "userfirstname"],
    last_name: &["lastname", "last", "surname", "familyname", "userlastname"],
    role: &["role", "userrole", "rolename", "accesslevel"],
    teams: &["team", "teams", "teamname", "teamnames", "group", "groups", "groupname"],
    admin: &["admin", "administrator"],
    user: &["user", "standarduser", "member"],
}];

/// Lower case, letters and digits only: `E-Mail Address` and `email_address` are one name.
fn plain(text: &str) -> String {
    text.chars().filter(|one| one.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Language {
    fn names(&self, field: Field) -> &'static [&'static str] {
        match field {
            Field::Email => self.email,
            Field::FirstName => self.first_name,
            Field::LastName => self.last_name,
            Field::Role => self.role,
            Field::Teams => self.teams,
        }
    }
}

/// The field that a header names, with the confidence in percent: high for a known name, lower when a known name for the
/// address is part of a longer one (`Email (work)`).
pub(super) fn field_named(header: &str) -> Option<(Field, u8)> {
    let name = plain(header);
    for field in Field::ALL {
        if LANGUAGES.iter().any(|language| language.names(field).contains(&name.as_str())) {
            return Some((field, 95));
        }
    }
    // Only the longer names: "mail" is part of "mailing street".
    let within = |known: &&str| known.len() >= 5 && name.contains(*known);
    LANGUAGES.iter().any(|language| language.email.iter().any(within)).then_some((Field::Email, 60))
}

/// The role that a word in a cell means.
pub(super) fn role_meant(cell: &str) -> Option<crate::auth::Role> {
    let word = plain(cell);
    let known = |words: &[&str]| words.contains(&word.as_str());
    LANGUAGES.iter().find_map(|language| {
        if known(language.admin) {
            return Some(crate::auth::Role::Admin);
        }
        known(language.user).then_some(crate::auth::Role::User)
    })
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
            ("", None),
        ] {
            assert_eq!(field_named(header), want, "{header:?}");
        }
    }
}
