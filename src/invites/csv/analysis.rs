use std::collections::HashMap;

use csv::StringRecord;

use super::dialect::{delimiter_of, first_names_columns, split_hint};
use super::mapping::propose;
use super::rows::{read_row, shorten};
use super::{Analysis, Column, Dialect, LISTED_FAULTS, MOST_COLUMNS, MOST_ROWS, Mapping, RowFault, Rows, SAMPLE_ROWS, Unreadable, decode};
use crate::members::Teams;

/// Rows whose cells are looked at to propose a mapping.
const LOOK: usize = 1000;

/// Says what is in a file, how its columns may be used, and what in it can't. Takes time in proportion to the file and memory
/// bounded by [`super::LARGEST_FILE`] and [`MOST_ROWS`]: call it on the blocking pool.
///
/// # Errors
/// [`Unreadable`], when it is no list of invitations.
pub fn analyse(bytes: &[u8], charset: Option<&str>, teams: &Teams) -> Result<Analysis, Unreadable> {
    let decoded = decode(bytes, charset)?;
    let (text, hint) = split_hint(&decoded.text);
    let delimiter = hint.unwrap_or_else(|| delimiter_of(text));
    let text = text.as_bytes().to_vec();

    let first = first_rows(text.clone(), delimiter);
    let has_headers = first_names_columns(&first);
    let (headers, body) = if has_headers { (first.first(), &first[1..]) } else { (None, first.as_slice()) };
    if body.is_empty() {
        return Err(if headers.is_some() { Unreadable::NoRows } else { Unreadable::Empty });
    }
    // Cells beyond the headers are faults of their row; without headers the longest row rules.
    let columns = headers.map_or_else(|| body.iter().map(StringRecord::len).max().unwrap_or(0), StringRecord::len);
    if columns > MOST_COLUMNS {
        return Err(Unreadable::TooManyColumns);
    }
    let mapping = propose(headers, columns, body, teams).ok_or(Unreadable::NoAddresses)?;

    let mut analysis = Analysis {
        dialect: Dialect { encoding: decoded.encoding.to_owned(), delimiter: char::from(delimiter), has_headers },
        columns: name_columns(headers, columns),
        mapping,
        sample: body.iter().take(SAMPLE_ROWS).map(|row| row.iter().take(columns).map(shorten).collect()).collect(),
        faults: Vec::new(),
        faults_total: 0,
        rows: 0,
        valid_rows: 0,
    };
    let mut rows = Rows::over(text, delimiter);
    if has_headers {
        rows.next_raw();
    }
    check_rows(&mut rows, &mut analysis, teams)?;
    Ok(analysis)
}

/// The first rows with something in them.
fn first_rows(text: Vec<u8>, delimiter: u8) -> Vec<StringRecord> {
    let mut rows = Rows::over(text, delimiter);
    let mut first = Vec::new();
    while first.len() <= LOOK {
        match rows.next_row() {
            Some((_, record)) => first.push(record.clone()),
            None => break,
        }
    }
    first
}

fn name_columns(headers: Option<&StringRecord>, columns: usize) -> Vec<Column> {
    let name = |at: usize| {
        let header = headers.and_then(|headers| headers.get(at)).map(str::trim).filter(|header| !header.is_empty());
        header.map_or_else(|| format!("Column {}", at + 1), shorten)
    };
    (0..columns).filter_map(|at| Some(Column { index: u16::try_from(at).ok()?, name: name(at) })).collect()
}

fn check_rows(rows: &mut Rows, analysis: &mut Analysis, teams: &Teams) -> Result<(), Unreadable> {
    let mapping = Mapping::from(analysis.mapping);
    let columns = analysis.columns.len();
    let mut seen: HashMap<String, u64> = HashMap::new();
    while let Some((number, record)) = rows.next_row() {
        analysis.rows += 1;
        if analysis.rows > MOST_ROWS {
            return Err(Unreadable::TooManyRows);
        }
        let faults = match read_row(number, record, &mapping, columns, teams) {
            Ok(row) => match seen.get(&row.email.key()) {
                Some(first) => {
                    let detail = format!("row {first} has the same address; a person is invited once");
                    vec![RowFault::new(number, Some(mapping.email), "duplicate", detail)]
                }
                None => {
                    seen.insert(row.email.key(), number);
                    analysis.valid_rows += 1;
                    continue;
                }
            },
            Err(faults) => faults,
        };
        analysis.faults_total += faults.len() as u64;
        let room = LISTED_FAULTS.saturating_sub(analysis.faults.len());
        analysis.faults.extend(faults.into_iter().take(room));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Proposal;
    use super::*;

    fn analysed(text: &str) -> Analysis {
        analyse(text.as_bytes(), None, &Teams::default()).unwrap()
    }

    #[test]
    fn a_file_with_headers_is_mapped_by_them() {
        let analysis = analysed("Last Name,First Name,E-mail\nO'Neil,Ann,ann@example.com\n\"Smith, Jr\",Bo,bo@example.com\n");
        assert_eq!(analysis.dialect, Dialect { encoding: "UTF-8".into(), delimiter: ',', has_headers: true });
        assert_eq!(analysis.mapping.email, Proposal { column: 2, confidence: 97 });
        assert_eq!(analysis.mapping.first_name, Some(Proposal { column: 1, confidence: 95 }));
        assert_eq!(analysis.mapping.last_name, Some(Proposal { column: 0, confidence: 95 }));
        assert_eq!((analysis.rows, analysis.valid_rows, analysis.faults_total), (2, 2, 0));
        assert_eq!(analysis.sample[1], ["Smith, Jr", "Bo", "bo@example.com"]);
    }

    #[test]
    fn a_file_without_headers_is_mapped_by_what_its_cells_hold() {
        let analysis = analysed("Ann;user;ann@example.com\nBo;admin;bo@example.com\n");
        assert!(!analysis.dialect.has_headers);
        assert_eq!(analysis.dialect.delimiter, ';');
        assert_eq!((analysis.mapping.email.column, analysis.mapping.role.map(|role| role.column)), (2, Some(1)));
        assert_eq!(analysis.columns[0].name, "Column 1");
        assert_eq!(analysis.rows, 2);
    }

    #[test]
    fn of_two_address_columns_the_one_with_the_plain_name_is_taken() {
        let analysis = analysed("Manager Email,Email\nboss@example.com,ann@example.com\n");
        assert_eq!(analysis.mapping.email.column, 1);
    }

    #[test]
    fn every_fault_is_told_by_row_and_column() {
        let text = "email,role,team\nann@example.com,user,\nANN@example.com,,\n\n,admin,\nbo@,boss,Nowhere\ncy@example.com,user,,extra\n";
        let analysis = analysed(text);
        let faults: Vec<_> = analysis.faults.iter().map(|fault| (fault.row, fault.column, fault.code.as_str())).collect();
        let want = [
            (3, Some(0), "duplicate"),
            (4, Some(0), "email_missing"),
            (5, Some(0), "email_invalid"),
            (5, Some(1), "role_unknown"),
            (5, Some(2), "team_unknown"),
            (6, None, "too_many_cells"),
        ];
        assert_eq!(faults, want);
        assert_eq!((analysis.rows, analysis.valid_rows, analysis.faults_total), (5, 1, 6));
    }

    #[test]
    fn a_hundred_faults_are_listed_and_all_are_counted() {
        let rows: String = (0..300).map(|at| format!("person{at}@\n")).collect();
        let analysis = analysed(&format!("email\nann@example.com\n{rows}"));
        assert_eq!((analysis.faults.len(), analysis.faults_total, analysis.valid_rows), (100, 300, 1));
    }

    #[test]
    fn what_is_no_list_of_invitations_says_why() {
        for (text, want) in [
            ("", Unreadable::Empty),
            ("email,name\n", Unreadable::NoRows),
            ("name,town\nAnn,Rome\n", Unreadable::NoAddresses),
            ("<html><body>Sign in</body></html>", Unreadable::NoAddresses),
            (&",".repeat(300), Unreadable::Empty),
            (&format!("a@example.com{}x\n", ",".repeat(300)), Unreadable::TooManyColumns),
        ] {
            assert_eq!(analyse(text.as_bytes(), None, &Teams::default()), Err(want), "{text:?}");
        }
        let many = "a@example.com\n".repeat(usize::try_from(MOST_ROWS).unwrap() + 1);
        assert_eq!(analyse(many.as_bytes(), None, &Teams::default()), Err(Unreadable::TooManyRows));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = analyse(&bytes, None, &Teams::default());
        }

        #[test]
        fn no_text_makes_it_panic_and_its_counts_add_up(text in "[a-c@.,;|\t\"\n\r é]{0,200}(a@b\\.cd[,;\n]){0,5}") {
            if let Ok(analysis) = analyse(text.as_bytes(), None, &Teams::default()) {
                prop_assert!(analysis.valid_rows <= analysis.rows);
                prop_assert!(analysis.faults.len() as u64 <= analysis.faults_total);
                prop_assert!(usize::from(analysis.mapping.email.column) < analysis.columns.len());
                let mut rows = Rows::open(text.as_bytes(), &analysis.dialect).unwrap();
                let mut count = 0;
                while rows.next_row().is_some() {
                    count += 1;
                }
                prop_assert_eq!(count, analysis.rows, "reading it again finds the same rows");
            }
        }

        #[test]
        fn a_written_file_is_read_back_whatever_its_delimiter(
            names in proptest::collection::vec("[A-Za-zéü ,;|\"']{1,12}", 1..20),
            delimiter in prop_oneof![Just(b','), Just(b';'), Just(b'\t'), Just(b'|')],
        ) {
            let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
            writer.write_record(["first name", "email"]).unwrap();
            for (at, name) in names.iter().enumerate() {
                writer.write_record([name.as_str(), &format!("p{at}@example.com")]).unwrap();
            }
            let analysis = analyse(&writer.into_inner().unwrap(), None, &Teams::default()).unwrap();
            prop_assert_eq!(analysis.dialect.delimiter, char::from(delimiter));
            prop_assert_eq!(analysis.valid_rows, names.len() as u64);
            prop_assert_eq!(&analysis.sample[0][0], &names[0]);
        }
    }
}
