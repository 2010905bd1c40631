use std::io::Read;

use super::{records, text};
use crate::clock::Timestamp;
use crate::marketo::field_value;
use crate::people::SalesforceId;
use crate::sync::fields::{MappedField, SyncField};
use crate::sync::{RejectedRow, SyncError};

/// Examples of rejected rows that are kept.
const MOST_EXAMPLES: usize = 100;
/// Longest value in bytes; Marketo's longest text type has 2,000 characters.
const LONGEST_VALUE: usize = 8_000;
/// Longest e-mail address in bytes: it is indexed, and PostgreSQL's index entries end at 2,704 bytes.
const LONGEST_EMAIL: usize = 1_000;

/// A person of an export.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::sync) struct PersonRow {
    pub marketo_id: i64,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
    pub company: Option<String>,
    pub title: Option<String>,
    pub phone: Option<String>,
    pub linkedin_url: Option<String>,
    pub source: Option<String>,
    pub salesforce_contact_id: Option<String>,
    pub salesforce_lead_id: Option<String>,
    pub salesforce_account_id: Option<String>,
    pub salesforce_opportunity_id: Option<String>,
}

impl PersonRow {
    fn slot(&mut self, field: SyncField) -> Option<&mut Option<String>> {
        Some(match field {
            SyncField::FirstName => &mut self.first_name,
            SyncField::LastName => &mut self.last_name,
            SyncField::SalesforceContactId => &mut self.salesforce_contact_id,
            SyncField::SalesforceLeadId => &mut self.salesforce_lead_id,
            SyncField::SalesforceAccountId => &mut self.salesforce_account_id,
            SyncField::SalesforceOpportunityId => &mut self.salesforce_opportunity_id,
            SyncField::MarketoId => return None,
            SyncField::Company => &mut self.company,
            SyncField::Title => &mut self.title,
            SyncField::Email => &mut self.email,
            SyncField::Phone => &mut self.phone,
            SyncField::LinkedinUrl => &mut self.linkedin_url,
            SyncField::Source => &mut self.source,
        })
    }
}

/// What reading a file came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::sync) struct PeopleOutcome {
    /// Rows after the header, rejected ones included.
    pub rows: i64,
    pub rejected: i64,
    pub examples: Vec<RejectedRow>,
    pub unusable_salesforce_ids: i64,
}

/// Reads an export and hands its people to `take` in batches of at most `batch`, sorted by Marketo id and each once: the last
/// of several rows counts. Stops when `take` answers `false`.
///
/// # Errors
/// [`SyncError::ExportUnreadable`] when the columns aren't those that were asked for; [`SyncError::Spool`].
pub(in crate::sync) fn read_people(
    from: impl Read,
    fields: &[MappedField],
    window_start: Timestamp,
    batch: usize,
    mut take: impl FnMut(Vec<PersonRow>) -> bool,
) -> Result<PeopleOutcome, SyncError> {
    let mut records = records(from);
    let mut record = csv::ByteRecord::new();
    let mut outcome = PeopleOutcome::default();
    if !read(&mut records, &mut record)? {
        return Ok(outcome);
    }
    let columns = Columns::find(&record, fields)?;
    let mut people: Vec<PersonRow> = Vec::with_capacity(batch);
    while read(&mut records, &mut record)? {
        outcome.rows += 1;
        match columns.person(&record, &mut outcome.unusable_salesforce_ids) {
            Ok(person) => people.push(person),
            Err((marketo_id, reason)) => {
                outcome.rejected += 1;
                if outcome.examples.len() < MOST_EXAMPLES {
                    outcome.examples.push(RejectedRow { marketo_id, reason: reason.to_owned(), window_start });
                }
            }
        }
        if people.len() == batch && !take(each_once(std::mem::replace(&mut people, Vec::with_capacity(batch)))) {
            return Ok(outcome);
        }
    }
    if !people.is_empty() {
        take(each_once(people));
    }
    Ok(outcome)
}

fn read(records: &mut csv::Reader<impl Read>, record: &mut csv::ByteRecord) -> Result<bool, SyncError> {
    // Records of any length and any bytes are taken, so only reading itself can fail.
    records.read_byte_record(record).map_err(|error| SyncError::Spool(error.into()))
}

fn each_once(mut people: Vec<PersonRow>) -> Vec<PersonRow> {
    people.reverse();
    people.sort_by_key(|person| person.marketo_id);
    people.dedup_by_key(|person| person.marketo_id);
    people
}

/// Which column holds which field.
struct Columns {
    width: usize,
    marketo_id: usize,
    others: Vec<(usize, SyncField)>,
}

impl Columns {
    /// Finds the columns by the header. Marketo's pages promise no order.
    fn find(header: &csv::ByteRecord, fields: &[MappedField]) -> Result<Self, SyncError> {
        let names: Vec<String> =
            header.iter().map(|name| String::from_utf8_lossy(name).trim_start_matches('\u{feff}').trim().to_lowercase()).collect();
        let mut found = Self { width: names.len(), marketo_id: 0, others: Vec::new() };
        for field in fields {
            let wanted = field.rest_name.to_lowercase();
            let place = names.iter().position(|name| *name == wanted);
            let place = place.ok_or_else(|| SyncError::ExportUnreadable(format!("it has no column {}", field.rest_name)))?;
            match field.field {
                SyncField::MarketoId => found.marketo_id = place,
                other => found.others.push((place, other)),
            }
        }
        Ok(found)
    }

    /// The person of a record, or the id (if that much can be read) and the reason why it can't be used.
    fn person(&self, record: &csv::ByteRecord, unusable_ids: &mut i64) -> Result<PersonRow, (Option<i64>, &'static str)> {
        let id = record.get(self.marketo_id).and_then(|field| std::str::from_utf8(field).ok()).and_then(|text| text.trim().parse().ok());
        let id = id.filter(|id: &i64| *id > 0);
        if record.len() != self.width {
            return Err((id, "wrong_number_of_columns"));
        }
        let marketo_id = id.ok_or((None, "no_marketo_id"))?;
        let mut person = PersonRow { marketo_id, ..PersonRow::default() };
        for (place, field) in &self.others {
            let value = text(record.get(*place).unwrap_or_default()).ok_or((id, "not_utf8"))?;
            let Some(value) = field_value(&value) else { continue };
            if value.len() > LONGEST_VALUE || (*field == SyncField::Email && value.len() > LONGEST_EMAIL) {
                return Err((id, "value_too_long"));
            }
            let value = match field {
                SyncField::SalesforceContactId
                | SyncField::SalesforceLeadId
                | SyncField::SalesforceAccountId
                | SyncField::SalesforceOpportunityId => match value.parse::<SalesforceId>() {
                    Ok(id) => id.into_string(),
                    Err(_) => {
                        *unusable_ids += 1;
                        continue;
                    }
                },
                _ => value.to_owned(),
            };
            if let Some(slot) = person.slot(*field) {
                *slot = Some(value);
            }
        }
        Ok(person)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const NAMES: [(SyncField, &str); 5] = [
        (SyncField::MarketoId, "id"),
        (SyncField::FirstName, "firstName"),
        (SyncField::Company, "company"),
        (SyncField::Email, "email"),
        (SyncField::SalesforceLeadId, "sfdcLeadId"),
    ];

    fn fields() -> Vec<MappedField> {
        NAMES.map(|(field, name)| MappedField { field, rest_name: name.into() }).to_vec()
    }

    fn read(text: &str, batch: usize) -> Result<(Vec<Vec<PersonRow>>, PeopleOutcome), SyncError> {
        let mut batches = Vec::new();
        let outcome = read_people(text.as_bytes(), &fields(), datetime!(2026-01-01 0:00 UTC).into(), batch, |people| {
            batches.push(people);
            true
        })?;
        Ok((batches, outcome))
    }

    fn people(text: &str) -> Vec<PersonRow> {
        read(text, 100).expect("readable").0.concat()
    }

    #[test]
    fn quotes_commas_and_newlines_belong_to_the_value_and_null_means_none() {
        let all = people(
            "id,firstName,company,email,sfdcLeadId\n7,\"Ann \"\"A\"\"\",\"Long, Ltd\nLondon\",null,null\n8,null,,a@b.c,00QR0000000UyrW\n",
        );
        assert_eq!(all[0].first_name.as_deref(), Some("Ann \"A\""));
        assert_eq!(all[0].company.as_deref(), Some("Long, Ltd\nLondon"));
        assert_eq!((&all[0].email, &all[0].salesforce_lead_id, &all[1].first_name, &all[1].company), (&None, &None, &None, &None));
        assert_eq!(all[1].salesforce_lead_id.as_deref().map(str::len), Some(18));
    }

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        let all = people("\u{feff}sfdcLeadId,email,extra,company,firstName,ID\nnull,a@b.c,x,C,F,9\n");
        assert_eq!((all[0].marketo_id, all[0].company.as_deref(), all[0].first_name.as_deref()), (9, Some("C"), Some("F")));
        assert!(matches!(read("id,email\n1,x\n", 5), Err(SyncError::ExportUnreadable(text)) if text.contains("firstName")));
    }

    #[test]
    fn a_row_that_can_not_be_used_is_counted_with_the_id_alone() {
        let long = "x".repeat(9_000);
        let text =
            format!("id,firstName,company,email,sfdcLeadId\n1,a,b,c,null,extra\nnone,a,b,c,null\n3,{long},b,c,null\n4,a,b,c,nonsense\n");
        let (batches, outcome) = read(&text, 100).expect("readable");
        assert_eq!(batches.concat().iter().map(|person| person.marketo_id).collect::<Vec<_>>(), [4]);
        let reasons: Vec<_> = outcome.examples.iter().map(|row| (row.marketo_id, row.reason.as_str())).collect();
        assert_eq!(reasons, [(Some(1), "wrong_number_of_columns"), (None, "no_marketo_id"), (Some(3), "value_too_long")]);
        assert_eq!((outcome.rows, outcome.rejected, outcome.unusable_salesforce_ids), (4, 3, 1));
    }

    #[test]
    fn batches_are_sorted_and_the_last_of_several_rows_of_a_person_counts() {
        let (batches, outcome) =
            read("id,firstName,company,email,sfdcLeadId\n5,old,b,c,null\n2,x,b,c,null\n5,new,b,c,null\n1,y,b,c,null\n", 3)
                .expect("readable");
        let shown: Vec<Vec<_>> = batches
            .iter()
            .map(|batch| batch.iter().map(|one| (one.marketo_id, one.first_name.as_deref().unwrap_or(""))).collect())
            .collect();
        assert_eq!(shown, [vec![(2, "x"), (5, "new")], vec![(1, "y")]]);
        assert_eq!(outcome.rows, 4);
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(values in prop::collection::vec("[^\0]{1,30}", 1..20)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(NAMES.map(|(_, name)| name)).expect("memory");
            for (place, value) in values.iter().enumerate() {
                writer.write_record([(place + 1).to_string().as_str(), value, "null", "null", "null"]).expect("memory");
            }
            let text = String::from_utf8(writer.into_inner().expect("memory")).expect("text");
            let read: Vec<_> = people(&text).into_iter().map(|person| person.first_name).collect();
            let wanted: Vec<_> = values.iter().map(|value| field_value(value).map(str::to_owned)).collect();
            prop_assert_eq!(read, wanted);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut text = b"id,firstName,company,email,sfdcLeadId\n".to_vec();
            text.extend(bytes);
            let _ = read_people(text.as_slice(), &fields(), datetime!(2026-01-01 0:00 UTC).into(), 3, |_| true);
        }
    }
}
