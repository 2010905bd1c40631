//! People as a file: CSV (RFC 4180) for spreadsheets, JSON lines for programs.

use serde::Deserialize;

use super::Person;
use crate::http::harmless_cell;

/// The form of an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(title = "PeopleExportFormat")]
pub enum PeopleExportFormat {
    /// A line of names and a line for each person, with `CRLF` behind each. A cell that a spreadsheet could take for a formula has an
    /// apostrophe before it.
    #[default]
    Csv,
    /// A JSON object a line, with the values as they are.
    Ndjson,
}

impl PeopleExportFormat {
    /// The media type, with parameters.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    /// The name of the file.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Csv => "people.csv",
            Self::Ndjson => "people.ndjson",
        }
    }

    /// Writes what comes before the first person.
    #[must_use]
    pub fn write_header(self) -> Vec<u8> {
        match self {
            Self::Csv => write_csv(|lines| lines.write_record(Person::COLUMNS)),
            Self::Ndjson => Vec::new(),
        }
    }

    /// Writes the lines of some people.
    pub fn write_lines<'a>(self, people: impl Iterator<Item = &'a Person>) -> Vec<u8> {
        match self {
            Self::Csv => write_csv(|lines| {
                for person in people {
                    write_record(lines, person)?;
                }
                Ok(())
            }),
            Self::Ndjson => {
                let mut bytes = Vec::new();
                for person in people {
                    // Texts and numbers can always be written as JSON, and writing to a Vec doesn't fail.
                    let _ = serde_json::to_writer(&mut bytes, person);
                    bytes.push(b'\n');
                }
                bytes
            }
        }
    }
}

fn write_csv(write: impl FnOnce(&mut csv::Writer<Vec<u8>>) -> Result<(), csv::Error>) -> Vec<u8> {
    let mut lines = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing to a Vec doesn't fail, and every record has the same number of cells.
    let _ = write(&mut lines);
    lines.into_inner().unwrap_or_default()
}

fn write_record(lines: &mut csv::Writer<Vec<u8>>, person: &Person) -> Result<(), csv::Error> {
    lines.write_field(person.marketo_id.to_string())?;
    for text in person.texts() {
        lines.write_field(harmless_cell(text.unwrap_or_default()).as_bytes())?;
    }
    lines.write_field(&person.owner_id)?;
    lines.write_field(person.synced_at.to_string())?;
    // Ends the record.
    lines.write_record(None::<&[u8]>)
}
