//! Writes an export file row by row, counting and hashing on the way.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::{Range, RangeInclusive};

use sha2::{Digest, Sha256};

use super::activities::{self, SandboxActivity};
use super::export_job::{ExportFile, ExportOrder, ExportSelection, LeadExportFilter};
use crate::sandbox::faults::FaultKind;
use crate::sandbox::hex::to_hex;
use crate::sandbox::listeners::SandboxVendor;
use crate::sandbox::people::People;
use crate::sandbox::people::person::SandboxPerson;
use crate::sandbox::state::SandboxState;

/// Counts and hashes the bytes it passes on.
struct MeasuringWriter<W> {
    inner: W,
    bytes: u64,
    hash: Sha256,
}

impl<W: Write> Write for MeasuringWriter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hash.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Writes the file of job `id`, or takes it from the result cache. Blocks; memory doesn't depend on the number of rows.
///
/// # Errors
/// What the file system reports.
pub fn write_file(sandbox: &SandboxState, id: &str, order: &ExportOrder) -> io::Result<ExportFile> {
    let row_fault = sandbox.take_fault(
        SandboxVendor::Marketo,
        "GET",
        &format!("/bulk/v1/{}/export/{id}/file.json", order.selection.kind().name()),
        FaultKind::corrupts_rows,
    );
    let is_cached = sandbox.settings.keep_results && row_fault.is_none();
    let key = format!(
        "{} {:?} {:?}",
        sandbox.people.revision(),
        selection_key(&sandbox.people, &order.selection),
        (&order.fields, &order.headers, order.format)
    );
    if let Some(file) = is_cached.then(|| sandbox.result_cache.find_export(&key)).flatten() {
        return Ok(file);
    }
    let path = sandbox.directory.join(format!("{id}.{}", if order.format.delimiter() == b',' { "csv" } else { "txt" }));
    let measured = MeasuringWriter { inner: BufWriter::with_capacity(64 * 1024, File::create(&path)?), bytes: 0, hash: Sha256::new() };
    let mut rows = csv::WriterBuilder::new().delimiter(order.format.delimiter()).flexible(true).from_writer(measured);

    rows.write_record(&order.headers)?;
    let mut records = 0;
    // An empty field is written as the word null.
    let write_field = |value: Option<String>| value.unwrap_or_else(|| "null".into());
    let of_person =
        |person: SandboxPerson| order.fields.iter().map(|field| write_field(person.marketo_value(field))).collect::<Vec<String>>();
    let of_activity =
        |activity: SandboxActivity| order.fields.iter().map(|field| write_field(activity.column_value(field))).collect::<Vec<String>>();
    let selected: Box<dyn Iterator<Item = Vec<String>>> = match &order.selection {
        ExportSelection::Leads(filter) => Box::new(select_people(&sandbox.people, *filter).map(of_person)),
        ExportSelection::Activities { from, to, types } => Box::new(select_activities(&sandbox.people, *from, *to, types).map(of_activity)),
    };
    for mut row in selected {
        match row_fault.as_ref().filter(|_| records == 0) {
            Some(FaultKind::MalformedRow) => row.push("one column too many".into()),
            Some(FaultKind::OversizeLine { bytes }) => {
                if let Some(last) = row.last_mut() {
                    *last = "x".repeat(*bytes);
                }
            }
            _ => {}
        }
        rows.write_record(&row)?;
        records += 1;
        if row_fault == Some(FaultKind::RepeatRows) {
            rows.write_record(&row)?;
            records += 1;
        }
    }
    let mut measured = rows.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    measured.flush()?;
    let file = ExportFile { path, bytes: measured.bytes, records, sha256: to_hex(&measured.hash.finalize()), outlives_job: is_cached };
    if is_cached {
        sandbox.result_cache.store_export(key, file.clone());
    }
    Ok(file)
}

/// What a selection's records depend on, besides the revision of the people. Windows with the same people have the same key.
fn selection_key(people: &People, selection: &ExportSelection) -> String {
    match selection {
        ExportSelection::Leads(filter) => format!("{:?} {:?}", candidate_indices(people, *filter), update_window(*filter)),
        activities => format!("{activities:?}"),
    }
}

/// The activities of a time window: creations of the generated people first, then what happened since the start.
fn select_activities<'a>(people: &'a People, from: i64, to: i64, types: &'a [u32]) -> impl Iterator<Item = SandboxActivity> + 'a {
    let generated = people.generated_count();
    let window = people.first_index_since(from).min(generated)..people.first_index_since(to.saturating_add(1)).min(generated);
    let created = window.filter_map(|index| people.find_in_marketo(index).map(|person| activities::new_lead_activity(&person, index)));
    let first = people.first_event_since(from);
    let (events, _) = people.events(first, people.first_event_since(to.saturating_add(1)).saturating_sub(first));
    let later = events.into_iter().enumerate().flat_map(move |(offset, event)| {
        activities::activities_of_event(&event, generated + (first + offset) as u64, |index| people.find_in_marketo(index))
    });
    created
        .chain(later)
        .filter(|activity| activity.type_id != activities::DELETE_LEAD && (types.is_empty() || types.contains(&activity.type_id)))
}

/// Indices of the people that a filter may select.
fn candidate_indices(people: &People, filter: LeadExportFilter) -> Range<u64> {
    match filter {
        LeadExportFilter::CreatedAt(from, to) => people.first_index_since(from)..people.first_index_since(to.saturating_add(1)),
        // The time of the last change doesn't grow with the index, so everyone created before the end is a candidate.
        LeadExportFilter::UpdatedAt(_, to) => 0..people.first_index_since(to.saturating_add(1)),
    }
}

fn update_window(filter: LeadExportFilter) -> Option<RangeInclusive<i64>> {
    match filter {
        LeadExportFilter::CreatedAt(..) => None,
        LeadExportFilter::UpdatedAt(from, to) => Some(from..=to),
    }
}

fn select_people(people: &People, filter: LeadExportFilter) -> impl Iterator<Item = SandboxPerson> + '_ {
    let window = update_window(filter);
    let is_selected = move |person: &SandboxPerson| window.as_ref().is_none_or(|times| times.contains(&person.updated_at));
    candidate_indices(people, filter).filter_map(|index| people.find_in_marketo(index)).filter(is_selected)
}
