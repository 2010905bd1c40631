//! Writes an export file row by row, counting and hashing on the way.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::{Range, RangeInclusive};

use sha2::{Digest, Sha256};

use super::activities::{self, Activity};
use super::export_job::{Filter, Order, Product, Selection};
use crate::sandbox::faults::FaultKind;
use crate::sandbox::hex::to_hex;
use crate::sandbox::listeners::SandboxVendor;
use crate::sandbox::people::People;
use crate::sandbox::people::person::SandboxPerson;
use crate::sandbox::state::SandboxState;

/// Passes bytes on, counting and hashing them.
struct Measured<W> {
    inner: W,
    bytes: u64,
    hash: Sha256,
}

impl<W: Write> Write for Measured<W> {
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

/// Writes the file of job `id`. Blocks; memory doesn't depend on the number of rows.
///
/// # Errors
/// What the file system reports.
pub fn write(sandbox: &SandboxState, id: &str, order: &Order) -> io::Result<Product> {
    let row_fault = sandbox.take_fault(
        SandboxVendor::Marketo,
        "GET",
        &format!("/bulk/v1/{}/export/{id}/file.json", order.selection.kind().name()),
        FaultKind::corrupts_rows,
    );
    let keep = sandbox.settings.keep_results && row_fault.is_none();
    let question = format!(
        "{} {:?} {:?}",
        sandbox.people.revision(),
        question(&sandbox.people, &order.selection),
        (&order.fields, &order.headers, order.format)
    );
    if let Some(kept) = keep.then(|| sandbox.result_cache.find_export(&question)).flatten() {
        return Ok(kept);
    }
    let path = sandbox.directory.join(format!("{id}.{}", if order.format.delimiter() == b',' { "csv" } else { "txt" }));
    let measured = Measured { inner: BufWriter::with_capacity(64 * 1024, File::create(&path)?), bytes: 0, hash: Sha256::new() };
    let mut rows = csv::WriterBuilder::new().delimiter(order.format.delimiter()).flexible(true).from_writer(measured);

    rows.write_record(&order.headers)?;
    let mut records = 0;
    // An empty field is written as the word null.
    let written = |value: Option<String>| value.unwrap_or_else(|| "null".into());
    let of_person = |person: SandboxPerson| order.fields.iter().map(|field| written(person.marketo_value(field))).collect::<Vec<String>>();
    let of_activity = |activity: Activity| order.fields.iter().map(|field| written(activity.column(field))).collect::<Vec<String>>();
    let selected: Box<dyn Iterator<Item = Vec<String>>> = match &order.selection {
        Selection::Leads(filter) => Box::new(chosen(&sandbox.people, *filter).map(of_person)),
        Selection::Activities { from, to, types } => Box::new(happened(&sandbox.people, *from, *to, types).map(of_activity)),
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
    let product = Product { path, bytes: measured.bytes, records, sha256: to_hex(&measured.hash.finalize()), kept: keep };
    if keep {
        sandbox.result_cache.store_export(question, product.clone());
    }
    Ok(product)
}

/// What a selection depends on: with the revision of the people it says whether a file written before still holds.
fn question(people: &People, selection: &Selection) -> String {
    match selection {
        Selection::Leads(filter) => format!("{:?} {:?}", indices(people, *filter), changed(*filter)),
        activities => format!("{activities:?}"),
    }
}

/// The activities of a time: creations of the generated people first, then what happened since the start.
fn happened<'a>(people: &'a People, from: i64, to: i64, types: &'a [u32]) -> impl Iterator<Item = Activity> + 'a {
    let generated = people.generated_count();
    let window = people.first_index_since(from).min(generated)..people.first_index_since(to.saturating_add(1)).min(generated);
    let created = window.filter_map(|index| people.in_marketo(index).map(|person| activities::creation(&person, index)));
    let first = people.first_event_since(from);
    let (events, _) = people.events(first, people.first_event_since(to.saturating_add(1)).saturating_sub(first));
    let later = events.into_iter().enumerate().flat_map(move |(offset, event)| {
        activities::of_event(&event, generated + (first + offset) as u64, |index| people.in_marketo(index))
    });
    created
        .chain(later)
        .filter(|activity| activity.kind != activities::NEVER_EXPORTED && (types.is_empty() || types.contains(&activity.kind)))
}

/// The people among whom a filter chooses.
fn indices(people: &People, filter: Filter) -> Range<u64> {
    match filter {
        Filter::CreatedAt(from, to) => people.first_index_since(from)..people.first_index_since(to.saturating_add(1)),
        // The time of the last change doesn't grow with the index, so everyone created before the end is looked at.
        Filter::UpdatedAt(_, to) => 0..people.first_index_since(to.saturating_add(1)),
    }
}

fn changed(filter: Filter) -> Option<RangeInclusive<i64>> {
    match filter {
        Filter::CreatedAt(..) => None,
        Filter::UpdatedAt(from, to) => Some(from..=to),
    }
}

fn chosen(people: &People, filter: Filter) -> impl Iterator<Item = SandboxPerson> + '_ {
    let changed = changed(filter);
    let of_filter = move |person: &SandboxPerson| changed.as_ref().is_none_or(|times| times.contains(&person.updated_at));
    indices(people, filter).filter_map(|index| people.in_marketo(index)).filter(of_filter)
}
