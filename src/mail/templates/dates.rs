use time::OffsetDateTime;

use crate::language::Language;

type Months = [&'static str; 12];

const EN: Months =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DE: Months = ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"];
const FR: Months =
    ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"];
const ES: Months =
    ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"];
const IT: Months =
    ["gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"];
const PT: Months =
    ["janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"];

/// An instant as people of the language write it, in UTC, for example `9 March 2026, 08:05 UTC`.
pub(super) fn date_and_time(language: Language, instant: OffsetDateTime) -> String {
    let instant = instant.to_offset(time::UtcOffset::UTC);
    let (day, number, year) = (instant.day(), u8::from(instant.month()), instant.year());
    let clock = format!("{:02}:{:02} UTC", instant.hour(), instant.minute());
    let month = |months: Months| months[usize::from(number) - 1];
    match language {
        Language::En => format!("{day} {} {year}, {clock}", month(EN)),
        Language::De => format!("{day}. {} {year}, {clock}", month(DE)),
        Language::Fr => format!("{day} {} {year} à {clock}", month(FR)),
        Language::Es => format!("{day} de {} de {year}, {clock}", month(ES)),
        Language::It => format!("{day} {} {year}, {clock}", month(IT)),
        Language::Pt => format!("{day} de {} de {year}, {clock}", month(PT)),
        Language::Ja | Language::Zh => format!("{year}年{number}月{day}日 {clock}"),
        Language::Ko => format!("{year}년 {number}월 {day}일 {clock}"),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_date_is_written_as_people_of_the_language_do() {
        let instant = datetime!(2026-03-09 10:05 +2);
        let written = Language::ALL.map(|language| date_and_time(language, instant));
        assert_eq!(
            written,
            [
                "9 March 2026, 08:05 UTC",
                "9. März 2026, 08:05 UTC",
                "9 mars 2026 à 08:05 UTC",
                "9 de marzo de 2026, 08:05 UTC",
                "9 marzo 2026, 08:05 UTC",
                "9 de março de 2026, 08:05 UTC",
                "2026年3月9日 08:05 UTC",
                "2026년 3월 9일 08:05 UTC",
                "2026年3月9日 08:05 UTC",
            ]
        );
    }
}
