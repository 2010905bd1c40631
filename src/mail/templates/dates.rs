use time::OffsetDateTime;

use crate::language::Language;
use crate::locales::LocalizedText;

/// An instant as people of the language write it, in UTC, for example `9 March 2026, 08:05 UTC`.
pub(super) fn date_and_time(language: Language, instant: OffsetDateTime) -> String {
    let instant = instant.to_offset(time::UtcOffset::UTC);
    let (day, month, year) = (instant.day(), instant.month().into(), instant.year());
    let time = format!("{:02}:{:02}", instant.hour(), instant.minute());
    LocalizedText::DateAndTime { day, month, year, time: &time }.render(language)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_date_is_written_as_people_of_the_language_do() {
        let instant = datetime!(2026-03-09 10:05 +2);
        for (language, written) in [
            (Language::En, "9 March 2026, 08:05 UTC"),
            (Language::De, "9. März 2026, 08:05 UTC"),
            (Language::Fr, "9 mars 2026 à 08:05 UTC"),
            (Language::Es, "9 de marzo de 2026, 08:05 UTC"),
            (Language::It, "9 marzo 2026, 08:05 UTC"),
            (Language::Pt, "9 de março de 2026, 08:05 UTC"),
            (Language::Ja, "2026年3月9日 08:05 UTC"),
            (Language::Ko, "2026년 3월 9일 08:05 UTC"),
            (Language::Zh, "2026年3月9日 08:05 UTC"),
        ] {
            assert_eq!(date_and_time(language, instant), written);
        }
    }

    #[test]
    fn each_language_has_a_name_or_number_for_every_month() {
        for language in Language::ALL {
            let months: HashSet<_> = (1..=12)
                .map(|month| {
                    let date = datetime!(2026-01-09 10:05 UTC).replace_month(month.try_into().unwrap()).unwrap();
                    date_and_time(language, date)
                })
                .collect();
            assert_eq!(months.len(), 12, "{months:?}");
        }
    }
}
